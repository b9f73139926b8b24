"""What is blotted, continued: targets whose transformation has no closed form, gwcs and TPV."""

from functools import cache
from typing import Any

from astropy.io import fits
from astropy.wcs import WCS
from work import Target, Work, make_work, mosaic_for

#: The terms of a TPV header, in form and size those of DECam: the scale grows by one percent
#: towards the edge of the field (PV_7 to PV_10, degree 3); a slight tilt (degrees 1 and 2), and
#: terms of degree 4. Offsets are in degrees.
PV1 = {0: 4.1e-4, 1: 1.0021, 2: 3.4e-4, 4: 8.6e-4, 5: 4.2e-4, 6: 3.1e-4, 7: 1.08e-2, 8: 6e-5,
       9: 1.05e-2, 10: 4e-5, 12: 3.2e-4, 13: -1.1e-4, 14: 2.4e-4, 15: -8e-5,
       16: 1.3e-4}  # fmt: skip
PV2 = {0: -2.7e-4, 1: 1.0018, 2: -2.9e-4, 4: -5.3e-4, 5: 6.1e-4, 6: -2.2e-4, 7: 1.06e-2, 8: -4e-5,
       9: 1.09e-2, 10: 7e-5, 12: -1.9e-4, 13: 1.6e-4, 14: -2.1e-4, 15: 5e-5,
       16: -1.2e-4}  # fmt: skip
DECAM_SCALE = 0.2626 / 3600  # degrees per pixel
CRPIX = (-6210.5, 8275.3)  # the axis of the telescope, far from the detector


@cache
def gwcs_detector(quick: bool) -> Work:
    """A detector in the likeness of NIRCam's, with the size of one."""
    return _gwcs((128, 128) if quick else (2048, 2048))


@cache
def gwcs_large(quick: bool) -> Work:
    """The same with as many pixels as a detector of Roman."""
    return _gwcs((128, 128) if quick else (4096, 4096))


def _gwcs(shape: tuple[int, int]) -> Work:
    """Both WCS are gwcs, as in the pipelines; the mosaic's has no distortion."""
    from skyblot.demo.jwst import mosaic_wcs, nircam_wcs
    from skyblot.io.gwcs import tangent_gwcs

    target: Any = nircam_wcs(shape)
    mosaic = tangent_gwcs(mosaic_wcs([target]))
    return make_work(
        "detector like NIRCam's", Target(target, "of the demo", "gwcs"), mosaic, mosaic.array_shape
    )


@cache
def tpv(quick: bool) -> Work:
    """A chip far from the axis of a wide field, distorted by up to 147 pixels."""
    shape = (128, 128) if quick else (4096, 4096)
    target = WCS(tpv_header())
    target.array_shape = shape
    return make_work(
        "chip like DECam's", Target(target, "invented header", "TPV"), *mosaic_for(target)
    )


def tpv_header() -> fits.Header:
    """A header in the likeness of DECam's."""
    header = fits.Header()
    for axis, (kind, value, terms) in enumerate(
        [("RA---TPV", 34.4, PV1), ("DEC--TPV", -5.2, PV2)], start=1
    ):
        header[f"CTYPE{axis}"], header[f"CUNIT{axis}"] = kind, "deg"
        header[f"CRVAL{axis}"], header[f"CRPIX{axis}"] = value, CRPIX[axis - 1]
        header[f"CD{axis}_{axis}"] = DECAM_SCALE * (-1) ** axis
        header[f"CD{axis}_{3 - axis}"] = 1.7e-7
        header.update({f"PV{axis}_{term}": size for term, size in terms.items()})
    header["RADESYS"] = "ICRS"
    return header
