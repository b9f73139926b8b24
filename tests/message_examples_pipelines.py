"""An example of every message about what the pipelines of JWST and Roman write: its fields, and the whole sentence."""

EXAMPLES = {
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
