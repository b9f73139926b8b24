"""The stand-alone task beside ``drizzlepac.ablot``: every parameter, the documented examples, saved ``.cfg`` files.

Where DrizzlePac does what it documents, the two must agree; elsewhere the documentation decides. Both outcomes of
every case go to the file named by ``SKYBLOT_OUTCOMES``, if there is one, as the table in docs/differences.
"""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from compat_data import F32, demo_files, inside, rounding, run_theirs, value_bound

import skyblot
from skyblot import ablot
from skyblot.errors import SkyblotError
from skyblot.task.teal import pars_folder

#: The sky of an exposure in electrons, added to a blot per second: worth a warning, and not what is compared.
pytestmark = [pytest.mark.compat, pytest.mark.filterwarnings("ignore:.*MDRIZSKY is in")]

CHIP_SHAPE = (96, 160)
IDCSCALE = 0.05
SKY = 12.5
DATA, REFERENCE = "data.fits[sci,1]", "ref.fits[sci,1]"
ALL_EIGHT = {
    "outscale": 0.045, "orient": 12.5, "raref": 53.1622, "decref": -27.7908, "xrefpix": 70.5, "yrefpix": 40.0,
    "outnx": 111, "outny": 77,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The demo, its median with EXPTIME 1 and the sky of the exposure: there both tasks mean the same by it."""
    folder = tmp_path_factory.mktemp("ablot")
    median, exposures = demo_files(folder, 1, CHIP_SHAPE)
    (folder / exposures[0]).rename(folder / "ref.fits")
    (folder / median).rename(folder / "data.fits")
    with fits.open(folder / "ref.fits", mode="update") as hdus:
        hdus["SCI", 1].header.update({"IDCSCALE": IDCSCALE, "MDRIZSKY": SKY})
        hdus[0].header.update({"MYTIME": 33.0})
    with fits.open(folder / "data.fits", mode="update") as hdus:
        for hdu in hdus:
            hdu.header["EXPTIME"] = 1.0
        hdus[0].header.update({"MYTIME": 1.0})
        hdus["SCI"].header["MDRIZSKY"] = SKY
    make_flat_files(folder)
    return folder


def changed(folder, name, new, change):
    with fits.open(folder / name) as hdus:
        change(hdus)
        hdus.writeto(folder / new)


def set_cards(hdus, **cards):
    """Set or remove (None) cards, wherever they are."""
    for keyword, value in cards.items():
        places = [hdu for hdu in hdus if keyword in hdu.header] or [hdus[0]]
        for hdu in places:
            hdu.header.pop(keyword, None) if value is None else hdu.header.update({keyword: value})


def make_flat_files(folder):
    """Flat data of 2 per second, EXPTIME 400, and a reference with 100, of equal scales; and broken ones."""

    def flat(hdus):
        hdus["SCI"].data = np.full_like(hdus["SCI"].data, 2)
        set_cards(hdus, EXPTIME=400.0, MDRIZSKY=7.0)

    def reference(hdus):
        set_cards(hdus, EXPTIME=100.0)
        hdus["SCI", 1].header.update({"IDCSCALE": 0.0396, "MDRIZSKY": 3.0})

    changed(folder, "data.fits", "flat.fits", flat)
    changed(folder, "ref.fits", "flatref.fits", reference)
    changed(folder, "flat.fits", "nosky.fits", lambda hdus: set_cards(hdus, MDRIZSKY=None))
    changed(folder, "flat.fits", "notime.fits", lambda hdus: set_cards(hdus, EXPTIME=None))
    changed(folder, "flat.fits", "zerotime.fits", lambda hdus: set_cards(hdus, EXPTIME=0.0))
    changed(folder, "flatref.fits", "notimeref.fits", lambda hdus: set_cards(hdus, EXPTIME=None))
    changed(folder, "flatref.fits", "zerotimeref.fits", lambda hdus: set_cards(hdus, EXPTIME=0.0))
    changed(folder, "flatref.fits", "othercamera.fits", lambda hdus: set_cards(hdus, INSTRUME=None))
    for dtype in ("f8", "i2", "i4"):

        def retype(hdus, dtype=dtype):
            hdus["SCI"].data = hdus["SCI"].data.astype(dtype)

        changed(folder, "flat.fits", f"flat_{dtype}.fits", retype)

    def without_detector_tables(hdus):
        for keyword in [name for name in hdus["SCI", 1].header if name.startswith("D2IM")]:
            hdus["SCI", 1].header.remove(keyword, ignore_missing=True, remove_all=True)

    changed(folder, "ref.fits", "nod2im.fits", without_detector_tables)


# Where DrizzlePac does what it documents.


@dataclass(frozen=True)
class Same:
    """A case in which the two must agree; `ours` are the keywords that ours takes instead."""

    name: str
    keywords: dict
    ours: dict = field(default_factory=dict)
    interp: str = "poly5"
    wcs: str = "chip"
    exptime: float | None = None


SAME = [
    Same("defaults", {}, {"stepsize": 1}),
    Same("stepsize_1", {"stepsize": 1, "wcsmap": "None"}),
    Same("stepsize_0", {"stepsize": 0, "wcsmap": "None"}),
    Same("nearest", {"interpol": "nearest"}, {"stepsize": 1}, "nearest"),
    Same("linear", {"interpol": "linear"}, {"stepsize": 1}, "linear"),
    Same("poly3", {"interpol": "poly3"}, {"stepsize": 1}, "poly3"),
    Same("addsky", {"addsky": False}, {"stepsize": 1}),
    Same("skyval", {"addsky": False, "skyval": 4.5}, {"stepsize": 1}),
    Same("skyval_unused", {"addsky": True, "skyval": 4.5}, {"stepsize": 1}),
    Same("in_units", {"in_units": "counts"}, {"stepsize": 1}),
    Same("out_units", {"out_units": "cps"}, {"stepsize": 1}, exptime=1.0),
    Same("expkey", {"expkey": "mytime"}, {"stepsize": 1}, exptime=33.0),
    Same("expout", {"expout": 50.0}, {"stepsize": 1}, exptime=50.0),
    Same("expout_text", {"expout": "50"}, {"stepsize": 1}, exptime=50.0),
    Same("user_wcs", {"user_wcs": True, **ALL_EIGHT}, {"stepsize": 1}, wcs="user"),
    Same("wcsmap", {"wcsmap": "WCSMap"}),
]


@pytest.fixture(scope="module")
def theirs(folder):
    """Outcomes of all of DrizzlePac's cases; those that may end the process run in one of their own."""
    common = {"data": DATA, "reference": REFERENCE}
    cases = [(case.name, common | case.keywords) for case in SAME]
    cases += [(case.name, case.keywords) for case in DIFFERENT if not case.fatal]
    outcomes = {}
    for batch in [cases, *([(case.name, case.keywords)] for case in DIFFERENT if case.fatal)]:
        done = run_theirs(folder, {"ablot": batch})
        for name, _ in batch:
            path = folder / f"{name}.json"
            if path.is_file():
                outcomes[name] = json.loads(path.read_text())
            else:
                outcomes[name] = f"the process ended, status {done.returncode}"
    return outcomes


def wcs_of(folder, name):
    with fits.open(folder / name.partition("[")[0]) as hdus:
        wcs = WCS(hdus["SCI", 1].header, hdus)
        wcs.array_shape = hdus["SCI", 1].shape
        return wcs


def linear_wcs(wcs):
    linear = WCS(naxis=2)
    linear.wcs.ctype, linear.wcs.radesys = ["RA---TAN", "DEC--TAN"], wcs.wcs.radesys
    linear.wcs.crval, linear.wcs.crpix, linear.wcs.cd = wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cd
    linear.array_shape = wcs.array_shape
    return linear


def user_wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.radesys = ["RA---TAN", "DEC--TAN"], "ICRS"
    wcs.wcs.crval, wcs.wcs.crpix = (ALL_EIGHT["raref"], ALL_EIGHT["decref"]), (70.5, 40.0)
    angle = np.radians(ALL_EIGHT["orient"])
    axes = [[-np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    wcs.wcs.cd = ALL_EIGHT["outscale"] / 3600 * np.array(axes)
    wcs.array_shape = (ALL_EIGHT["outny"], ALL_EIGHT["outnx"])
    return wcs


def agree(folder, one, two, target, *, interp="poly5", factor=1.0):
    """Check two blots of the data: no further apart than DrizzlePac's float32 positions explain."""
    data, source = fits.getdata(folder / "data.fits", ("SCI", 1)), wcs_of(folder, DATA)
    y, x = np.indices(target.array_shape).astype(float)
    x, y = (each.reshape(one.shape) for each in source.wcs_world2pix(*target.all_pix2world(x.ravel(), y.ravel(), 0), 0))
    part = inside(data.shape, x, y)
    assert part.mean() > 0.3
    apart = np.abs(one.astype(float) - two)
    moved = rounding(x), rounding(y)
    last = 4 * F32 * (np.abs(one) + SKY)
    if interp == "nearest":  # a position may be rounded to the other side of a border between pixels
        part &= (abs(x % 1 - 0.5) > moved[0]) & (abs(y % 1 - 0.5) > moved[1])
        bound = last
    else:
        bound = factor * value_bound(data, x, y, moved, interp) + last
    assert (apart <= bound)[part].all(), f"{(apart / bound)[part].max()} of the bound"
    return apart[part].max()


@pytest.mark.filterwarnings("ignore")  # what DrizzlePac imports warns
@pytest.mark.parametrize("case", SAME, ids=lambda case: case.name)
def test_agreement(folder, theirs, monkeypatch, case):
    monkeypatch.chdir(folder)
    assert theirs[case.name] == "done"
    keywords = {**case.keywords, **case.ours}
    if keywords.get("wcsmap") == "None":
        keywords.pop("wcsmap")
    if keywords.get("wcsmap") == "WCSMap":
        from drizzlepac.wcs_functions import WCSMap

        keywords["wcsmap"] = WCSMap
    ablot.blot(DATA, REFERENCE, "ours", **keywords)
    ours, other = fits.getdata("ours.fits", 1), np.load(f"{case.name}.npy")
    assert ours.shape == other.shape
    target = user_wcs() if case.wcs == "user" else wcs_of(folder, REFERENCE)
    exptime = case.exptime or fits.getval("ref.fits", "EXPTIME")
    scale = ALL_EIGHT["outscale"] if case.wcs == "user" else IDCSCALE
    worst = agree(folder, ours, other, target, interp=case.interp, factor=exptime / (0.0396 / scale) ** 2)
    peak = float(np.abs(other).max())
    assert np.ptp(other) > 1
    outcome(f"``{case.name}``", f"as documented; peak {peak:.4g}", f"the same within {worst:.2g}", "both")
    # The default is another picture, unless the case is the default in other words.
    if case.name not in ("defaults", "stepsize_1", "stepsize_0", "skyval_unused", "in_units", "wcsmap"):
        default = np.load("defaults.npy")
        assert other.shape != default.shape or np.abs(other - default).max() > 1


def test_stepsize_10(folder, theirs, monkeypatch):
    """Theirs has nodes at pixels 10 i counted from 1, ours from the first pixel on: each within its own error."""
    monkeypatch.chdir(folder)
    exact, other = np.load("defaults.npy").astype(float), np.load("step_10.npy")
    ablot.blot(DATA, REFERENCE, "ours")
    ours = fits.getdata("ours.fits", 1)
    data, source, target = fits.getdata("data.fits", 1), wcs_of(folder, DATA), wcs_of(folder, REFERENCE)
    x, y = skyblot.pixel_map(target, source)
    moved = [
        abs(one - two) + rounding(two)
        for one, two in zip(skyblot.pixel_map(target, source, stepsize=10), (x, y), strict=True)
    ]
    factor = fits.getval("ref.fits", "EXPTIME") / (0.0396 / IDCSCALE) ** 2
    bound = factor * value_bound(data, x, y, moved) + 4 * F32 * (np.abs(exact) + SKY)
    part = inside(data.shape, x, y)
    assert (abs(ours - exact) <= bound)[part].all()
    # A grid of the same step and another phase: of the same kind of error.
    sizes = [np.sqrt(np.mean((image - exact)[part] ** 2)) for image in (ours, other)]
    assert 1 / 3 < sizes[0] / sizes[1] < 3
    outcome(
        "``stepsize=10``",
        f"not used: the task's default ``wcsmap`` is exact; with ``wcsmap=None`` rms {sizes[1]:.2g} from exact",
        f"exact every 10 pixels, bilinear between: rms {sizes[0]:.2g} from exact",
        "skyblot",
    )


def test_coeffs_false(folder, theirs, monkeypatch):
    """Theirs leaves the detector tables in, and takes the scale from the distorted CD matrix."""
    monkeypatch.chdir(folder)
    ablot.blot(DATA, REFERENCE, "ours", coeffs=False, stepsize=1, addsky=False)
    ours, other = fits.getdata("ours.fits", 1).astype(float), np.load("coeffs_false.npy").astype(float)
    stripped = np.load("coeffs_false_nod2im.npy").astype(float)
    target = linear_wcs(wcs_of(folder, REFERENCE))
    their_scale = 3600 * np.hypot(target.wcs.cd[0, 0], target.wcs.cd[1, 0])
    ratio = (IDCSCALE / their_scale) ** 2
    factor = fits.getval("ref.fits", "EXPTIME") / (0.0396 / IDCSCALE) ** 2
    worst = agree(folder, ours, stripped * ratio, target, factor=factor)
    left_in = np.abs(other - stripped).max()
    assert abs(ratio - 1) > 0.1
    outcome(
        "``coeffs=False``",
        f"detector tables (D2IM) left in: off by up to {left_in:.3g}; scaled by the CD matrix, not ``IDCSCALE``: "
        f"{1 / ratio:.3f} of the value",
        f"linear terms only; the same within {worst:.2g} without those two",
        "skyblot",
    )


# Where it does not: the documentation decides.


@dataclass(frozen=True)
class Different:
    """A case in which the documentation is right: flat data; `value` is a number, or words of our error."""

    name: str
    title: str
    keywords: dict
    value: float | str
    fatal: bool = False


def on_flat(data="flat.fits[sci,1]", reference="flatref.fits[sci,1]", **keywords):
    return {"data": data, "reference": reference, "addsky": False, **keywords}


ONE_BY_ONE = {
    "orient": 12.5,
    "raref": 53.1622,
    "decref": -27.7908,
    "xrefpix": 80.5,
    "yrefpix": 48.5,
    "outnx": 60,
    "outny": 50,
}
DIFFERENT = [
    *(
        Different(f"{a}_{b}", f"2 cps, EXPTIME 400 and 100: {a} to {b}", on_flat(in_units=a, out_units=b), value)
        for (a, b), value in {
            ("cps", "cps"): 2.0,
            ("cps", "counts"): 200.0,
            ("counts", "cps"): 0.005,
            ("counts", "counts"): 0.5,
        }.items()
    ),
    Different("expout_50", "``expout=50``", on_flat(expout=50.0), 100.0),
    Different("sky_of_data", "MDRIZSKY 7 in the data, 3 in the exposure", on_flat(addsky=True, out_units="cps"), 5.0),
    Different(
        "sky_absent", "MDRIZSKY absent in the data", on_flat("nosky.fits[sci,1]", addsky=True, out_units="cps"), 5.0
    ),
    Different("float64", "float64 data", on_flat("flat_f8.fits[sci,1]"), 200.0, fatal=True),
    Different("int16", "int16 data", on_flat("flat_i2.fits[sci,1]"), 200.0, fatal=True),
    Different("int32", "int32 data", on_flat("flat_i4.fits[sci,1]"), 200.0, fatal=True),
    Different("notime", "EXPTIME absent in the data, not needed", on_flat("notime.fits[sci,1]"), 200.0),
    Different("zerotime", "EXPTIME 0 in the data, not needed", on_flat("zerotime.fits[sci,1]"), 200.0),
    Different(
        "zerotime_counts",
        "EXPTIME 0 in the data, counts",
        on_flat("zerotime.fits[sci,1]", in_units="counts"),
        "EXPTIME = 0.0",
    ),
    Different(
        "notimeref", "EXPTIME absent in the exposure", on_flat(reference="notimeref.fits[sci,1]"), "no exposure time"
    ),
    Different(
        "zerotimeref", "EXPTIME 0 in the exposure", on_flat(reference="zerotimeref.fits[sci,1]"), "EXPTIME = 0.0"
    ),
    Different("bad_expkey", "``expkey='nosuch'``", on_flat(expkey="nosuch"), "no NOSUCH"),
    Different("noext_data", "data without an extension", on_flat("flat.fits"), 200.0),
    Different("noext_ref", "reference without an extension", on_flat(reference="flatref.fits"), 200.0),
    Different("wrong_ext_data", "data[sci,9]", on_flat("flat.fits[sci,9]"), "no extension [sci,9]"),
    Different("wrong_ext_ref", "reference[sci,9]", on_flat(reference="flatref.fits[sci,9]"), "no extension [sci,9]"),
    Different("interp", "``interp='linear'``, the documented name", on_flat(interp="linear"), 200.0),
    Different("misspelt", "``intrep='linear'``", on_flat(intrep="linear"), "closest: 'interp'"),
    Different("bad_interp", "``interpol='poly6'``", on_flat(interpol="poly6"), "expected one of"),
    Different("bad_units", "``out_units='electrons'``", on_flat(out_units="electrons"), "expected one of"),
    Different("teal_bool", "``addsky='no'``", on_flat(addsky="no", out_units="cps"), 2.0),
    Different("spline3", "``interpol='spline3'``", on_flat(interpol="spline3"), 200.0),
    *(
        Different(f"only_{name}", f"user WCS: ``{name}`` alone", on_flat(user_wcs=True, out_units="cps", **values), 2.0)
        for name, values in ((name, {name: value}) for name, value in ONE_BY_ONE.items())
    ),
    Different("no_switch", "user WCS values without ``user_wcs``", on_flat(outnx=60, outny=50, out_units="cps"), 2.0),
    Different("step_none", "``stepsize=None``", on_flat(stepsize=None, wcsmap="None"), 200.0, fatal=True),
    Different("step_negative", "``stepsize=-10``", on_flat(stepsize=-10, wcsmap="None"), "at least 0", fatal=True),
    Different("other_camera", "reference that is not from HST", on_flat(reference="othercamera.fits[sci,1]"), 200.0),
    Different("step_10", "", {"data": DATA, "reference": REFERENCE, "wcsmap": "None"}, "-"),
    Different("coeffs_false", "", {"data": DATA, "reference": REFERENCE, "coeffs": False, "addsky": False}, "-"),
    Different(
        "coeffs_false_nod2im",
        "",
        {"data": DATA, "reference": "nod2im.fits[sci,1]", "coeffs": False, "addsky": False},
        "-",
    ),
    Different("sinc", "", {"data": DATA, "reference": REFERENCE, "interpol": "sinc", "addsky": False}, "-"),
]


@pytest.mark.parametrize("case", [case for case in DIFFERENT if case.value != "-"], ids=lambda case: case.name)
def test_documentation_decides(folder, theirs, monkeypatch, case):
    monkeypatch.chdir(folder)
    keywords = {name: value for name, value in case.keywords.items() if (name, value) != ("wcsmap", "None")}
    other = theirs[case.name]
    if other == "done":
        pixels = np.load(f"{case.name}.npy")
        ny, nx = pixels.shape
        other = f"{float(pixels[ny // 2, nx // 2]):.4g}" + (
            f", shape {ny} x {nx}" if "out" in case.name or "switch" in case.name else ""
        )
    if isinstance(case.value, str):
        with pytest.raises(SkyblotError) as caught:
            ablot.blot(**keywords, outdata="ours")
        assert case.value in str(caught.value)
        outcome(case.title, other, f"error: {caught.value}", "skyblot")
        return
    # The user's WCS has another scale only where it says so: none of these does, so the flat image stays flat.
    ablot.blot(**keywords, outdata="ours")
    ours = fits.getdata("ours.fits", 1)
    for name, axis in (("outny", 0), ("outnx", 1)):
        if name in keywords:
            assert ours.shape[axis] == keywords[name]
    value = case.value
    if set(ONE_BY_ONE) & set(keywords):
        cd = wcs_of(folder, keywords["reference"]).wcs.cd
        value *= abs(np.linalg.det(cd)) * 3600**2 / 0.0396**2
    np.testing.assert_allclose(ours[len(ours) // 2 - 5 :][:10, 20:40], value, rtol=4 * F32)
    shape = f", shape {ours.shape[0]} x {ours.shape[1]}" if "shape" in other else ""
    outcome(case.title, other, f"{value:.4g}{shape}", "both" if other == f"{value:.4g}{shape}" else "skyblot")


def test_sinc(folder, theirs, monkeypatch):
    """Theirs is displaced by one pixel along both axes, towards the origin."""
    monkeypatch.chdir(folder)
    ablot.blot(DATA, REFERENCE, "ours", interp="sinc", addsky=False, stepsize=1)
    ablot.blot(DATA, REFERENCE, "poly", interp="poly5", addsky=False, stepsize=1)
    ours, poly = (fits.getdata(f"{name}.fits", 1).astype(float) for name in ("ours", "poly"))
    centre = np.s_[20:-20, 20:-20]
    # An interpolant of the same image differs from another by less than the image from its neighbours.
    own = np.std((ours - poly)[centre])
    assert own < 0.5 * np.std((ours[:, 1:] - ours[:, :-1])[centre])
    if theirs["sinc"] == "done":
        other = np.load("sinc.npy").astype(float)
        sane = np.abs(np.where(np.isfinite(other), other, np.inf)) < 1e6
        text = "reads uninitialised memory: not finite, or beyond 1e6"
        if sane[centre].all():
            text = f"displaced by (-1, -1) pixel: rms {np.std((other - poly)[centre]):.3g} from poly5"
    else:
        text = theirs["sinc"]
    outcome("``interp='sinc'``", text, f"centred: rms {own:.3g} from poly5", "skyblot")


def test_output_header(folder, theirs, monkeypatch):
    monkeypatch.chdir(folder)
    ablot.blot(DATA, REFERENCE, "ours")
    with fits.open("their_defaults.fits") as hdus:
        try:
            WCS(hdus["SCI"].header, hdus)
            readable = "readable"
        except Exception as error:
            readable = f"{type(error).__name__} when read"
        facts = f"CTYPE1 {hdus['SCI'].header['CTYPE1']}, FILENAME {hdus[0].header['FILENAME']}, WCS {readable}"
    written, target = wcs_of(folder, "ours.fits"), wcs_of(folder, REFERENCE)
    x, y = np.meshgrid(np.linspace(0, 159, 9), np.linspace(0, 95, 7))
    np.testing.assert_array_equal(written.all_pix2world(x, y, 0), target.all_pix2world(x, y, 0))
    header = fits.getheader("ours.fits", 1)
    own = f"CTYPE1 {header['CTYPE1']}, FILENAME {fits.getval('ours.fits', 'FILENAME')}, WCS that of the exposure"
    outcome("header of the output", facts, own, "skyblot")


def test_output_name_with_brackets(folder, monkeypatch):
    monkeypatch.chdir(folder)
    code = f"from drizzlepac import ablot; ablot.blot('{DATA}', '{REFERENCE}', 'o.fits[sci,1]', configObj='defaults')"
    done = script(folder, code)
    ablot.blot(DATA, REFERENCE, "o.fits[sci,1]")
    assert fits.getdata("o.fits", 1).shape == CHIP_SHAPE
    other = done.stderr.strip().splitlines()[-1] if done.returncode else "written"
    outcome("output named ``o.fits[sci,1]``", other, "o.fits", "skyblot")


# do_blot with an HSTWCS.


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("coeffs", [True, False])
def test_do_blot_with_hstwcs(folder, monkeypatch, coeffs):
    """An HSTWCS brings pscale and idcscale; it is not changed, and a slice of it is a cut-out."""
    from drizzlepac import ablot as drizzlepac_ablot
    from drizzlepac.wcs_functions import WCSMap
    from stwcs.wcsutil import HSTWCS

    monkeypatch.chdir(folder)
    data = fits.getdata("data.fits", 1).astype(np.float32)
    source, target = HSTWCS(DATA.replace("sci,1", "SCI,1")), HSTWCS("ref.fits", ext=("SCI", 1))
    parts = [getattr(target, name) for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")]
    ours = ablot.do_blot(data, source, target, 2.0, coeffs=coeffs, stepsize=1)
    assert all(
        getattr(target, name) is part
        for name, part in zip(("sip", "cpdis1", "cpdis2", "det2im1", "det2im2"), parts, strict=True)
    )
    piece = ablot.do_blot(data, source, target[20:60, 30:90], 2.0, coeffs=coeffs, stepsize=1)
    np.testing.assert_allclose(piece, ours[20:60, 30:90], rtol=0, atol=4 * F32 * ours.max())
    if coeffs:
        other = drizzlepac_ablot.do_blot(data, source, target, 2.0, wcsmap=WCSMap)
        worst = agree(folder, ours, other, wcs_of(folder, REFERENCE), factor=2.0 / (0.0396 / IDCSCALE) ** 2)
        outcome("``do_blot``, HSTWCS, exact", "as documented", f"the same within {worst:.2g}", "both")


@pytest.mark.filterwarnings("ignore")
def test_wcsmaps_of_drizzlepac():
    """Its LinearMap as a class fails in DrizzlePac, whose call gives it the two WCS as shifts."""
    from drizzlepac.wcs_functions import IdentityMap, LinearMap

    wcs = user_wcs()
    data = np.arange(77 * 111, dtype=np.float32).reshape(77, 111)
    for wcsmap, shift in (
        (IdentityMap, (0, 0)),
        (LinearMap, (0, 0)),
        (LinearMap(xsh=3, ysh=2), (3, 2)),
        (lambda blot_wcs, source_wcs: LinearMap(xsh=3, ysh=2), (3, 2)),
    ):
        blot = ablot.do_blot(data, wcs, wcs, 1.0, wcsmap=wcsmap)
        x, y = shift
        np.testing.assert_array_equal(blot[: 77 - y, : 111 - x], data[y:, x:])
    outcome("``wcsmap=LinearMap``", "TypeError: float + HSTWCS", "made with its defaults", "skyblot")


# The documented examples, and files of TEAL.


def script(folder, code, home=None):
    """Run code in a process whose home and current folder are `folder`."""
    environment = {**os.environ, "HOME": str(home or folder), "PYTHONWARNINGS": "ignore"}
    environment.pop("DISPLAY", None)
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture
def examples(folder, tmp_path):
    """A folder with the files that DrizzlePac's documentation names; TEAL makes what it loads read-only: undone."""
    shutil.copy(folder / "data.fits", tmp_path / "adriz_aligned_wcs_f814w_med.fits")
    shutil.copy(folder / "ref.fits", tmp_path / "j8c0d1bwq_flc.fits")
    yield tmp_path
    for path in pars_folder().iterdir():
        path.chmod(0o644)


def test_documented_examples(examples):
    """As printed, with `skyblot` for `drizzlepac`."""
    done = script(
        examples,
        """
        from skyblot import ablot
        from stsci.tools import teal
        blotobj = teal.load('ablot')    # get default values
        ablot.blot('adriz_aligned_wcs_f814w_med.fits','j8c0d1bwq_flc.fits[sci,1]',
                   'aligned_f814w_sci1_blot.fits', configObj=blotobj)
        """,
    )
    assert done.returncode == 0, done.stderr
    blot = fits.getdata(examples / "aligned_f814w_sci1_blot.fits", 1)
    ablot.blot(
        f"{examples}/adriz_aligned_wcs_f814w_med.fits",
        f"{examples}/j8c0d1bwq_flc.fits[sci,1]",
        examples / "direct.fits",
    )
    np.testing.assert_array_equal(blot, fits.getdata(examples / "direct.fits", 1))
    done = script(examples, "from skyblot import ablot\nablot.blot()")
    assert done.returncode == 1
    assert "data, reference and outdata are not given" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("imports", "task"),
    [
        ("", "skyblot.ablot"),
        ("import skyblot.ablot", "ablot"),
        ("import skyblot.ablot, drizzlepac.ablot", "skyblot.ablot"),
        ("import skyblot.ablot, drizzlepac.ablot", "drizzlepac.ablot"),
        ("import drizzlepac.ablot, skyblot.ablot", "ablot"),
        ("from skyblot import ablot; import drizzlepac.ablot", "ablot"),
    ],
)
def test_teal_load(examples, imports, task):
    """Ours by its dotted name, whoever is imported first; DrizzlePac's object serves as well."""
    done = script(
        examples,
        f"""
        {imports}
        from stsci.tools import teal
        config = teal.load({task!r})
        config['data'] = 'adriz_aligned_wcs_f814w_med.fits'
        config['reference'] = 'j8c0d1bwq_flc.fits[sci,1]'
        config['outdata'] = 'o'
        config['interpol'] = 'linear'
        config['Data Scaling Parameters']['out_units'] = 'cps'
        before = repr(config)
        print('file:', config.filename, 'runs:', config.canExecute())
        from skyblot import ablot
        ablot.blot(configObj=config, addsky=False)
        assert repr(config) == before
        ablot.run(config)
        assert repr(config) == before
        if {task!r} == 'skyblot.ablot':
            import os; os.remove('o.fits')
            config.run()
            assert 'Task:' in config.getHelpAsString()
        """,
    )
    assert done.returncode == 0, done.stderr
    if task != "ablot":
        assert f"site-packages/{task.split('.')[0]}" in done.stdout or str(pars_folder()) in done.stdout
        assert "runs: True" in done.stdout
    blot = fits.getdata(examples / "o.fits", 1)
    ablot.blot(
        f"{examples}/adriz_aligned_wcs_f814w_med.fits",
        f"{examples}/j8c0d1bwq_flc.fits[sci,1]",
        examples / "direct.fits",
        interp="linear",
        out_units="cps",
    )
    np.testing.assert_array_equal(blot, fits.getdata(examples / "direct.fits", 1))


@pytest.mark.parametrize("task", ["drizzlepac.ablot", "skyblot.ablot"])
def test_a_saved_cfg_loads_unchanged(examples, monkeypatch, task):
    """What TEAL's Save writes; ours and DrizzlePac's."""
    done = script(
        examples,
        f"""
        from stsci.tools import teal
        config = teal.load({task!r})
        config['data'] = 'adriz_aligned_wcs_f814w_med.fits[sci,1]'
        config['reference'] = 'j8c0d1bwq_flc.fits[sci,1]'
        config['outdata'] = 'from_cfg.fits'
        config['interpol'] = 'poly3'
        config['stepsize'] = None
        config['addsky'] = False
        config['skyval'] = 2.5
        config['Data Scaling Parameters']['expout'] = '33.0'
        config['User WCS Parameters']['outnx'] = 50
        config['User WCS Parameters']['user_wcs'] = True
        print(config.saveParList(filename='saved.cfg'))
        config['User WCS Parameters']['user_wcs'] = False
        print(config.saveParList(filename='saved_no_wcs.cfg'))
        """,
    )
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(examples)
    saved = Path("saved.cfg").read_bytes()
    names = ("adriz_aligned_wcs_f814w_med.fits[sci,1]", "j8c0d1bwq_flc.fits[sci,1]", "direct.fits")
    values = {"interp": "poly3", "stepsize": None, "addsky": False, "skyval": 2.5, "expout": 33.0}
    for config, more in (("saved.cfg", {"outnx": 50}), ("saved_no_wcs.cfg", {})):
        ablot.blot(configObj=config)
        ablot.blot(*names, **values, **more)
        np.testing.assert_array_equal(fits.getdata("from_cfg.fits", 1), fits.getdata("direct.fits", 1))
        assert fits.getdata("direct.fits", 1).shape == (CHIP_SHAPE[0], more.get("outnx", CHIP_SHAPE[1]))
    assert Path("saved.cfg").read_bytes() == saved


def test_nothing_of_teals_is_read_from_home(examples):
    """Theirs reads ./*.cfg and ~/.teal without a word."""
    (examples / ".teal").mkdir()
    text = (pars_folder() / "ablot.cfg").read_text().replace("skyval = 0.0", "skyval = 1000.0")
    text = text.replace("addsky = True", "addsky = False").replace("[_RULES_]\n", "")
    for path in (examples / ".teal/ablot.cfg", examples / "ablot.cfg"):
        path.write_text(text)
    values = {}
    for package in ("drizzlepac", "skyblot"):
        done = script(
            examples,
            f"from {package} import ablot; ablot.blot('adriz_aligned_wcs_f814w_med.fits[sci,1]', "
            f"'j8c0d1bwq_flc.fits[sci,1]', '{package}.fits')",
        )
        assert done.returncode == 0, done.stderr
        values[package] = float(np.median(fits.getdata(examples / f"{package}.fits", 1)))
    assert values["skyblot"] < 500
    outcome(
        "``skyval = 1000`` in ``./ablot.cfg``",
        f"median {values['drizzlepac']:.4g}",
        f"median {values['skyblot']:.4g}",
        "skyblot",
    )


# The table.

OUTCOMES = []


def outcome(*row):
    OUTCOMES.append([" ".join(str(cell).split()) for cell in row])


def test_the_table_of_outcomes():
    """Last in the file: what the others have found; written to the file named by SKYBLOT_OUTCOMES."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 20 35 35 10", ""]
    for row in [["case", "DrizzlePac", "skyblot", "as documented"], *OUTCOMES]:
        lines += [f"   {'* -' if k == 0 else '  -'} {cell}" for k, cell in enumerate(row)]
    text = "\n".join(lines) + "\n"
    assert all(len(row) == 4 for row in OUTCOMES)
    if os.environ.get("SKYBLOT_OUTCOMES"):
        Path(os.environ["SKYBLOT_OUTCOMES"]).write_text(text)
