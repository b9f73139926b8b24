"""Mosaics in the layout of Roman's level 3: data, err, weight, context, variances, meta.wcs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..errors import WARNING_FILTERS
from ..headers.facts import number
from ..headers.units import same_unit
from .asdf import RECORD, as_mapping
from .atomic import atomic_write
from .bad_pixels import KEY_CARD
from .blocks import sort_extensions
from .damage import copying
from .gwcs import tangent_gwcs
from .mosaic_headers import in_icrs, is_icrs, outline, scale_of, scale_ratio
from .new_mosaic import NewMosaic
from .roman import with_tag

#: The data model of mosaics, as its tag names it.
_MODEL = "asdf://stsci.edu/datamodels/roman/tags/wfi_mosaic-2.0.0"
#: What Roman's files have for what is not known.
_UNKNOWN = -999999
_UNKNOWN_TEXT = "?"
_UNIT = "MJy/sr"
_SECONDS_A_DAY = 86400.0
_WEIGHTS = {"exptime": "exptime", "ivm": "ivm", "err": "ivm"}
#: The model asks for these, whether they are known or not.
_VARIANCES = ("poisson", "rnoise")
_OBSERVATION = (
    "execution_plan",
    "exposure",
    "exposure_grouping",
    "observation",
    "pass",
    "program",
    "segment",
    "visit",
)
_PROGRAM = ("category", "investigator_name", "science_category", "subcategory", "title")


def write_mosaic(new: NewMosaic) -> None:
    """Write a mosaic atomically.

    `roman_datamodels` opens it where the exposures say when they were taken, and the mosaic is in
    ICRS: its model takes no mosaic without these times, or in another frame.
    """
    import asdf

    new = replace(new, wcs=in_icrs(new.wcs))
    times = _Times.of(new)
    planes = _planes(new)
    meta = _meta(new, times)
    tree: dict[str, Any] = {
        "roman": with_tag({"meta": meta, **planes}, _MODEL if times and is_icrs(new.wcs) else "")
    }
    tree |= {k.lower(): value for k, value, _ in new.cards if k == KEY_CARD}
    with (
        atomic_write(new.path, overwrite=new.overwrite) as stream,
        WARNING_FILTERS,
        asdf.config_context() as config,
        copying(new.path, asdf.ValidationError),
    ):
        config.remove_extension(package="roman_datamodels")  # the same with it and without it
        file = asdf.AsdfFile(tree)
        for name in _unknown(new):
            file.set_array_compression(planes[name], "zlib")
        file.write_to(stream, **({"all_array_compression": "zlib"} if new.compress else {}))
        stream.flush()
        sort_extensions(stream.name)


class _Times(NamedTuple):
    """When the first exposure began, the last ended, and when exposures began in the mean."""

    first: Any
    last: Any
    mean: Any

    @classmethod
    def of(cls, new: NewMosaic) -> "_Times | None":
        """Return those of the exposures, None where one does not say."""
        exposures = [as_mapping(meta.get("exposure")) for meta in _metas(new)]
        begun = [_time_of(exposure.get("start_time")) for exposure in exposures]
        ended = [_end_of(exposure, start) for exposure, start in zip(exposures, begun, strict=True)]
        if None in begun or None in ended:
            return None
        mean = _time_of(float(np.mean([start.mjd for start in begun])))
        return cls(min(begun), max(ended), mean)


def _end_of(exposure: Mapping[str, Any], start: Any) -> Any:
    """When an exposure ended, by its own word, else by its length."""
    end = _time_of(exposure.get("end_time"))
    seconds = number(exposure.get("exposure_time"))
    if end is None and start is not None and seconds is not None:
        end = _time_of(start.mjd + seconds / _SECONDS_A_DAY)
    return end


def _time_of(node: Any) -> Any:
    """A time as a file has it: a text, one with its format, or a modified Julian date."""
    from astropy.time import Time

    value: Any = node.get("value") if isinstance(node, Mapping) else node
    try:
        if isinstance(value, str):
            time = Time(str(value).replace(" ", "T"), scale="utc")
        else:
            time = Time(float(value), format="mjd", scale="utc")
    except (TypeError, ValueError):
        return None
    time.format = "isot"
    return time


def _metas(new: NewMosaic) -> list[Mapping[str, Any]]:
    """What is known of each exposure, nothing converted."""
    return [as_mapping(getattr(each.image, "meta", None)) for each in new.exposures]


def _planes(new: NewMosaic) -> dict[str, np.ndarray]:
    """The arrays; those that the model asks for and nobody knows are NaN, and one array."""
    shape = new.data.shape
    context = new.context
    planes = {
        "data": new.data,
        "context": np.zeros((1, *shape), np.uint32) if context is None else context.view(np.uint32),
        "weight": new.weights,
    }
    planes |= {f"var_{kind}": plane for kind, plane in new.variances.items()}
    if new.errors is not None:
        planes["err"] = new.errors
    if _unknown(new):
        nothing = np.full(shape, np.nan, np.float32)
        planes |= dict.fromkeys(_unknown(new), nothing)
    return planes


def _unknown(new: NewMosaic) -> list[str]:
    names = [f"var_{kind}" for kind in _VARIANCES if kind not in new.variances]
    return [*names, "err"] if new.errors is None else names


def _meta(new: NewMosaic, times: _Times | None) -> dict[str, Any]:
    known = _metas(new)
    wcs = tangent_gwcs(new.wcs)
    wcs.array_shape = new.data.shape
    coadd: dict[str, Any] = {"exposure_time": _or_unknown(new.exptime_s)}
    if times is not None:
        coadd |= {f"time_{name}": time for name, time in times._asdict().items()}
    element = _common(known, "instrument", "optical_element")
    return {
        **_file_facts(new, known, times),
        "coadd_info": coadd,
        "instrument": {"name": "WFI", "optical_element": element},
        "observation": {key: _common(known, "observation", key) for key in _OBSERVATION},
        "program": {key: _common(known, "program", key) for key in _PROGRAM},
        "cal_step": _steps(new),
        "resample": _resample(new),
        "statistics": {
            "good_pixel_fraction": float(np.count_nonzero(new.weights)) / new.weights.size,
            "image_median": float(_UNKNOWN),
            "image_rms": float(_UNKNOWN),
        },
        "wcs": wcs,
        **_frame(new),
        RECORD: _record(new),
    }


def _file_facts(
    new: NewMosaic, known: Sequence[Mapping[str, Any]], times: _Times | None
) -> dict[str, Any]:
    """What is said of the file, and of what made it."""
    from .. import __version__

    date = _file_date(known, times)
    return {
        "telescope": "ROMAN",
        "filename": new.path.name,
        "model_type": "MosaicModel",
        "product_type": "skyblot",
        "origin": _common(known, "origin") or "STSCI/SOC",  # the model knows observatories only
        "calibration_software_name": "skyblot",
        "calibration_software_version": __version__,
        **({} if date is None else {"file_date": date}),
        "cal_logs": [],
        "individual_image_meta": {},
        "association": {"name": _UNKNOWN_TEXT},
    }


def _steps(new: NewMosaic) -> dict[str, str]:
    """Which steps of the pipeline the mosaic has gone through, or what stands for them."""
    in_unit = same_unit(new.bunit, _UNIT)
    return {
        "flux": "COMPLETE" if in_unit else "INCOMPLETE",
        "outlier_detection": "COMPLETE" if any(each.mask for each in new.inputs) else "SKIPPED",
        "resample": "COMPLETE",
        "skymatch": "COMPLETE" if new.sky_subtracted else "SKIPPED",
    }


def _record(new: NewMosaic) -> dict[str, Any]:
    """What the model has no place for."""
    record = {key.lower(): value for key, value, _ in new.cards if key != KEY_CARD}
    if new.drizzle is not None:
        record["correlation"] = new.drizzle.correlation
    return {"bunit": new.bunit, "exposures": new.combined, **record}


def _file_date(known: Sequence[Mapping[str, Any]], times: _Times | None) -> Any:
    """The newest date of the exposures' files, so that the same inputs give the same bytes."""
    dates = [date for meta in known if (date := _time_of(meta.get("file_date"))) is not None]
    return max(dates) if dates else (times.last if times else None)


def _common(known: Sequence[Mapping[str, Any]], *keys: str) -> Any:
    """A value that all exposures have; None where they differ, or one has none."""
    values = []
    for meta in known:
        node: Any = meta
        for key in keys:
            node = as_mapping(node).get(key)
        values.append(node)
    alike = all(value == values[0] for value in values)
    first = values[0]
    if not alike or isinstance(first, Mapping | list) or first in (None, _UNKNOWN, _UNKNOWN_TEXT):
        return None
    return next(kind(first) for kind in (bool, int, float, str) if isinstance(first, kind))


def _or_unknown(value: float | None) -> float:
    return float(_UNKNOWN) if value is None else value


def _resample(new: NewMosaic) -> dict[str, Any]:
    how = new.drizzle
    return {
        "good_bits": "~DO_NOT_USE",
        "members": list(dict.fromkeys(each.image.path.name for each in new.inputs)),
        "pixel_scale_ratio": _or_unknown(scale_ratio(new)),
        "pixfrac": float(_UNKNOWN) if how is None else how.pixfrac,
        "pointings": new.combined,
        "weight_type": _UNKNOWN_TEXT if how is None else _WEIGHTS[how.weight],
    }


def _frame(new: NewMosaic) -> dict[str, Any]:
    """What is said of world coordinates beside the gwcs: numbers in ICRS."""
    if not is_icrs(new.wcs):
        return {}
    return {"coordinates": {"reference_frame": "ICRS"}, "wcsinfo": _wcsinfo(new)}


def _wcsinfo(new: NewMosaic) -> dict[str, Any]:
    ny, nx = new.data.shape
    wcs = new.wcs
    middle = (nx - 1) / 2, (ny - 1) / 2
    (ra, dec), above = wcs.wcs_pix2world([middle, (middle[0], middle[1] + 1.0)], 0)
    cd = wcs.pixel_scale_matrix
    degrees = scale_of(new) / 3600.0
    east = (above[0] - ra + 180.0) % 360.0 - 180.0
    orientation = math.degrees(math.atan2(east * math.cos(math.radians(dec)), above[1] - dec))
    return {
        "ra": float(ra),
        "dec": float(dec),
        "orientation": orientation,
        "pixel_scale": degrees,
        "ra_ref": float(wcs.wcs.crval[0]),
        "dec_ref": float(wcs.wcs.crval[1]),
        "orientation_ref": math.degrees(math.atan2(cd[0, 1], cd[1, 1])),
        "pixel_scale_ref": degrees,
        "x_ref": float(wcs.wcs.crpix[0]) - 1.0,
        "y_ref": float(wcs.wcs.crpix[1]) - 1.0,
        "rotation_matrix": (cd / degrees).tolist(),
        "projection": "TAN",
        "image_shape": [int(ny), int(nx)],
        "skycell_name": None,
        "s_region": outline(wcs, new.data.shape),
    }
