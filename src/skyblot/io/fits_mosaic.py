"""Mosaics in FITS as AstroDrizzle writes them: a primary header, SCI, WHT, CTX, and ERR."""

from typing import Any

import numpy as np
from astropy.io import fits

from .mosaic_headers import add_cards, primary_header, science_header, with_wcs
from .new_mosaic import NewMosaic
from .output import write_hdus

#: Exposures of this product give a mosaic that is free of trails of charge, and named for it.
_CORRECTED = "flc"


def product_of(labels: set[str], kind: str) -> str:
    """Return what AstroDrizzle calls a mosaic of exposures with these labels: ``drz`` or ``drc``.

    Examples
    --------
    >>> product_of({"flc"}, "drz"), product_of({"flc", "flt"}, "drz"), product_of({"flc"}, "med")
    ('drc', 'drz', 'med')
    """
    return "drc" if kind == "drz" and labels == {_CORRECTED} else kind


def write_mosaic(new: NewMosaic) -> None:
    """Write a mosaic atomically; its arrays are used as they are, and changed for a moment.

    Their bytes are swapped in place while they are written, so nobody else may read them then. One
    that is read-only is copied.
    """
    total = new.exptime_s
    times = [
        ("EXPTIME", total, "[s] exposure time of all exposures"),
        ("TEXPTIME", total, "[s] exposure time of all exposures"),
    ]
    common = new.blended()
    science = science_header(new, common)
    hdus = fits.HDUList(
        [
            fits.PrimaryHDU(header=primary_header(new, common, times, "CTX")),
            _image("SCI", new.data, science, new.wcs),
            _image("WHT", new.weights, _weight_header(new), new.wcs),
        ]
    )
    planes = new.signed_context
    if planes is not None:
        hdus.append(_image("CTX", planes[0] if len(planes) == 1 else planes, None, new.wcs))
    if new.errors is not None:
        unit = fits.Header([card for card in science.cards if card.keyword == "BUNIT"])
        hdus.append(_image("ERR", new.errors, unit, new.wcs))
    hdus[0].header["NEXTEND"] = len(hdus) - 1
    write_hdus(new.path, hdus, overwrite=new.overwrite, compress=new.compress)


def _image(name: str, data: np.ndarray, header: fits.Header | None, wcs: Any) -> fits.ImageHDU:
    return fits.ImageHDU(data, with_wcs(header or fits.Header(), wcs), name=name, ver=1)


def _weight_header(new: NewMosaic) -> fits.Header:
    header = fits.Header()
    kind = "exposures" if new.drizzle is None else new.drizzle.weight
    add_cards(header, [("WHTTYPE", kind, "what weights count")])
    return header
