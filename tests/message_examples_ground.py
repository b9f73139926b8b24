"""An example of every message about data from the ground: the fields it is given, the whole sentence."""

EXAMPLES = {
    "FLUX_SCALE_USED": (
        {"name": "obj_003.fits[0]", "source": "coadd.fits", "scale": 4 / 3},
        "obj_003.fits[0]: FLXSCALE = 1.33333, by which SWarp multiplied it for coadd.fits: its blot is divided by that",
    ),
    "COADD_KEEPS_OUTLIERS": (
        {"name": "coadd.fits[0]", "value": "WEIGHTED"},
        "coadd.fits[0]: COMBINET = 'WEIGHTED', so the cosmic rays of its exposures are in it, "
        "unless their weights left them out: use a coadd of the kind MEDIAN or CLIPPED",
    ),
    "NOISE_AT_LIMIT": (
        {"spread": 7.912, "used": 3.0},
        "the noise of its sky is 7.91 times what its errors, or gain and read noise, say, and 3 times is used: are "
        "they right (--err, --gain, --read-noise), and is the background flat (--background map)?",
    ),
}
