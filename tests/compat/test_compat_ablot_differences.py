"""The stand-alone task beside ``drizzlepac.ablot``: where the documentation decides; and do_blot
with an HSTWCS.
"""

import numpy as np
import pytest
from ablot_cases import (
    CHIP_SHAPE,
    DATA,
    DIFFERENT,
    IDCSCALE,
    REFERENCE,
    agree,
    outcome,
    script,
    user_wcs,
    wcs_of,
)
from astropy.io import fits
from astropy.wcs import WCS
from compat_data import F32

from skyblot import ablot
from skyblot.errors import SkyblotError

#: The sky of an exposure in electrons, added to a blot per second: worth a warning, and not what is
#: compared.
pytestmark = [pytest.mark.compat, pytest.mark.filterwarnings("ignore:.*MDRIZSKY is in")]


# Where it does not: the documentation decides.


@pytest.mark.parametrize(
    "case", [case for case in DIFFERENT if case.value != "-"], ids=lambda case: case.name
)
def test_documentation_decides(folder, theirs, monkeypatch, case):
    monkeypatch.chdir(folder)
    keywords = {
        name: value for name, value in case.keywords.items() if (name, value) != ("wcsmap", "None")
    }
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
    # The user's WCS has another scale only where it says so: none of these does, so the flat image
    # stays flat.
    ablot.blot(**keywords, outdata="ours")
    ours = fits.getdata("ours.fits", 1)
    for name, axis in (("outny", 0), ("outnx", 1)):
        if name in keywords:
            assert ours.shape[axis] == keywords[name]
    value = case.value
    if {"outscale", "orient"} & set(keywords):
        cd = wcs_of(folder, keywords["reference"]).wcs.cd
        value *= abs(np.linalg.det(cd)) * 3600**2 / 0.0396**2
    np.testing.assert_allclose(ours[len(ours) // 2 - 5 :][:10, 20:40], value, rtol=4 * F32)
    shape = f", shape {ours.shape[0]} x {ours.shape[1]}" if "shape" in other else ""
    outcome(
        case.title,
        other,
        f"{value:.4g}{shape}",
        "both" if other == f"{value:.4g}{shape}" else "skyblot",
    )


def test_sinc(folder, theirs, monkeypatch):
    """Theirs is displaced by one pixel along both axes, towards the origin."""
    monkeypatch.chdir(folder)
    ablot.blot(DATA, REFERENCE, "ours", interp="sinc", addsky=False, stepsize=1)
    ablot.blot(DATA, REFERENCE, "poly", interp="poly5", addsky=False, stepsize=1)
    ours, poly = (fits.getdata(f"{name}.fits", 1).astype(float) for name in ("ours", "poly"))
    centre = np.s_[20:-20, 20:-20]
    # An interpolant of the same image differs from another by less than the image from its
    # neighbours.
    own = np.std((ours - poly)[centre])
    assert own < 0.5 * np.std((ours[:, 1:] - ours[:, :-1])[centre])
    if theirs["sinc"] == "done":
        other = np.load("sinc.npy").astype(float)
        sane = np.abs(np.where(np.isfinite(other), other, np.inf)) < 1e6
        text = "reads uninitialised memory: not finite, or beyond 1e6"
        if sane[centre].all():
            text = (
                f"displaced by (-1, -1) pixel: rms {np.std((other - poly)[centre]):.3g} from poly5"
            )
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
        facts = (
            f"CTYPE1 {hdus['SCI'].header['CTYPE1']}, FILENAME {hdus[0].header['FILENAME']}, WCS "
            f"{readable}"
        )
    written, target = wcs_of(folder, "ours.fits"), wcs_of(folder, REFERENCE)
    x, y = np.meshgrid(np.linspace(0, 159, 9), np.linspace(0, 95, 7))
    np.testing.assert_array_equal(written.all_pix2world(x, y, 0), target.all_pix2world(x, y, 0))
    header = fits.getheader("ours.fits", 1)
    own = (
        f"CTYPE1 {header['CTYPE1']}, FILENAME {fits.getval('ours.fits', 'FILENAME')}, WCS that of "
        "the exposure"
    )
    outcome("header of the output", facts, own, "skyblot")


def test_output_name_with_brackets(folder, monkeypatch):
    monkeypatch.chdir(folder)
    code = (
        f"from drizzlepac import ablot; ablot.blot('{DATA}', '{REFERENCE}', 'o.fits[sci,1]', "
        "configObj='defaults')"
    )
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
        worst = agree(
            folder, ours, other, wcs_of(folder, REFERENCE), factor=2.0 / (0.0396 / IDCSCALE) ** 2
        )
        outcome(
            "``do_blot``, HSTWCS, exact", "as documented", f"the same within {worst:.2g}", "both"
        )


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
    outcome(
        "``wcsmap=LinearMap``", "TypeError: float + HSTWCS", "made with its defaults", "skyblot"
    )
