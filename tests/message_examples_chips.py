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
    "BITS_TOO_LARGE": (
        {"name": f"{F}[sci,1]", "dtype": "uint8", "bits": 4096},
        "visit/isky01a1q_flc.fits[sci,1]: its DQ is uint8, which cannot hold the bits of cosmic rays, 4096",
    ),
    "OWN_FOLDER": (
        {"name": F},
        "visit/isky01a1q_flc.fits: --keep-name (keep_name=True) needs another folder than that of the exposure: "
        "--output-dir",
    ),
    "ONE_COPY": ({}, "--keep-name (keep_name=True) names one copy: give either --update-dq or --clean"),
}
