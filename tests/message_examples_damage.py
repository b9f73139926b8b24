"""Examples of messages about damaged tables."""

EXAMPLES = {
    "OUTSIDE_HEAP": (
        {"name": "c4d_ooi.fits.fz[s30,1]"},
        "c4d_ooi.fits.fz[s30,1]: damaged: its table refers to bytes outside of it",
    ),
}
