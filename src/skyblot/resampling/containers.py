"""Blot images with their WCS and unit: NDData, FITS HDUs, quantities; and plain arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import (
    DataError,
    ParameterError,
    SkyblotWarning,
    WCSError,
    memory_errors_told,
    one_line,
    quiet,
    warn,
)
from ..headers.facts import Facts
from ..headers.wcs_cards import wcs_header
from ..headers.wcs_facts import frame_statement, with_statement
from ..parameters.table import Sampling
from ..pixelmap.wcs_objects import is_fits_wcs, unwrapped
from .arrays import image_of, prepare
from .measured import is_a, is_nddata, is_quantity, scaled, uncertainty_like, unit_of, variance_of

_IMAGE_HDUS = ("PrimaryHDU", "ImageHDU", "CompImageHDU")
_OTHER_HDUS = ("HDUList", "BinTableHDU", "TableHDU", "GroupsHDU")


def blot(
    source: Any,
    source_wcs: Any = None,
    target_wcs: Any = None,
    *,
    shape: tuple[int, int] | None = None,
    interp: str = "poly5",
    sinscl: float = 1.0,
    stepsize: int | None = None,
    tolerance: float = 1e-4,
    scale: float = 1.0,
    fill_value: float = 0.0,
    variance: Any = None,
    pixel_map: tuple[Any, Any] | None = None,
    out: np.ndarray | None = None,
    threads: int | None = None,
) -> Any:
    """Resample a mosaic onto the pixels of a distorted exposure.

    Parameters
    ----------
    source : array, Quantity, NDData or image HDU, shape (ny, nx)
        The mosaic: float32, float64 or integers, in any byte order; read-only arrays and memory
        maps are fine, and only the part that the target touches is read. Integers and booleans go
        with ``nearest``. Pixels that the mask of an `astropy.nddata.NDData` marks count as NaN.
    source_wcs, target_wcs : WCS
        `astropy.wcs.WCS` (with whatever distortion it carries), `gwcs.WCS` or an APE 14 WCS;
        celestial, 2-D. Neither is changed. An NDData or an image HDU will do, for its WCS;
        `source_wcs` may be left out where the source is one: ``blot(mosaic, exposure)`` for two of
        them.
    shape : tuple of int, optional
        (ny, nx) of the blot; by default that of the target, ``target_wcs.array_shape``.
    interp : str
        Interpolant: ``nearest``, ``linear``, ``poly5`` or another one of :doc:`/interpolants`.
    sinscl : float
        Scale of the sinc interpolant, in pixels.
    stepsize : int, optional
        None, 0 or 1 is exact at every pixel; n > 1 is exact every n pixels and bilinear between.
    tolerance : float
        Largest error of the pixel map, in source pixels, for WCS without a closed form (which is
        exact): see :doc:`/how_it_works`.
    scale : float
        Multiplies the covered pixels: exposure time, ratio of pixel areas. A unit stays the
        source's.
    fill_value : float
        Value of blot pixels that the source does not cover, in the source's unit.
    variance : array, shape (ny, nx) of the source, optional
        Variance of the source's pixels, independent of each other. The blot's is returned too. An
        NDData's uncertainty needs no such thing.
    pixel_map : (x, y), optional
        In place of WCS and `shape`: arrays of the blot's shape that say where each of its pixels
        falls on the source, 0-based, pixel centres at integers; NaN where it does not.
    out : ndarray, optional
        Plain array of the blot's shape and dtype to write into.
    threads : int, optional
        By default the cores this process may use. The values do not depend on it.

    Returns
    -------
    ndarray, Quantity, NDData or ImageHDU, shape (ny, nx)
        What the source is: an array for an array; a Quantity with its unit; an NDData of its class
        with its unit, an uncertainty of its kind and the target's WCS; for any image HDU an
        ImageHDU with the target's WCS and the source's BUNIT. float32 for a float32 source, float64
        for float64, the source's own dtype for integers.
    variance : ndarray, shape (ny, nx)
        Where it was given: the source's, weighted by the squares of the interpolant's weights and
        of `scale`; NaN where the source does not cover. Neighbouring pixels of a blot share noise,
        which it does not say.

    Raises
    ------
    ParameterError, DataError, WCSError
        For arguments that cannot be used; nothing has been changed then, `out` included.

    Warns
    -----
    SkyblotWarning
        For what the result cannot hold: an uncertainty of an unknown kind, a WCS that a single HDU
        has no cards for.

    Notes
    -----
    A blot pixel is covered where its centre falls on a pixel of the source. Near its edges the
    source is extended by point reflection. NaN spreads to the blot pixels whose taps touch it, and
    no further.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.wcs import WCS
    >>> import skyblot
    >>> wcs = WCS(naxis=2)
    >>> wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    >>> wcs.wcs.cdelt = [-1e-5, 1e-5]
    >>> wcs.array_shape = (3, 4)
    >>> skyblot.blot(np.ones((3, 4), np.float32), wcs, wcs)
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.],
           [1., 1., 1., 1.]], dtype=float32)
    """
    if out is not None and is_quantity(out):
        raise ParameterError(
            "is a Quantity, expected a plain array, the unit comes with what is returned",
            subject="out",
        )
    if pixel_map is None:
        source_wcs, target_wcs, shape = _geometry(source, source_wcs, target_wcs, shape)
    pixels, wrap = _opened(source, target_wcs)
    own = variance_of(source) if variance is None and is_nddata(source) else None
    variance = _plain_variance(variance, source) if own is None else own
    sampling = Sampling(interp, sinscl, stepsize, tolerance)
    with memory_errors_told():
        job = prepare(pixels, source_wcs, target_wcs, sampling, shape=shape, pixel_map=pixel_map)
        errors = None if variance is None else job.of_variances(image_of(variance))
        image = wrap(job.run(scale=scale, fill_value=fill_value, out=out, threads=threads).data)
        if errors is None:
            return image
        variances = errors.run(scale=float(scale) ** 2, fill_value=np.nan, threads=threads).data
    if own is None:
        return image, variances
    image.uncertainty = uncertainty_like(source, variances)
    return image


def _geometry(source: Any, source_wcs: Any, target_wcs: Any, shape: Any) -> tuple[Any, Any, Any]:
    """Both WCS and the shape of the blot.

    An image stands for its WCS, and the second of two images is the target.
    """
    if target_wcs is None and _carries_wcs(source) and _carries_wcs(source_wcs):
        target_wcs = source_wcs
        source_wcs = source
    if source_wcs is None and _carries_wcs(source):
        source_wcs = source
    shape = _shape(target_wcs) if shape is None else shape
    return _wcs(source_wcs, "source"), _wcs(target_wcs, "target"), shape


def _plain_variance(variance: Any, source: Any) -> Any:
    """A variance without its unit, which must be that of the source, squared."""
    if variance is None or not is_quantity(variance):
        return variance
    unit = unit_of(source)
    return (
        variance.value
        if unit is None
        else scaled(variance.value, variance.unit, unit**2, "variance", "source")
    )


def _is_hdu(what: Any) -> bool:
    return is_a(what, "astropy.io.fits", *_IMAGE_HDUS)


def _carries_wcs(what: Any) -> bool:
    return is_nddata(what) or _is_hdu(what)


def _wcs(image: Any, role: str) -> Any:
    """The WCS that an image carries; any other object is taken for a WCS."""
    if is_nddata(image):
        if image.wcs is None:
            raise WCSError(
                f"is a {type(image).__name__} without a WCS: give {role}_wcs", subject=f"the {role}"
            )
        return image.wcs
    if _is_hdu(image):
        return _header_wcs(image, role)
    if image is None:
        raise WCSError(
            "its WCS is not given, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS: give "
            f"{role}_wcs",
            subject=f"the {role}",
        )
    return image


def _header_wcs(hdu: Any, role: str) -> Any:
    """The WCS of an HDU's header, which must not need other extensions."""
    from astropy.wcs import WCS

    try:
        header = wcs_header(hdu.header, Facts(f"the {role} HDU", hdu.header, {}))
        with quiet():
            wcs = WCS(header)
    except (WCSError, SkyblotWarning):
        raise
    except Exception as error:  # wcslib and the table readers raise anything
        if "HDUList is required" in str(error):
            raise WCSError(
                "its WCS has look-up tables in other extensions of the HDU's file: give "
                f"{role}_wcs=WCS(hdu.header, hdulist)",
                subject=f"the {role}",
            ) from None
        raise WCSError(
            f"its WCS cannot be read: {one_line(error)}", subject=f"the {role} HDU"
        ) from error
    if not wcs.has_celestial:
        found = repr(header.get("CTYPE1"))
        raise WCSError(
            f"has no celestial WCS: CTYPE is {found}, expected RA---TAN or the like",
            subject=f"the {role} HDU",
        )
    return with_statement(wcs, frame_statement(header))


def _shape(target: Any) -> Any:
    """The shape of a target that has pixels, without axes of one pixel before its two last."""
    if not _carries_wcs(target):
        return None
    shape = target.shape if _is_hdu(target) else np.shape(target.data)
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape or None


def _opened(source: Any, target_wcs: Any) -> tuple[Any, Callable[[np.ndarray], Any]]:
    """The pixels of a source, and what makes of a blot an object like the source."""
    if is_nddata(source):
        return _nddata_pixels(source), _nddata_like(source, target_wcs)
    if _is_hdu(source):
        return _hdu_pixels(source), _hdu_like(source, target_wcs)
    if is_a(source, "astropy.io.fits", *_OTHER_HDUS):
        kind = f"a {type(source).__name__}"
        expected = "an image, hdulist['SCI', 1] for example"
        raise DataError(f"is {kind}, expected {expected}", subject="the source")
    if is_quantity(source):
        from astropy.units import Quantity

        return source.value, lambda data: Quantity(
            data, source.unit, dtype=data.dtype, copy=False, subok=True
        )
    return source, lambda data: data


def _nddata_pixels(source: Any) -> Any:
    """The data, masked where the mask is: where it is true, pixels count as NaN."""
    mask = source.mask
    if mask is None or not np.any(mask):
        return source.data
    data = np.asarray(source.data)
    if data.dtype.kind != "f":
        raise DataError(
            f"has masked pixels, and {data.dtype.name} has no NaN for them: give them a value",
            subject="the source",
        )
    if np.shape(mask) != data.shape:
        expected = f"that of its data, {data.shape}"
        raise DataError(
            f"has shape {np.shape(mask)}, expected {expected}", subject="the source's mask"
        )
    return np.ma.MaskedArray(data, np.asarray(mask, bool))


def _nddata_like(source: Any, target_wcs: Any) -> Callable[[np.ndarray], Any]:
    kind = type(source)
    if (
        is_a(source, "astropy.nddata", "CCDData")
        and target_wcs is not None
        and not is_fits_wcs(target_wcs)
    ):
        given = type(unwrapped(target_wcs)).__name__
        raise ParameterError(
            f"is a {kind.__name__}, which takes no {given} as the target's WCS, only "
            "astropy.wcs.WCS: give an NDData",
            subject="the source",
        )
    return lambda data: kind(data, wcs=target_wcs, unit=source.unit)


def _hdu_pixels(source: Any) -> Any:
    if source.data is None:
        raise DataError(f"is a {type(source).__name__} without pixels", subject="the source")
    return source.data


def _hdu_like(source: Any, target_wcs: Any) -> Callable[[np.ndarray], Any]:
    from astropy.io.fits import Header

    header = Header() if target_wcs is None else _wcs_header(unwrapped(target_wcs))
    if "BUNIT" in source.header:
        header["BUNIT"] = (source.header["BUNIT"], source.header.comments["BUNIT"])

    def like(data: np.ndarray) -> Any:
        from astropy.io.fits import ImageHDU

        # FITS has no boolean images
        storable = data.astype(np.uint8) if data.dtype.kind == "b" else data
        return ImageHDU(storable, header)

    return like


def _wcs_header(wcs: Any) -> Any:
    """The cards of a WCS, as far as one HDU holds them."""
    from astropy.io.fits import Header

    if not is_fits_wcs(wcs):
        warn(f"the target's WCS, a {type(wcs).__name__}, has no FITS header: the HDU gets none")
        return Header()
    if any(getattr(wcs, name) is not None for name in ("cpdis1", "cpdis2", "det2im1", "det2im2")):
        warn(
            "the target's WCS has look-up tables, which a single HDU cannot hold: the HDU's WCS "
            "lacks them"
        )
    with quiet():
        return wcs.to_header(relax=True)
