"""The ablot task: every parameter, one by one."""

import math
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import task_data
from astropy.io import fits
from astropy.wcs import WCS
from task_data import (
    DOCUMENTED,
    DOCUMENTED_INTERP,
    F32,
    IDCSCALE,
    USER_WCS,
    assert_same,
    by_hand,
    flat_pair,
    linear_part,
    pixels_of,
    read_wcs,
    run_blot,
    scale_of,
    tangent,
)

from skyblot import ablot
from skyblot.errors import ParameterError, SkyblotWarning

# Every parameter, one by one.


def test_the_documented_defaults(pair):
    default = run_blot(pair)
    assert_same(default, by_hand(pair))
    assert np.array_equal(run_blot(pair, **DOCUMENTED), default)
    assert np.ptp(default) > 50
    assert default.dtype == np.float32


def test_coeffs(pair):
    linear = linear_part(pair.target_wcs())
    default, blot = run_blot(pair), run_blot(pair, coeffs=False)
    assert_same(blot, by_hand(pair, target=linear))
    assert np.abs(blot - default).max() > 1
    # The file's WCS is the one the pixels are on: none of the distortion is left in it.
    written = read_wcs("o.fits[sci,1]")
    assert not written.has_distortion
    assert [str(name) for name in written.wcs.ctype] == ["RA---TAN", "DEC--TAN"]
    assert np.array_equal(written.wcs.cd, linear.wcs.cd)


@pytest.mark.parametrize("interp", [*DOCUMENTED_INTERP, "spline3", "lanczos3", "lanczos5"])
def test_interp(pair, interp):
    blot = run_blot(pair, interp=interp)
    assert_same(blot, by_hand(pair, interp=interp))
    if interp != "poly5":
        assert np.abs(blot - run_blot(pair)).max() > 1


def test_sinscl(pair):
    blot = run_blot(pair, interp="sinc", sinscl=0.7)
    assert_same(blot, by_hand(pair, interp="sinc", sinscl=0.7))
    assert np.abs(blot - run_blot(pair, interp="sinc")).max() > 1


@pytest.mark.parametrize("stepsize", [2, 10, 33, "10", 10.0])
def test_stepsize(pair, stepsize):
    """Exact every so many pixels, so: there the exact blot, and between them another one."""
    blot = run_blot(pair, stepsize=stepsize)
    step = int(stepsize)
    assert_same(blot, by_hand(pair, stepsize=step))
    exact = by_hand(pair, stepsize=None)
    # The positions at the nodes are the same to a rounding (1e-9 pixel), hence so are the values.
    at_nodes = np.abs(blot - exact)[::step, ::step]
    assert at_nodes.max() <= task_data.ROUNDING * exact.max()
    assert np.abs(blot - exact).max() > 4 * at_nodes.max()


@pytest.mark.parametrize("stepsize", [1, 0, None, "", "None", "INDEF"])
def test_stepsize_exact(pair, stepsize):
    assert_same(run_blot(pair, stepsize=stepsize), by_hand(pair, stepsize=None))


@pytest.mark.parametrize(
    ("addsky", "skyval", "sky"), [(True, 7.5, None), (False, 7.5, 7.5), (False, 0.0, 0.0)]
)
def test_addsky_and_skyval(pair, addsky, skyval, sky):
    assert pair.value("MDRIZSKY", ("SCI", 1)) > 10
    assert_same(run_blot(pair, addsky=addsky, skyval=skyval), by_hand(pair, sky=sky))


@pytest.mark.parametrize("in_units", ["cps", "counts"])
@pytest.mark.parametrize("out_units", ["cps", "counts"])
def test_units(pair, in_units, out_units):
    total = fits.getval(pair.data.partition("[")[0], "EXPTIME", ("SCI", 1))
    exptime = pair.value("EXPTIME")
    assert total != exptime
    wanted = by_hand(
        pair,
        rate=1 / total if in_units == "counts" else 1.0,
        exptime=exptime if out_units == "counts" else 1.0,
    )
    in_counts = pytest.warns(SkyblotWarning, match="MDRIZSKY is in ELECTRONS and the blot in cps")
    with in_counts if out_units == "cps" else nullcontext():
        assert_same(run_blot(pair, in_units=in_units, out_units=out_units), wanted)


@pytest.mark.parametrize("in_units", ["cps", "counts"])
@pytest.mark.parametrize("out_units", ["cps", "counts"])
def test_units_of_a_flat_image(tmp_path, in_units, out_units):
    """Flat 2 cps image, EXPTIME 400 (data) and 100 (reference), equal scales."""
    documented = {
        ("cps", "cps"): 2,
        ("cps", "counts"): 200,
        ("counts", "cps"): 0.005,
        ("counts", "counts"): 0.5,
    }
    out = tmp_path / "o.fits"
    ablot.blot(*flat_pair(tmp_path), out, in_units=in_units, out_units=out_units)
    value = documented[in_units, out_units]
    np.testing.assert_allclose(pixels_of(out), value, rtol=4 * F32)


def test_expkey(pair):
    fits.setval(pair.reference.partition("[")[0], "MYTIME", value=33.0, ext=0)
    assert_same(run_blot(pair, expkey="mytime"), by_hand(pair, exptime=33.0))
    assert_same(run_blot(pair, expkey="MYTIME"), by_hand(pair, exptime=33.0))
    fits.delval(pair.reference.partition("[")[0], "MYTIME", ext=0)


@pytest.mark.parametrize(
    ("expout", "exptime"), [("input", None), ("INPUT", None), (50.0, 50.0), ("50", 50.0)]
)
def test_expout(pair, expout, exptime):
    assert_same(run_blot(pair, expout=expout), by_hand(pair, exptime=exptime))


LINEAR = {"outscale", "orient"}  # what makes the pixels square, without distortion


def kept_target(pair, values):
    """The reference's own WCS with some cards replaced; its tables move along with the reference
    pixel.
    """
    name, _, version = pair.reference.rstrip("]").partition("[sci,")
    with fits.open(name) as hdus:
        header = hdus["SCI", int(version)].header
        for axis, place in enumerate("xy", 1):
            shift = values.get(f"{place}refpix", header[f"CRPIX{axis}"]) - header[f"CRPIX{axis}"]
            header[f"CRPIX{axis}"] += shift
            for hdu in hdus:
                if hdu.name in ("WCSDVARR", "D2IMARR"):
                    hdu.header[f"CRVAL{axis}"] += shift
        header["CRVAL1"], header["CRVAL2"] = (
            values.get(key, header[card])
            for key, card in (("raref", "CRVAL1"), ("decref", "CRVAL2"))
        )
        wcs = WCS(header, hdus)
        ny, nx = hdus["SCI", int(version)].shape
    wcs.array_shape = values.get("outny", ny), values.get("outnx", nx)
    return wcs


def user_target(pair, values):
    """The WCS of some user values and, for the others, of the reference."""
    if not LINEAR & set(values):
        return kept_target(pair, values)
    base = linear_part(pair.target_wcs())
    ny, nx = base.array_shape
    orient = math.degrees(math.atan2(base.wcs.cd[0, 1], base.wcs.cd[1, 1]))
    raref, decref = base.wcs.crval
    xrefpix, yrefpix = base.wcs.crpix
    own = {
        "outscale": scale_of(base), "orient": orient, "raref": raref, "decref": decref,
        "xrefpix": xrefpix, "yrefpix": yrefpix, "outnx": nx, "outny": ny,
    } | values  # fmt: skip
    return tangent(
        (own["outny"], own["outnx"]), own["outscale"], own["orient"], (own["raref"], own["decref"]),
        (own["xrefpix"], own["yrefpix"]),
    )  # fmt: skip


USER_VALUES = {
    "outscale": 0.03, "orient": 12.5, "raref": 53.1625, "decref": -27.7905, "xrefpix": 70.5,
    "yrefpix": 40.0, "outnx": 111, "outny": 77,
}  # fmt: skip


@pytest.mark.parametrize("name", [*USER_WCS, "all"])
def test_user_wcs_value_takes_effect_alone_and_without_the_switch(pair, name):
    values = USER_VALUES if name == "all" else {name: USER_VALUES[name]}
    target = user_target(pair, values)
    blot = run_blot(pair, **values)
    linear = bool(LINEAR & set(values))
    assert_same(blot, by_hand(pair, target=target, scale=scale_of(target) if linear else IDCSCALE))
    assert np.array_equal(run_blot(pair, **values, user_wcs=True), blot)
    assert np.array_equal(run_blot(pair, **values, user_wcs="yes"), blot)
    written = read_wcs("o.fits[sci,1]")
    assert written.has_distortion != linear
    x, y = np.array([0.0, 50.0, 20.0]), np.array([0.0, 30.0, 70.0])
    # Degrees: the rounding of 53 is 7e-15, the header's cards have 16 digits.
    np.testing.assert_allclose(
        written.all_pix2world(x, y, 0), target.all_pix2world(x, y, 0), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("switch", [False, "no", "False"])
def test_user_wcs_no_ignores_the_values(pair, switch):
    default = run_blot(pair)
    assert np.array_equal(run_blot(pair, **USER_VALUES, user_wcs=switch), default)
    flat = {**USER_VALUES, "user_wcs": switch}
    assert np.array_equal(run_blot(pair, configObj=flat), default)
    assert np.array_equal(run_blot(pair, configObj={"User WCS Parameters": flat}), default)


def test_user_wcs_of_the_call_decides_over_that_of_the_configuration(pair):
    default, chosen = run_blot(pair), run_blot(pair, **USER_VALUES)
    for config in (
        {**USER_VALUES, "user_wcs": "no"},
        {"User WCS Parameters": {**USER_VALUES, "user_wcs": False}},
    ):
        assert np.array_equal(run_blot(pair, configObj=config, user_wcs=True), chosen)
        # A keyword is a value that was given.
        one = run_blot(pair, configObj=config, outnx=50)
        assert one.shape == (default.shape[0], 50)
    assert np.array_equal(run_blot(pair, configObj=USER_VALUES, user_wcs=False), default)
    with pytest.raises(ParameterError, match="user_wcs = 'maybe': expected yes or no"):
        run_blot(pair, user_wcs="maybe")


@pytest.mark.parametrize("unset", [None, "", "None", " indef "])
def test_unset_numbers_have_their_defaults(pair, unset):
    default = run_blot(pair, addsky=False)
    numbers = dict.fromkeys([*USER_WCS, "sinscl", "skyval", "expout"], unset)
    assert np.array_equal(run_blot(pair, addsky=False, **numbers), default)
    assert np.array_equal(run_blot(pair, configObj={**numbers, "addsky": False}), default)
    assert np.array_equal(
        run_blot(pair, addsky=False, configObj={"outnx": 30}, outnx=unset), default
    )


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [
        ("interpol", "interp", "linear"), ("blot_interp", "interp", "nearest"),
        ("blot_addsky", "addsky", False), ("blot_skyval", "skyval", 9.0),
        ("blot_sinscl", "sinscl", 0.6),
    ],
)  # fmt: skip
def test_aliases(pair, alias, name, value):
    more = {"sinscl": {"interp": "sinc"}, "skyval": {"addsky": False}}.get(name, {})
    wanted = run_blot(pair, **{name: value}, **more)
    assert not np.array_equal(wanted, run_blot(pair, **more))
    assert np.array_equal(run_blot(pair, **{alias: value}, **more), wanted)
    assert np.array_equal(run_blot(pair, configObj={"Section": {alias: value}}, **more), wanted)


@pytest.mark.parametrize(
    ("word", "value"), [("yes", True), ("no", False), ("True", True), ("off", False), (1, True)]
)
def test_booleans_as_teal_spells_them(pair, word, value):
    for name in ("coeffs", "addsky"):
        assert np.array_equal(run_blot(pair, **{name: word}), run_blot(pair, **{name: value}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"interp": "poly6"}, r"interp = 'poly6': expected one of .*closest: 'poly5'"),
        ({"interpol": "cubic"}, "interp = 'cubic': expected one of"),
        ({"in_units": "electrons"}, "in_units = 'electrons': expected one of .*cps, counts"),
        ({"addsky": "maybe"}, "addsky = 'maybe': expected yes or no"),
        ({"editpars": "maybe"}, "editpars = 'maybe': expected yes or no"),
        ({"stepsize": "x"}, "stepsize = 'x': expected a whole number"),
        ({"sinscl": "x"}, "sinscl = 'x': expected a number"),
        ({"expout": "abc"}, "expout = 'abc': expected 'input' or a number"),
        ({"expout": -1}, "expout = -1"),
        ({"decref": 91}, "decref = 91: .*at most 90"),
        ({"outnx": 0}, "outnx = 0: .*at least 1"),
    ],
)
def test_values_are_validated(pair, values, message):
    with pytest.raises(ParameterError, match=message):
        run_blot(pair, **values)
    assert not Path("o.fits").exists()


# What DrizzlePac's stand-alone task was seen to do wrong.


def test_interp_is_the_documented_name(pair):
    """Theirs: an empty ValueError, the .cfg name `interpol` only."""
    assert np.array_equal(run_blot(pair, interp="linear"), run_blot(pair, interpol="linear"))


@pytest.mark.parametrize("missing", USER_WCS)
def test_user_wcs_needs_no_value(pair, missing):
    """Theirs: TypeErrors unless all eight are given."""
    values = {name: value for name, value in USER_VALUES.items() if name != missing}
    target = user_target(pair, values)
    assert_same(
        run_blot(pair, user_wcs=True, **values),
        by_hand(pair, target=target, scale=scale_of(target)),
    )
