"""Celestial frames, stated or not: what is not stated is the other side's."""

import re
import warnings

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from builders import gwcs_like, tangent
from samples import tan_header, write_sci

import skyblot
from skyblot import ablot
from skyblot.compat import grizli, stcal
from skyblot.errors import SkyblotWarning
from skyblot.headers.wcs_facts import EQUINOX_2000, STATED, UNSTATED, frame_statement
from skyblot.io.images import open_image

SHAPE = (60, 64)
#: FK5 J2000 and ICRS are this far apart where the samples are, in their pixels.
_THERE = SkyCoord(53.1, -27.8, unit="deg", frame="icrs").transform_to("fk5")
APART = (
    np.hypot((_THERE.ra.deg - 53.1) * np.cos(np.radians(27.8)), _THERE.dec.deg + 27.8) * 3600 / 0.05
)

E2000, ICRS, FK5 = {"EQUINOX": 2000.0}, {"RADESYS": "ICRS"}, {"RADESYS": "FK5", "EQUINOX": 2000.0}
#: The mosaic's header, the exposure's primary header, its own; and whether a rotation comes between
#: them.
CASES = {
    "neither states anything": ({}, {}, {}, False),
    "the mosaic has the equinox of the primary header": (
        E2000,
        {**E2000, "TELESCOP": "HST"},
        {"INHERIT": True},
        False,
    ),
    "without INHERIT": (E2000, E2000, {}, False),
    "an equinox beside nothing": (E2000, {}, {}, False),
    "nothing beside an equinox": ({}, {}, E2000, False),
    "ICRS beside nothing": (ICRS, {}, {}, False),
    "FK5 beside nothing": (FK5, {}, {}, False),
    "nothing beside FK5": ({}, {}, FK5, False),
    "ICRS beside an equinox": (ICRS, E2000, E2000, False),
    "an equinox beside ICRS": (E2000, {}, ICRS, False),
    "FK5 beside an equinox": (FK5, {}, E2000, False),
    "EPOCH is an equinox": (ICRS, {}, {"EPOCH": 2000.0}, False),
    "an equinox as text": (ICRS, {}, {"EQUINOX": "J2000.0"}, False),
    "an equinox of 0": (ICRS, {}, {"EQUINOX": 0.0}, False),
    "a blank frame": (ICRS, {}, {"RADESYS": " ", "EQUINOX": 2000.0}, False),
    "FK5 in the primary header only": (ICRS, {"RADESYS": "FK5"}, {"INHERIT": True}, False),
    "ICRS and FK5": (ICRS, {}, FK5, True),
    "FK5 and ICRS": (FK5, {}, ICRS, True),
    "FK5 under its old keyword": (ICRS, {}, {"RADECSYS": "FK5"}, True),
    "FK5, whose equinox is 2000 by default": (ICRS, {}, {"RADESYS": "FK5"}, True),
}


def header(cards):
    made = tan_header(SHAPE)
    del made["RADESYS"]
    made.update(cards)
    return made


def star():
    """A star in the middle of the mosaic."""
    y, x = np.indices(SHAPE)
    return (100 * np.exp(-((x - 31.5) ** 2 + (y - 29.5) ** 2) / 8)).astype("f4")


def moved(blot):
    """How far the star is from the middle, pixels."""
    y, x = np.indices(blot.shape)
    blot = np.asarray(blot, float)
    return float(
        np.hypot((blot * x).sum() / blot.sum() - 31.5, (blot * y).sum() / blot.sum() - 29.5)
    )


@pytest.mark.parametrize("case", CASES)
def test_files(tmp_path, case):
    mosaic, primary, own, rotated = CASES[case]
    source = tmp_path / "med.fits"
    fits.PrimaryHDU(star(), header(mosaic)).writeto(source)
    reference = write_sci(tmp_path / "a_flt.fits", np.zeros(SHAPE, "f4"), header(own), primary)
    units = {"in_units": "cps", "out_units": "cps", "addsky": False}
    path = skyblot.blot_file(source, reference, tmp_path / "blt.fits", **units)
    assert moved(fits.getdata(path, "SCI")) == pytest.approx(APART if rotated else 0, abs=1e-3)
    ablot.blot(str(source), str(reference), str(tmp_path / "task.fits"), **units, stepsize=1)
    assert moved(fits.getdata(tmp_path / "task.fits", "SCI")) == pytest.approx(
        APART if rotated else 0, abs=1e-3
    )


@pytest.mark.parametrize("case", CASES)
def test_image_hdus(case):
    mosaic, _, own, rotated = CASES[case]
    target = fits.ImageHDU(np.zeros(SHAPE, "f4"), header(own))
    blot = skyblot.blot(fits.ImageHDU(star(), header(mosaic)), target_wcs=target)
    assert moved(blot.data) == pytest.approx(APART if rotated else 0, abs=1e-3)


def test_fk5_is_far_enough_to_be_seen():
    assert 0.3 < APART < 0.6


FUNCTIONS = {
    "blot": lambda data, source, target: skyblot.blot(data, source, target),
    "do_blot": lambda data, source, target: ablot.do_blot(data, source, target, 1.0),
    "gwcs_blot": lambda data, source, target: stcal.gwcs_blot(data, source, SHAPE, target),
    "pixel_map": lambda data, source, target: star_at(skyblot.pixel_map(target, source)),
    "blot_nearest_exact": lambda data, source, target: grizli.blot_nearest_exact(
        data, source, target
    ),
}


def star_at(positions):
    """The star, taken at positions on the mosaic."""
    x, y = positions
    return 100 * np.exp(-((x - 31.5) ** 2 + (y - 29.5) ** 2) / 8)


def bare(cards):
    """A WCS as it is read from a header, which it does not keep."""
    wcs = WCS(header(cards))
    wcs.array_shape = SHAPE
    return wcs


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("pair", [(E2000, {}), ({}, E2000), (E2000, ICRS), (ICRS, E2000)])
def test_bare_wcs_with_an_equinox_alone_are_not_rotated_and_the_doubt_is_said(function, pair):
    source, target = map(bare, pair)
    role = "source" if "EQUINOX" in pair[0] else "target"
    with pytest.warns(
        SkyblotWarning, match=f"the {role}: its WCS has equinox 2000, and does not tell"
    ):
        blot = FUNCTIONS[function](star(), source, target)
    assert moved(blot) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("pair", [({}, {}), ({}, ICRS), (E2000, E2000), (FK5, E2000)])
def test_there_is_no_doubt_where_both_are_in_one_frame(pair):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert moved(skyblot.blot(star(), *map(bare, pair))) == pytest.approx(0, abs=1e-3)


def test_a_wcs_made_by_a_program_states_its_frame():
    icrs = tangent((53.1, -27.8), 0.05 / 3600, 0.0, (32.5, 30.5), SHAPE)
    fk5 = tangent(
        (53.1, -27.8), 0.05 / 3600, 0.0, (32.5, 30.5), SHAPE, radesys="FK5", equinox=2000.0
    )
    fk5.wcs.set()
    assert moved(skyblot.blot(star(), icrs, fk5)) == pytest.approx(APART, abs=1e-3)
    written = WCS(fk5.to_header())  # the WCS library states what it wrote
    written.array_shape = SHAPE
    assert moved(skyblot.blot(star(), icrs, written)) == pytest.approx(APART, abs=1e-3)


def test_a_gwcs_states_its_frame_and_a_file_without_one_is_in_it(tmp_path):
    target = gwcs_like(tangent((53.1, -27.8), 0.05 / 3600, 0.0, (32.5, 30.5), SHAPE), bounded=False)
    for cards, rotated in (({}, False), (E2000, False), (FK5, True)):
        hdu = fits.ImageHDU(star(), header(cards))
        expected = APART if rotated else 0
        assert moved(skyblot.blot(star(), hdu, target)) == pytest.approx(expected, abs=1e-3)


def test_what_is_not_stated_is_of_another_equinox_too(tmp_path):
    """Between 1975 and 2000 the sky moves by a third of a degree: the blot would be empty."""
    old = {"RADESYS": "FK5", "EQUINOX": 1975.0}
    for other, empty in (({}, False), (E2000, True), (ICRS, True)):
        source, target = (
            fits.ImageHDU(star(), header(old)),
            fits.ImageHDU(np.zeros(SHAPE, "f4"), header(other)),
        )
        blot = skyblot.blot(source, target_wcs=target)
        assert (np.abs(blot.data).max() == 0) == empty


@pytest.mark.parametrize(
    ("cards", "statement"),
    [
        ({}, UNSTATED),
        ({"RADESYS": ""}, UNSTATED),
        ({"EQUINOX": "unknown"}, UNSTATED),
        ({"EPOCH": 2000}, EQUINOX_2000),
        ({"EQUINOX": "2000."}, EQUINOX_2000),
        ({"EQUINOX": "B1950"}, STATED),
        ({"EPOCH": 1950.0}, STATED),
        ({"RADECSYS": "FK5"}, STATED),
        ({"RADESYS": "ICRS", "EQUINOX": 2000.0}, STATED),
    ],
)
def test_what_a_header_states(cards, statement):
    assert frame_statement(cards) == statement


def test_info_tells_what_was_assumed(tmp_path):
    for cards, frame in (
        ({}, "ICRS assumed"),
        (E2000, "FK5 assumed"),
        (FK5, "FK5"),
        (ICRS, "ICRS"),
    ):
        path = write_sci(tmp_path / "a_flt.fits", np.zeros(SHAPE, "f4"), header(cards))
        assert skyblot.info(path)[0].wcs.frame == frame
        path.unlink()


def test_real_hrc_headers_have_their_frame_in_the_primary_header_only(real_headers, tmp_path):
    """AstroDrizzle copies EQUINOX = 2000 into the median: that is no reason to turn it."""
    with fits.open(real_headers / "acs_hrc_flt.fits") as hdus:
        headers = [hdu.header for hdu in hdus]
    reference = write_sci(tmp_path / "a_flt.fits", np.zeros((8, 8), "f4"), headers[1], headers[0])
    with open_image(reference) as image:
        wcs, primary = image.wcs(), image.primary
    assert (wcs.skyblot_frame, primary["EQUINOX"]) == (UNSTATED, 2000.0)
    ra, dec = wcs.wcs.crval
    mosaic = tan_header((1400, 1400), scale=0.025, ra=ra, dec=dec)
    del mosaic["RADESYS"]
    median = fits.PrimaryHDU(np.ones((1400, 1400), "f4"), mosaic)
    x, y = {}, {}
    for name, cards in (("none", {}), ("equinox", E2000), ("ICRS", ICRS)):
        median.header.update(cards)
        median.writeto(tmp_path / f"{name}.fits")
        with open_image(tmp_path / f"{name}.fits") as source:
            x[name], y[name] = skyblot.pixel_map(wcs, source.wcs(), shape=(8, 8))
    for name in ("equinox", "ICRS"):
        np.testing.assert_array_equal([x[name], y[name]], [x["none"], y["none"]])


def test_the_doubt_is_not_said_of_files(tmp_path, run):
    fits.PrimaryHDU(star(), header({**E2000, "BUNIT": "ELECTRONS/S"})).writeto(
        tmp_path / "med.fits"
    )
    cards = {"BUNIT": "ELECTRONS/S"}
    write_sci(tmp_path / "a_flt.fits", np.zeros(SHAPE, "f4"), header(cards))
    names = [tmp_path / name for name in ("med.fits", "a_flt.fits", "b.fits")]
    code, _, errors = run("blot", *names[:2], "-o", names[2], "--no-addsky")
    assert (code, re.findall("equinox", errors)) == (0, [])
