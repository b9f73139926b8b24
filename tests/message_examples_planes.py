"""An example of every message about planes, noise and what could not be compared: its fields, and the sentence."""

SCI = "isky01a1q_flc.fits[sci,2]"

EXAMPLES = {
    "NO_NOISE": (
        {"name": SCI, "found": "no ERR extension", "missing": "no gain in its headers (GAIN = 'high')"},
        "isky01a1q_flc.fits[sci,2]: no ERR extension, and no gain in its headers (GAIN = 'high'): "
        "give --gain and --read-noise, or --err (gain=, read_noise=, err=)",
    ),
    "CARD_NOT_USED": (
        {"card": "GAIN = 'high'", "expected": "a number above 0"},
        "its GAIN = 'high' is not used: expected a number above 0",
    ),
    "UNIT_BY_GAIN": (
        {"gain": 1.5, "source": "CCDGAIN"},
        "its BUNIT is missing: taken as adu, of 1.5 electrons each by its CCDGAIN",
    ),
    "NOT_COMPARED": (
        {"name": SCI, "source": "med.fits[0]", "reason": "they do not overlap"},
        "isky01a1q_flc.fits[sci,2]: cannot be compared with med.fits[0]: they do not overlap",
    ),
    "WRONG_PLANE": (
        {"name": "drz.fits[wht,1]", "found": "a map of weights"},
        "drz.fits[wht,1]: is a map of weights, expected the mosaic's own image",
    ),
    "NO_FLAGS": (
        {},
        "its pixels have no flags (DQ): bad ones are judged as all others (--dq, or dq=, names their file)",
    ),
    "NO_ERRORS_IN": (
        {"part": "ERR"},
        "its ERR has no value above 0: the noise is made of gain and read noise",
    ),
    "ODD_NOISE": (
        {"spread": 41.3, "source": "ERR"},
        "its difference to the blot spreads by 41.3 sigma in half of its pixels: is the noise, by ERR, right?",
    ),
    "ERRORS_UNIT": (
        {"part": "ERR", "unit": "ELECTRONS", "wanted": "ELECTRONS/S"},
        "its ERR is in ELECTRONS and the image in ELECTRONS/S; it is taken as it is",
    ),
    "WEIGHTS_NOT_USED": (
        {"name": "m_sci.fits[0]", "part": "m_wht.fits[0]", "shape": (30, 40), "expected": (60, 80)},
        "m_sci.fits[0]: m_wht.fits[0] beside it has shape (30, 40), not (60, 80): it is not used",
    ),
}
