"""The pixel scale: IDCSCALE where it fits, else that of the WCS, however it is written."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from builders import gwcs_like, tangent
from samples import tan_header, write_sci

import skyblot
from skyblot.errors import SkyblotWarning
from skyblot.pixelmap.linear import pixel_scale

SHAPE = (40, 50)
RAW = {"in_units": "cps", "out_units": "cps", "addsky": False}
DRIZZLED = {"NDRIZIM": 4, "D001VER": "3.7.0"}


def split(factor, ctype="TPV"):
    """One geometry, part of its scale in the CD matrix and the rest in the linear PV terms."""
    header = tan_header(SHAPE, scale=0.05 * factor, CTYPE1=f"RA---{ctype}", CTYPE2=f"DEC--{ctype}")
    header.update({"PV1_1": 1 / factor, "PV2_1": 1 / factor})
    wcs = WCS(header)
    wcs.array_shape = SHAPE
    return wcs


@pytest.mark.parametrize("factor", [1.0, 0.96, 0.83])
def test_the_scale_does_not_depend_on_how_it_is_written(factor):
    assert pixel_scale(split(factor)) == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize("factor", [1.0, 0.96, 0.83])
def test_linear_terms_of_sip_are_part_of_the_scale(factor):
    cards = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2}
    header = tan_header(
        SHAPE, scale=0.05 * factor, **cards, A_1_0=1 / factor - 1, B_0_1=1 / factor - 1
    )
    wcs = WCS(header)
    wcs.array_shape = SHAPE
    assert pixel_scale(wcs) == pytest.approx(0.05, rel=1e-6)


def test_the_scale_of_a_camera_is_that_in_the_middle_of_its_chip():
    """Its reference pixel lies far off the chip, with a radial distortion between: r + 0.03 r**3, r
    in degrees.
    """
    wcs = tangent(
        (150.0, 2.0), 7e-5, 0.0, (14000.0, -9000.0), SHAPE, ctype=("RA---TPV", "DEC--TPV")
    )
    k = 0.03
    wcs.wcs.set_pv([(i, m, v) for i in (1, 2) for m, v in ((1, 1.0), (7, k), (9, k))])
    r = 7e-5 * np.hypot(14000 - 25.5, 9000 + 20.5)
    area = (
        (1 + k * r**2) * (1 + 3 * k * r**2) * np.cos(np.arctan(np.radians(r * (1 + k * r**2)))) ** 3
    )
    assert pixel_scale(wcs) == pytest.approx(7e-5 * 3600 * np.sqrt(area), rel=1e-6)
    assert pixel_scale(
        gwcs_like(tangent((150.0, 2.0), 7e-5, shape=SHAPE), bounded=False)
    ) == pytest.approx(0.252)


#: Cards of the reference, its own scale, and the one that counts; what is said of IDCSCALE.
CASES = {
    "agrees": ({"IDCSCALE": 0.0396}, 0.0398, 0.0396, None),
    "just agrees": ({"IDCSCALE": 0.0433}, 0.0398, 0.0433, None),
    "as text": ({"IDCSCALE": " 0.0396"}, 0.0398, 0.0396, None),
    "contradicts": ({"IDCSCALE": 0.0396}, 0.06, 0.06, "contradicts its WCS"),
    "binned": ({"IDCSCALE": 0.025}, 0.05, 0.05, "contradicts its WCS"),
    "no number": ({"IDCSCALE": "INDEF"}, 0.0398, 0.0398, None),
    "none": ({}, 0.0398, 0.0398, None),
    "left in a drizzled image": (
        {"IDCSCALE": 0.0396, **DRIZZLED},
        0.06,
        0.06,
        "is left from an exposure",
    ),
    "left in one of nearly the same scale": (
        {"IDCSCALE": 0.0396, **DRIZZLED},
        0.04,
        0.04,
        "is left from an exposure",
    ),
    "left in one of the same scale": ({"IDCSCALE": 0.0396, **DRIZZLED}, 0.0396, 0.0396, None),
}


@pytest.mark.parametrize("case", CASES)
def test_idcscale(tmp_path, case):
    cards, own, counts, said = CASES[case]
    source = tmp_path / "m.fits"
    fits.PrimaryHDU(np.full((90, 90), 5.0, "f4"), tan_header((90, 90), scale=0.06)).writeto(source)
    reference = write_sci(
        tmp_path / "a_flt.fits", np.zeros(SHAPE, "f4"), tan_header(SHAPE, scale=own, **cards)
    )
    if said is None:
        path = skyblot.blot_file(source, reference, tmp_path / "b.fits", **RAW)
    else:
        with pytest.warns(SkyblotWarning, match=rf"IDCSCALE = [\d.]+ arcsec {said}"):
            path = skyblot.blot_file(source, reference, tmp_path / "b.fits", **RAW)
    assert fits.getdata(path, "SCI")[20, 25] == pytest.approx(5 * (counts / 0.06) ** 2, rel=1e-5)
