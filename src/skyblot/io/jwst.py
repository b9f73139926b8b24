"""JWST's FITS files: the exact gwcs in the extension ASDF, beside the approximate WCS in the header."""

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import messages
from ..errors import FileError, SkyblotWarning, WCSError
from ..facts import is_drizzled
from ..wcs_facts import UNSTATED, with_statement
from .gwcs import INSTALL, agrees, missing_package, open_tree, stored_wcs

if TYPE_CHECKING:
    from .fits import FitsImage

#: Stands in the tree of an ASDF file with a gwcs.
_GWCS_TAG = b":gwcs/wcs-"
#: How well JWST's pipeline fits SIP, in pixels, where the header does not say it.
_SIP_ERROR = 0.01
#: The WCS in the header and the gwcs of an aligned image are nearer than this, in pixels.
_ALIGNED = 0.1


def best_wcs(image: "FitsImage") -> Any:
    """Return the gwcs of an image in a JWST file; the WCS in its header where that is as good, or all there is.

    The header's is as good for mosaics: both are the same TAN. It is preferred there, since a pair of FITS WCS has a
    closed form, and wcslib is faster than gwcs.

    Raises
    ------
    WCSError
        If there is no celestial WCS, or it cannot be read.
    """
    content = _asdf_content(image)
    if _GWCS_TAG not in content:
        if content and image.facts.find("TELESCOP") == "JWST":
            return _header_wcs(image, "its ASDF extension holds no gwcs (was assign_wcs run?)")
        return image.header_wcs()
    package = missing_package()
    if package is not None:
        return _header_wcs(image, f"its gwcs cannot be read without the package {package} ({INSTALL})")
    with open_tree(BytesIO(content), f"{image.path}[asdf]") as tree:
        exact = stored_wcs(tree, ("meta", "wcs"), image.shape, image.name)
    plain = _tangent_wcs(image)
    if plain is not None and agrees(exact, plain, image.name):
        return plain
    _compare(image, exact)
    return exact


def _compare(image: "FitsImage", exact: Any) -> None:
    """Warn where the WCS in the header puts an image elsewhere than its gwcs: only one of them was aligned.

    SIP is an approximation, good to a hundredth of a pixel in the middle of most images: hence the median over the
    image. A header without distortion is compared where all of its pixels are off alike, as those of a mosaic are.
    """
    from ..pixelmap.direct import DirectMap
    from ..pixelmap.sky import sky_of

    ny, nx = image.shape
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(0, nx - 1, 9), np.linspace(0, ny - 1, 9)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = with_statement(image.header_wcs(), UNSTATED)  # ICRS, whatever it says
            back = DirectMap(sky_of(exact, "target"), sky_of(header, "source")).at(x, y)
    except WCSError:
        return
    off = np.subtract(back, (x, y))
    off = off[:, np.isfinite(off).all(axis=0)]
    if not off.size or not (header.has_distortion or off.std(axis=1).max() < _ALIGNED):
        return
    pixels = float(np.median(np.hypot(*off)))
    if pixels > _ALIGNED:
        warnings.warn(messages.GWCS_AND_HEADER(name=image.name, pixels=pixels), SkyblotWarning, stacklevel=3)


def _asdf_content(image: "FitsImage") -> bytes:
    """The bytes of the ASDF extension, a table with one cell or, in old files, an image; empty if there is none."""
    there = "ASDF" in image.hdus
    if there or image.facts.find("TELESCOP") == "JWST":
        _check_end(image)
    if not there:
        return b""
    hdu = image.hdus["ASDF"]
    try:
        data = hdu.data
        return (data if data.dtype.names is None else data[data.dtype.names[0]][0]).tobytes()
    except Exception:  # not JWST's kind of ASDF extension: whatever astropy raises
        return b""


def _check_end(image: "FitsImage") -> None:
    """Refuse a file that ends too early: its last extension was the one with the gwcs."""
    hdu, present = image.hdus[-1], image.content.size
    place = hdu.fileinfo()
    if place is None or place["file"].compression is not None:
        return
    # The end of another extension's last block is missed only where more was to follow.
    needed = place["datLoc"] + (hdu.size if hdu.name == "ASDF" else place["datSpan"])
    if needed > present:
        raise FileError(
            messages.TOO_SHORT(
                name=image.path, part=f"data in extension {hdu.name}", needed=needed, holder="the file", present=present
            )
        )


def _header_wcs(image: "FitsImage", reason: str) -> Any:
    """The WCS in the header, with a warning that says what is lost."""
    try:
        wcs = image.header_wcs()
    except WCSError as error:
        raise WCSError(messages.NO_OTHER_WCS(error=error, reason=reason)) from error
    if wcs.sip is not None:
        size = image.facts.find("SIPMXERR") or _SIP_ERROR
        loss = f"the SIP approximation in its header is used, wrong by up to about {size:.2g} pixel"
    elif is_drizzled(image.facts):  # nothing is lost
        return wcs
    else:
        loss = "the WCS in its header is used, which has no distortion and may be wrong by many pixels"
    message = messages.HEADER_WCS_USED(name=image.name, reason=reason, loss=loss)
    warnings.warn(message, SkyblotWarning, stacklevel=2)
    return wcs


def _tangent_wcs(image: "FitsImage") -> Any:
    """The WCS in the header, if it is a plain TAN in ICRS; else None."""
    axes = [image.header.get(f"CTYPE{axis}") for axis in (1, 2)]
    if axes != ["RA---TAN", "DEC--TAN"] or image.header.get("RADESYS", "ICRS") != "ICRS":
        return None
    try:
        wcs = image.header_wcs()
    except WCSError:
        return None
    return None if wcs.has_distortion else wcs
