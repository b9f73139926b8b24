"""An example of every message about how an exposure and its blot match: the fields it is given, the whole sentence."""

SCI = "visit/isky01a1q_flc.fits[sci,2]"

EXAMPLES = {
    "NO_MATCHING_BLOT": (
        {"name": SCI, "reach": 50},
        f"{SCI}: the blot does not match it: its sources are not where the blot has them, nor within 50 pixels of "
        "there; are mosaic and WCS the right ones?",
    ),
    "FLUX_RATIO_REFUSED": (
        {"name": SCI, "ratio": 412.17, "most": 3.0},
        f"{SCI}: its sources are 412 times as bright as the blot's, expected a flux ratio within a factor 3: "
        "are units and exposure times right? (--flux-ratio fit, or a number, compares all the same)",
    ),
    "ODD_FIT": (
        {"percent": 17.4},
        "its sources do not fit the blot's all over, 17 % of their brightness is left: by a rotation or another "
        "distortion, sources may look like cosmic rays; align the exposures first",
    ),
    "FLUX_RATIO": (
        {"ratio": 0.71234, "error": 0.00312, "used": "multiplied by it"},
        "its sources are 0.712 +- 0.003 times as bright as the blot's, which is multiplied by it: are units and "
        "exposure times right, or are cores of stars missing in the mosaic? (--flux-ratio says what to use)",
    ),
}
