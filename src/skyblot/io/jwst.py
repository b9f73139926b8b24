"""JWST's FITS files: the exact gwcs in the extension ASDF, beside the header's approximation."""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from ..errors import FileError, WCSError, quiet, warn
from ..headers.facts import SUBARRAY, is_drizzled, number
from ..headers.instruments import instrument_of
from ..headers.wcs_facts import UNSTATED, with_statement
from .damage import check_heap
from .gwcs import (
    INSTALL,
    StoredWCS,
    agrees,
    missing_package,
    open_tree,
    refused,
    stored_wcs,
    unreadable,
)

if TYPE_CHECKING:
    from .fits import FitsImage

#: Stands in the tree of an ASDF file with a gwcs.
_GWCS_TAG = b":gwcs/wcs-"
_WCS_KEYS = ("meta", "wcs")
#: How well JWST's pipeline fits SIP, in pixels, where the header does not say it.
_SIP_ERROR = 0.01
#: The WCS in the header and the gwcs of an aligned image are nearer than this, in pixels.
_ALIGNED = 0.1


def best_wcs(image: "FitsImage") -> Any:
    """Return the gwcs of an image in a JWST file, or its header's WCS where that is as good.

    The header's is as good for mosaics: both are the same TAN. It is preferred there, since a pair
    of FITS WCS has a closed form, and wcslib is faster than gwcs.

    Raises
    ------
    WCSError
        If there is no celestial WCS, or it cannot be read.
    """
    content = _asdf_content(image)
    if _GWCS_TAG not in content:
        return _without_gwcs(image, content)
    package = missing_package()
    if package is not None:
        return _header_wcs(
            image, f"its gwcs cannot be read without the package {package} ({INSTALL})"
        )
    with open_tree(BytesIO(content), f"{image.path}[asdf]") as tree:
        stored = stored_wcs(tree, _WCS_KEYS, image.shape, image.name)
    if not stored.problem:
        return _chosen(image, stored)
    plain = _tangent_wcs(image) if is_drizzled(image.facts) else None
    if plain is None:
        raise unreadable(image.name, _WCS_KEYS, stored)
    reason = f"its {'/'.join(_WCS_KEYS)} cannot be read: {stored.problem}"
    loss = "the WCS in its header is used"
    warn(f"{reason}; {loss}", subject=image.name)
    return plain


def gwcs_counts(image: "FitsImage") -> bool:
    """Whether the gwcs in the extension ASDF of an image is its own, as far as can be told.

    It is not in a cut-out, whose header was changed with the pixels and whose gwcs was not.
    """
    content = _asdf_content(image)
    if _GWCS_TAG not in content or missing_package() is not None:
        return True
    with open_tree(BytesIO(content), f"{image.path}[asdf]") as tree:
        stored = stored_wcs(tree, _WCS_KEYS, image.shape, image.name)
    if stored.problem:
        return True
    return not _is_of_another(_misfit(image, stored), header_offset(image, stored.wcs), stored)


def _chosen(image: "FitsImage", stored: StoredWCS) -> Any:
    """The gwcs of an image, unless the header's WCS is as good, or it is another image's."""
    misfit = _misfit(image, stored)
    plain = _tangent_wcs(image)
    if plain is not None and not misfit and agrees(stored.wcs, plain, image.name):
        return plain
    offset = header_offset(image, stored.wcs)
    if _is_of_another(misfit, offset, stored):
        return _header_instead(image, misfit, offset, plain)
    if offset is not None and offset.told:
        warn(
            f"its gwcs, which is used, and the WCS in its header are {offset.pixels:.2g} "
            "pixels apart: only one of them was aligned, or the header's is a poor "
            "approximation",
            subject=image.name,
        )
    return stored.wcs


def _misfit(image: "FitsImage", stored: StoredWCS) -> str:
    return stored.misfit or ("" if stored.confirmed else _subarray_misfit(image))


def _is_of_another(misfit: str, offset: "Offset | None", stored: StoredWCS) -> bool:
    return bool(misfit) or (offset is not None and offset.cut_out and not stored.confirmed)


def _header_instead(image: "FitsImage", misfit: str, offset: "Offset | None", plain: Any) -> Any:
    """The header's WCS of a cut-out, where it was changed with the pixels."""
    changed = offset is not None and (offset.cut_out or (plain is not None and offset.regridded))
    if not changed or offset is None:
        raise refused(image.name, misfit, image.shape)
    ny, nx = image.shape
    evidence = misfit or f"is {offset.pixels:.0f} whole pixels from the WCS in its header"
    #: As by `Cutout2D`, which changes the header and not the extension ASDF.
    warn(
        f"its gwcs {evidence}, and the image has {ny} x {nx} pixels: it was cut out or "
        "resampled, and the WCS in its header is used",
        subject=image.name,
    )
    return image.header_wcs()


def _subarray_misfit(image: "FitsImage") -> str:
    """What the keywords of the subarray say against an exposure that was cut out of it."""
    if is_drizzled(image.facts):
        return ""
    sizes = [number(image.facts.find(keyword)) for keyword in reversed(SUBARRAY.keywords)]
    if None in sizes or tuple(sizes) == image.shape:
        return ""
    return (
        f"is that of {sizes[0]:g} x {sizes[1]:g} pixels by "
        f"{' and '.join(reversed(SUBARRAY.keywords))}"
    )


@dataclass(frozen=True)
class Offset:
    """How far the WCS in a header puts an image from where its gwcs does.

    Attributes
    ----------
    pixels : float
        The median over the image: SIP is good to a hundredth of a pixel in the middle of most
        images, not at all edges.
    shift : (float, float)
        Its medians in x and y.
    spread : float
        How much the distances vary, the larger of x and y.
    exact : bool
        The header has distortion, or needs none: it can be compared.
    drizzled : bool
        The image is a mosaic.
    """

    pixels: float
    shift: tuple[float, float]
    spread: float
    exact: bool
    drizzled: bool

    @property
    def told(self) -> bool:
        """Whether only one of them can have been aligned; linear terms alone always differ."""
        return self.pixels > _ALIGNED and (self.exact or self.spread < _ALIGNED)

    @property
    def cut_out(self) -> bool:
        """Whether it is a number of whole pixels, and not 0: those that were cut off."""
        whole = np.round(self.shift)
        return bool(
            whole.any() and self.spread < _ALIGNED and np.abs(self.shift - whole).max() < _ALIGNED
        )

    @property
    def regridded(self) -> bool:
        """Whether the header is that of another grid: the image was binned, or resampled."""
        return self.drizzled and self.spread > _ALIGNED


def header_offset(image: "FitsImage", exact: Any) -> Offset | None:
    """Return how far the header's WCS is from a gwcs; None where they have nothing in common."""
    from ..pixelmap.sky import convert_frame, sky_of

    ny, nx = image.shape
    x, y = (
        axis.ravel() for axis in np.meshgrid(np.linspace(0, nx - 1, 9), np.linspace(0, ny - 1, 9))
    )
    try:
        with quiet():
            header = with_statement(image.header_wcs(), UNSTATED)  # ICRS, whatever it says
            target = sky_of(exact, "target")
            source = sky_of(header, "source")
            back = source.to_pixel(*convert_frame(*target.to_sky(x, y), target, source))
    except WCSError:
        return None
    off = np.subtract(back, (x, y))
    off = off[:, np.isfinite(off).all(axis=0)]
    if not off.size:
        return None
    drizzled = is_drizzled(image.facts)
    dx, dy = (float(value) for value in np.median(off, axis=1))
    spread = float(off.std(axis=1).max())
    return Offset(
        float(np.median(np.hypot(*off))),
        (dx, dy),
        spread,
        header.has_distortion or drizzled,
        drizzled,
    )


def _without_gwcs(image: "FitsImage", content: bytes) -> Any:
    """The WCS in the header of a file without a gwcs; that an exposure of JWST's has none is told.

    One without SIP either is told of where it is blotted onto. Blots onto a tangent plane, and
    masks, need none.
    """
    if not instrument_of(image.facts).has_gwcs or image.record or "CRVER" in image.header:
        return image.header_wcs()
    if content:
        return _header_wcs(image, "its ASDF extension holds no gwcs (was assign_wcs run?)")
    wcs = image.header_wcs()
    return wcs if wcs.sip is None else _header_wcs(image, "has no gwcs (no extension ASDF)")


def _asdf_content(image: "FitsImage") -> bytes:
    """The bytes of the ASDF extension, a table or, in old files, an image; or none."""
    there = "ASDF" in image.hdus
    if there or instrument_of(image.facts).has_gwcs:
        _check_end(image)
    if not there:
        return b""
    hdu = image.hdus["ASDF"]
    if not isinstance(hdu, fits.ImageHDU):
        check_heap(hdu, f"{image.path}[asdf]")
    try:
        data = hdu.data
        return (data if data.dtype.names is None else data[data.dtype.names[0]][0]).tobytes()
    except Exception:  # not JWST's kind of ASDF extension: whatever astropy raises
        return b""


def _check_end(image: "FitsImage") -> None:
    """Refuse a file that ends too early: its last extension was the one with the gwcs."""
    hdu = image.hdus[-1]
    present = image.content.size
    place = hdu.fileinfo()
    if place is None or place["file"].compression is not None:
        return
    # The end of another extension's last block is missed only where more was to follow.
    needed = place["datLoc"] + (hdu.size if hdu.name == "ASDF" else place["datSpan"])
    if needed > present:
        raise FileError(
            f"truncated: its data in extension {hdu.name} need {needed} bytes, the file has "
            f"{present}",
            subject=image.path,
        )


def _header_wcs(image: "FitsImage", reason: str) -> Any:
    """The WCS in the header, with a warning that says what is lost."""
    try:
        wcs = image.header_wcs()
    except WCSError as error:
        raise WCSError(f"{error}; {reason}") from error
    if wcs.sip is not None:
        size = image.facts.find("SIPMXERR") or _SIP_ERROR
        loss = f"the SIP approximation in its header is used, wrong by up to about {size:.2g} pixel"
    elif is_drizzled(image.facts):  # nothing is lost
        return wcs
    else:
        loss = (
            "the WCS in its header is used, which has no distortion and may be wrong by many pixels"
        )
    warn(f"{reason}; {loss}", subject=image.name)
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
