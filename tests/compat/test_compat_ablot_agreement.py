"""The stand-alone task beside ``drizzlepac.ablot``: where DrizzlePac does what it documents."""

import numpy as np
import pytest
from ablot_cases import (
    ALL_EIGHT,
    DATA,
    IDCSCALE,
    REFERENCE,
    SAME,
    SKY,
    agree,
    outcome,
    user_wcs,
    wcs_of,
)
from astropy.io import fits
from astropy.wcs import WCS
from compat_data import F32, inside, rounding, value_bound

import skyblot
from skyblot import ablot

#: The sky of an exposure in electrons, added to a blot per second: worth a warning, and not what is
#: compared.
pytestmark = [pytest.mark.compat, pytest.mark.filterwarnings("ignore:.*MDRIZSKY is in")]


def linear_wcs(wcs):
    linear = WCS(naxis=2)
    linear.wcs.ctype, linear.wcs.radesys = ["RA---TAN", "DEC--TAN"], wcs.wcs.radesys
    linear.wcs.crval, linear.wcs.crpix, linear.wcs.cd = wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cd
    linear.array_shape = wcs.array_shape
    return linear


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
    worst = agree(
        folder, ours, other, target, interp=case.interp, factor=exptime / (0.0396 / scale) ** 2
    )
    peak = float(np.abs(other).max())
    assert np.ptp(other) > 1
    outcome(
        f"``{case.name}``",
        f"as documented; peak {peak:.4g}",
        f"the same within {worst:.2g}",
        "both",
    )
    # The default is another picture, unless the case is the default in other words.
    if case.name not in (
        "defaults",
        "stepsize_1",
        "stepsize_0",
        "skyval_unused",
        "in_units",
        "wcsmap",
    ):
        default = np.load("defaults.npy")
        assert other.shape != default.shape or np.abs(other - default).max() > 1


def test_stepsize_10(folder, theirs, monkeypatch):
    """Theirs has nodes at pixels 10 i counted from 1, ours from the first pixel on: each within its
    own error.
    """
    monkeypatch.chdir(folder)
    exact, other = np.load("defaults.npy").astype(float), np.load("step_10.npy")
    ablot.blot(DATA, REFERENCE, "ours")
    ours = fits.getdata("ours.fits", 1)
    data, source, target = (
        fits.getdata("data.fits", 1),
        wcs_of(folder, DATA),
        wcs_of(folder, REFERENCE),
    )
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
        "not used: the task's default ``wcsmap`` is exact; with ``wcsmap=None`` rms "
        f"{sizes[1]:.2g} from exact",
        f"exact every 10 pixels, bilinear between: rms {sizes[0]:.2g} from exact",
        "skyblot",
    )


def test_coeffs_false(folder, theirs, monkeypatch):
    """Theirs leaves the detector tables in, and takes the scale from the distorted CD matrix."""
    monkeypatch.chdir(folder)
    ablot.blot(DATA, REFERENCE, "ours", coeffs=False, stepsize=1, addsky=False)
    ours, other = (
        fits.getdata("ours.fits", 1).astype(float),
        np.load("coeffs_false.npy").astype(float),
    )
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
        f"detector tables (D2IM) left in: off by up to {left_in:.3g}; scaled by the CD matrix, "
        f"not ``IDCSCALE``: {1 / ratio:.3f} of the value",
        f"linear terms only; the same within {worst:.2g} without those two",
        "skyblot",
    )
