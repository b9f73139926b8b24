"""How a mask was made, as cards of its header."""

from typing import Any

import numpy as np

from .rejection import Rejection


def mask_cards(source: str, exposure: str, found: Rejection) -> list[tuple[str, Any, str]]:
    """Return how a mask was made, for its header: keyword, value, comment; the images by their names."""
    from . import __version__

    criteria, (snr, scale) = found.criteria, found.criteria.thresholds
    cards: list[tuple[str, Any, str]] = [
        ("CRVER", __version__, "version of skyblot"),
        ("CRSRC", source, ""),
        ("CREXP", exposure, ""),
        ("CRRULE", criteria.rule, "rule"),
        ("CRSNR1", float(snr[0]), "[sigma] threshold of seeds"),
        ("CRSNR2", float(snr[1]), "[sigma] threshold of members"),
        ("CRSCALE1", float(scale[0]), "first factor of the blot's structure"),
        ("CRSCALE2", float(scale[1]), "second factor of the blot's structure"),
        ("CRGROW", float(criteria.grow), "[pixel] radius around bad pixels"),
        ("CRTAIL", criteria.cte_tail * criteria.cte_direction, "[pixel] tails along y, signed"),
        ("CRBACK", found.background, "background of exposure minus blot"),
        *([("CRBACKM", True, "background is a map; CRBACK is its middle")] if found.uneven is not None else []),
        *([("CRNOISE", found.noise, "[sigma] noise of exposure minus blot")] if np.isfinite(found.noise) else []),
        ("CRFRAC", found.fraction, "fraction of the judged pixels rejected"),
    ]
    if np.isfinite(found.flux_ratio_error):
        cards += [
            ("CRFLUX", found.flux_ratio, "flux ratio of exposure to blot, measured"),
            ("CRFLUXE", found.flux_ratio_error, "its standard error"),
        ]
    cards.append(("CRRATIO", found.ratio, "what the blot was multiplied by"))
    if np.isfinite(found.sharpness):
        cards += [
            ("CRDX", found.misalignment[0], "[pixel] exposure minus blot, in x"),
            ("CRDY", found.misalignment[1], "[pixel] exposure minus blot, in y"),
        ]
    return cards
