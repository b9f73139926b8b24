"""An example of every message about what the pipelines of JWST and Roman write: its fields, and the whole sentence."""

EXAMPLES = {
    "NO_SKY": (
        {"name": "a_cal.fits[sci,1]", "keyword": "BKGLEVEL"},
        "a_cal.fits[sci,1]: no sky value BKGLEVEL in its headers; sky 0 is added (--no-addsky says so)",
    ),
    "LEVEL_ADDED": (
        {"name": "a_cal.fits[sci,1]", "keyword": "BKGLEVEL", "value": 1.25, "source": "a_i2d.fits[sci,1]"},
        "a_cal.fits[sci,1]: its BKGLEVEL, 1.25, is added, though a_i2d.fits[sci,1] does not tell whether it was freed "
        "of it (--no-addsky)",
    ),
    "LEVEL_NOT_ADDED": (
        {
            "name": "a_cal.asdf",
            "keyword": "background.level",
            "value": 1.25,
            "source": "a_coadd.asdf",
            "status": "SKIPPED",
        },
        "a_cal.asdf: its background.level, 1.25, is not added: a_coadd.asdf was not freed of it, its skymatch is "
        "SKIPPED",
    ),
    "PHOTMJSR_OF_MOSAIC": (
        {"name": "a_rate.fits[sci,1]", "source": "a_i2d.fits[sci,1]", "value": 0.25},
        "a_rate.fits[sci,1]: has no PHOTMJSR; that of a_i2d.fits[sci,1], 0.25 MJy/sr for 1 DN/s, is used (--photmjsr "
        "gives another)",
    ),
    "GWCS_MISFIT": (
        {"name": "a_coadd.asdf", "misfit": "is that of 5000 x 5000 pixels", "shape": "512 x 600"},
        "a_coadd.asdf: its gwcs is that of 5000 x 5000 pixels, but the image has 512 x 600 pixels, and no WCS in its "
        "header tells what was cut off: expected the gwcs of this image",
    ),
    "GWCS_OF_ANOTHER": (
        {
            "name": "cut_i2d.fits[sci,1]",
            "misfit": "is defined at x -0.5 to 2047.5, y -0.5 to 2047.5",
            "shape": "300 x 300",
        },
        "cut_i2d.fits[sci,1]: its gwcs is defined at x -0.5 to 2047.5, y -0.5 to 2047.5, and the image has 300 x 300 "
        "pixels: it was cut out or resampled, and the WCS in its header is used",
    ),
}
