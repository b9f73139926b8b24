"""The cases of the comparison with ``drizzlepac.ablot``, their data, and the table of their
outcomes.

Where DrizzlePac does what it documents, the two must agree; elsewhere the documentation decides.
"""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from compat_data import F32, inside, rounding, value_bound

CHIP_SHAPE = (96, 160)
IDCSCALE = 0.043
SKY = 12.5
DATA, REFERENCE = "data.fits[sci,1]", "ref.fits[sci,1]"
ALL_EIGHT = {
    "outscale": 0.045, "orient": 12.5, "raref": 53.1622, "decref": -27.7908, "xrefpix": 70.5,
    "yrefpix": 40.0, "outnx": 111, "outny": 77,
}  # fmt: skip


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
    """Flat data of 2 per second, EXPTIME 400, and a reference with 100, of equal scales; and broken
    ones.
    """

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


def wcs_of(folder, name):
    with fits.open(folder / name.partition("[")[0]) as hdus:
        wcs = WCS(hdus["SCI", 1].header, hdus)
        wcs.array_shape = hdus["SCI", 1].shape
        return wcs


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
    x, y = (
        each.reshape(one.shape)
        for each in source.wcs_world2pix(*target.all_pix2world(x.ravel(), y.ravel(), 0), 0)
    )
    part = inside(data.shape, x, y)
    assert part.mean() > 0.3
    apart = np.abs(one.astype(float) - two)
    moved = rounding(x), rounding(y)
    last = 4 * F32 * (np.abs(one) + SKY)
    # a position may be rounded to the other side of a border between pixels
    if interp == "nearest":
        part &= (abs(x % 1 - 0.5) > moved[0]) & (abs(y % 1 - 0.5) > moved[1])
        bound = last
    else:
        bound = factor * value_bound(data, x, y, moved, interp) + last
    assert (apart <= bound)[part].all(), f"{(apart / bound)[part].max()} of the bound"
    return apart[part].max()


@dataclass(frozen=True)
class Different:
    """A case in which the documentation is right: flat data; `value` is a number, or words of our
    error.
    """

    name: str
    title: str
    keywords: dict
    value: float | str


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
        Different(
            f"{a}_{b}",
            f"2 cps, EXPTIME 400 and 100: {a} to {b}",
            on_flat(in_units=a, out_units=b),
            value,
        )
        for (a, b), value in {
            ("cps", "cps"): 2.0,
            ("cps", "counts"): 200.0,
            ("counts", "cps"): 0.005,
            ("counts", "counts"): 0.5,
        }.items()
    ),
    Different("expout_50", "``expout=50``", on_flat(expout=50.0), 100.0),
    Different(
        "sky_of_data",
        "MDRIZSKY 7 in the data, 3 in the exposure",
        on_flat(addsky=True, out_units="cps"),
        5.0,
    ),
    Different(
        "sky_absent",
        "MDRIZSKY absent in the data",
        on_flat("nosky.fits[sci,1]", addsky=True, out_units="cps"),
        5.0,
    ),
    Different("float64", "float64 data", on_flat("flat_f8.fits[sci,1]"), 200.0),
    Different("int16", "int16 data", on_flat("flat_i2.fits[sci,1]"), 200.0),
    Different("int32", "int32 data", on_flat("flat_i4.fits[sci,1]"), 200.0),
    Different(
        "notime", "EXPTIME absent in the data, not needed", on_flat("notime.fits[sci,1]"), 200.0
    ),
    Different(
        "zerotime", "EXPTIME 0 in the data, not needed", on_flat("zerotime.fits[sci,1]"), 200.0
    ),
    Different(
        "zerotime_counts",
        "EXPTIME 0 in the data, counts",
        on_flat("zerotime.fits[sci,1]", in_units="counts"),
        "EXPTIME = 0.0",
    ),
    Different(
        "notimeref",
        "EXPTIME absent in the exposure",
        on_flat(reference="notimeref.fits[sci,1]"),
        "no exposure time",
    ),
    Different(
        "zerotimeref",
        "EXPTIME 0 in the exposure",
        on_flat(reference="zerotimeref.fits[sci,1]"),
        "EXPTIME = 0.0",
    ),
    Different("bad_expkey", "``expkey='nosuch'``", on_flat(expkey="nosuch"), "no NOSUCH"),
    Different("noext_data", "data without an extension", on_flat("flat.fits"), 200.0),
    Different(
        "noext_ref", "reference without an extension", on_flat(reference="flatref.fits"), 200.0
    ),
    Different("wrong_ext_data", "data[sci,9]", on_flat("flat.fits[sci,9]"), "no extension [sci,9]"),
    Different(
        "wrong_ext_ref",
        "reference[sci,9]",
        on_flat(reference="flatref.fits[sci,9]"),
        "no extension [sci,9]",
    ),
    Different(
        "interp", "``interp='linear'``, the documented name", on_flat(interp="linear"), 200.0
    ),
    Different("misspelt", "``intrep='linear'``", on_flat(intrep="linear"), "closest: 'interp'"),
    Different("bad_interp", "``interpol='poly6'``", on_flat(interpol="poly6"), "expected one of"),
    Different(
        "bad_units", "``out_units='electrons'``", on_flat(out_units="electrons"), "expected one of"
    ),
    Different("teal_bool", "``addsky='no'``", on_flat(addsky="no", out_units="cps"), 2.0),
    Different("spline3", "``interpol='spline3'``", on_flat(interpol="spline3"), 200.0),
    *(
        Different(
            f"only_{name}",
            f"user WCS: ``{name}`` alone",
            on_flat(user_wcs=True, out_units="cps", **values),
            2.0,
        )
        for name, values in ((name, {name: value}) for name, value in ONE_BY_ONE.items())
    ),
    Different(
        "no_switch",
        "user WCS values without ``user_wcs``",
        on_flat(outnx=60, outny=50, out_units="cps"),
        2.0,
    ),
    Different("step_none", "``stepsize=None``", on_flat(stepsize=None, wcsmap="None"), 200.0),
    Different(
        "step_negative",
        "``stepsize=-10``",
        on_flat(stepsize=-10, wcsmap="None"),
        "at least 0",
    ),
    Different(
        "other_camera",
        "reference that is not from HST",
        on_flat(reference="othercamera.fits[sci,1]"),
        200.0,
    ),
    Different("step_10", "", {"data": DATA, "reference": REFERENCE, "wcsmap": "None"}, "-"),
    Different(
        "coeffs_false",
        "",
        {"data": DATA, "reference": REFERENCE, "coeffs": False, "addsky": False},
        "-",
    ),
    Different(
        "coeffs_false_nod2im",
        "",
        {"data": DATA, "reference": "nod2im.fits[sci,1]", "coeffs": False, "addsky": False},
        "-",
    ),
    Different(
        "sinc", "", {"data": DATA, "reference": REFERENCE, "interpol": "sinc", "addsky": False}, "-"
    ),
]


def script(folder, code, home=None):
    """Run code in a process whose home and current folder are `folder`."""
    environment = {**os.environ, "HOME": str(home or folder), "PYTHONWARNINGS": "ignore"}
    environment.pop("DISPLAY", None)
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


OUTCOMES = []


def outcome(*row):
    OUTCOMES.append([" ".join(str(cell).split()) for cell in row])
