"""An example of every message about which image is meant, and about files in the wrong place."""

F = "visit/isky01a1q_flc.fits"

EXAMPLES = {
    "FIRST_OF_MANY": (
        {"name": F, "count": 2, "extension": "sci,1"},
        "visit/isky01a1q_flc.fits: has 2 images, the first, [sci,1], is used",
    ),
    "SEVERAL_EXTENSIONS": (
        {"name": "x.fits[chip,1]", "count": 3, "numbers": "[1], [2], [3]"},
        "x.fits[chip,1]: 3 extensions are called so, expected one by its number: [1], [2], [3]",
    ),
    "IS_EXPOSURE": (
        {"name": f"{F}[sci,1]", "signs": "SIP distortion, DQ and an exposure time"},
        "visit/isky01a1q_flc.fits[sci,1]: is an exposure (SIP distortion, DQ and an exposure time), "
        "expected the mosaic here, before the exposures; --force (force=True) takes it",
    ),
    "IS_MOSAIC": (
        {"name": "visit_drz.fits[sci,1]", "signs": "NDRIZIM = 4"},
        "visit_drz.fits[sci,1]: is a mosaic (NDRIZIM = 4), expected an exposure that went into one; "
        "--force (force=True) takes it",
    ),
    "SAME_FILE": (
        {"name": f"{F}[sci,1]"},
        "visit/isky01a1q_flc.fits[sci,1]: is given as the mosaic and as an exposure, expected two images; "
        "--force (force=True) takes it as both",
    ),
}
