"""Mosaics in the layout of JWST's ``_i2d``: SCI, ERR, CON, WHT, VAR_*, and the gwcs in ASDF."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from astropy.io import fits

from ..errors import warn
from ..headers.wcs_cards import linear_cards
from .embedded import asdf_extension
from .gwcs import INSTALL, missing_package, tangent_gwcs
from .mosaic_headers import (
    add_cards,
    frame_cards,
    in_icrs,
    is_icrs,
    outline,
    primary_header,
    scale_ratio,
    science_header,
)
from .new_mosaic import NewMosaic
from .output import write_hdus

#: What the pipeline calls the kinds of weights; it has no other than these two.
_WEIGHTS = {"exptime": "exptime", "ivm": "ivm", "err": "ivm"}
#: The extensions of variances.
_VARIANCES = ("poisson", "rnoise", "flat")
_ARCSEC_PER_DEGREE = 3600.0


def write_mosaic(new: NewMosaic) -> None:
    """Write a mosaic atomically, for `jwst.datamodels.ImageModel`; memory as for `fits_mosaic`."""
    new = replace(new, wcs=in_icrs(new.wcs))
    common = new.blended()
    images = _images(new, _science(new, common))
    hdus = fits.HDUList([fits.PrimaryHDU(header=_primary(new, common)), *images])
    package = missing_package()
    if package is None:
        wcs = tangent_gwcs(new.wcs)
        wcs.array_shape = new.data.shape
        hdus.append(asdf_extension(wcs, images, _meta(new)))
    else:
        warn(
            f"has no extension ASDF, and so no meta.wcs: the package {package} is missing "
            f"({INSTALL})",
            subject=new.path,
        )
    write_hdus(new.path, hdus, overwrite=new.overwrite, compress=new.compress)


def _primary(new: NewMosaic, common: Mapping[str, Any]) -> fits.Header:
    total = new.exptime_s
    matched = "COMPLETE" if new.sky_subtracted else "SKIPPED"
    cards = [
        ("TELESCOP", "JWST", ""),
        ("DATAMODL", "ImageModel", "type of data model"),
        ("EFFEXPTM", total, "[s] exposure time of all exposures"),
        ("S_SKYMAT", matched, "sky background equalization"),
        ("S_RESAMP", "COMPLETE", "image resampling"),
        ("NDRIZ", new.combined, "exposures in the mosaic"),
    ]
    if new.drizzle is not None:
        cards += [
            ("RESWHT", _WEIGHTS[new.drizzle.weight], "kind of weights"),
            ("PIXFRAC", new.drizzle.pixfrac, "linear size of a drop"),
            ("PXSCLRT", scale_ratio(new), "size of a pixel in those of the exposures"),
            ("KERNEL", new.drizzle.kernel, "shape of a drop"),
        ]
    return primary_header(new, common, cards, "CON")


def _images(new: NewMosaic, science: fits.Header) -> list[fits.ImageHDU]:
    unit = fits.Header({"BUNIT": new.bunit} if new.bunit else {})
    planes: list[tuple[str, Any, fits.Header | None]] = [("SCI", new.data, science)]
    planes.append(("ERR", new.errors, unit))
    planes.append(("CON", new.signed_context, None))
    planes.append(("WHT", new.weights, None))
    planes += [(f"VAR_{kind.upper()}", new.variances.get(kind), None) for kind in _VARIANCES]
    return [
        fits.ImageHDU(data, header, name=name, ver=1)
        for name, data, header in planes
        if data is not None
    ]


def _science(new: NewMosaic, common: Mapping[str, Any]) -> fits.Header:
    """The header of SCI, with its WCS in PC, and the area of its pixels."""
    wcs = new.wcs
    area = abs(float(np.linalg.det(wcs.pixel_scale_matrix)))  # square degrees
    step = math.sqrt(area)
    cards: dict[str, Any] = {}
    for keyword, value in linear_cards(wcs).items():
        is_matrix = keyword.startswith("CD")
        cards[f"PC{keyword[2:]}" if is_matrix else keyword] = value / step if is_matrix else value
    cards |= {"CDELT1": step, "CDELT2": step}
    header = fits.Header()
    add_cards(header, [(keyword, value, "") for keyword, value in cards.items()])
    add_cards(header, frame_cards(wcs))
    if is_icrs(wcs):
        add_cards(header, [("S_REGION", outline(wcs, new.data.shape), "")])
    header.extend(
        science_header(
            new,
            common,
            [
                ("XPOSURE", new.exptime_s, "[s] exposure time of all exposures"),
                ("PIXAR_SR", area * math.radians(1) ** 2, "[sr] area of a pixel"),
                ("PIXAR_A2", area * _ARCSEC_PER_DEGREE**2, "[arcsec2] area of a pixel"),
            ],
        ).cards
    )
    return header


def _meta(new: NewMosaic) -> dict[str, Any]:
    """What the extension ASDF says beside the headers: the pipeline has no keyword for it."""
    meta: dict[str, Any] = {"model_type": "ImageModel", "filename": new.path.name}
    if new.bunit:
        meta["bunit_data"] = new.bunit
    if new.drizzle is not None:
        fill = "NaN" if math.isnan(new.drizzle.fill) else f"{new.drizzle.fill:g}"
        meta["resample"] = {"kernel": new.drizzle.kernel, "fillval": fill}
    return meta
