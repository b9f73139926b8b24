"""blot(): every error said clearly."""

import re

import numpy as np
import pytest
from astropy.wcs import WCS
from builders import no_sky, singular, sky_image, tangent
from oracles import tolerance

import skyblot
from skyblot.errors import DataError, ParameterError, SkyblotWarning, WCSError
from skyblot.parameters.table import INTERPOLANTS


def half_sky():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "FREQ"]
    wcs.array_shape = (80, 100)
    return wcs


NAMES = "nearest, linear, poly3, poly5, spline3, lanczos3, lanczos5, sinc"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interp": "polly5"}, f"interp = 'polly5': expected one of {NAMES} (closest: 'poly5')"),
        (
            {"interp": "lancsoz3"},
            f"interp = 'lancsoz3': expected one of {NAMES} (closest: 'lanczos3')",
        ),
        ({"interp": 5}, f"expected one of {NAMES}"),
        ({"sinscl": "wide"}, "sinscl = 'wide': expected a number"),
        ({"sinscl": 0.0}, "sinscl = 0.0: expected a number, at least"),
        ({"stepsize": -3}, "stepsize = -3: expected a whole number, at least 0"),
        ({"stepsize": 2.5}, "stepsize = 2.5: expected a whole number, at least 0"),
        ({"stepsize": True}, "stepsize = True: expected a whole number, at least 0"),
        ({"stepsize": "ten"}, "stepsize = 'ten': expected a whole number, at least 0"),
        ({"tolerance": 0}, "tolerance = 0: expected a number, at least 1e-12"),
        ({"tolerance": -1e-4}, "tolerance = -0.0001: expected a number, at least 1e-12"),
        ({"tolerance": np.nan}, "tolerance = nan: expected a number, at least 1e-12"),
        ({"tolerance": "small"}, "tolerance = 'small': expected a number, at least 1e-12"),
        ({"threads": 0}, "threads = 0: expected a whole number, at least 1, or nothing"),
        ({"threads": -1}, "threads = -1: expected a whole number, at least 1, or nothing"),
        ({"threads": True}, "threads = True: expected a whole number, at least 1, or nothing"),
        ({"threads": 1.5}, "threads = 1.5: expected a whole number, at least 1, or nothing"),
        ({"threads": "all"}, "threads = 'all': expected a whole number, at least 1, or nothing"),
        ({"scale": np.nan}, "scale = nan: expected a finite number"),
        ({"scale": np.inf}, "scale = inf: expected a finite number"),
        ({"scale": "big"}, "scale = 'big': expected a number"),
        ({"scale": None}, "scale = None: expected a number"),
        ({"fill_value": "none"}, "fill_value = 'none': expected a number"),
        ({"fill_value": None}, "fill_value = None: expected a number"),
        ({"shape": (80,)}, "shape = (80,): expected two whole numbers, (ny, nx), each at least 1"),
        ({"shape": (1, 80, 100)}, "shape = (1, 80, 100): expected two whole numbers, (ny, nx)"),
        (
            {"shape": (80, 0)},
            "shape = (80, 0): expected two whole numbers, (ny, nx), each at least 1",
        ),
        (
            {"shape": (-80, 100)},
            "shape = (-80, 100): expected two whole numbers, (ny, nx), each at least 1",
        ),
        ({"shape": (80.5, 100)}, "shape = (80.5, 100): expected two whole numbers, (ny, nx)"),
        ({"shape": 80}, "shape = 80: expected two whole numbers, (ny, nx), each at least 1"),
        ({"shape": "big"}, "shape = 'big': expected two whole numbers, (ny, nx), each at least 1"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        skyblot.blot(sky_image((80, 100)), tangent(), tangent(), **arguments)


@pytest.mark.parametrize(
    "arguments", [{"stepsize": 2.5}, {"tolerance": 0}, {"threads": 0}, {"shape": (0, 1)}]
)
def test_bad_arguments_of_the_pixel_map(arguments):
    (name, value), *_ = arguments.items()
    with pytest.raises(ParameterError, match=re.escape(f"{name} = {value!r}")):
        skyblot.pixel_map(tangent(), tangent(), **arguments)


def test_a_target_without_shape():
    message = "shape is not given and the target's WCS has no array_shape: give shape=(ny, nx)"
    for call in (
        lambda wcs: skyblot.blot(np.ones((8, 9)), tangent(), wcs),
        lambda wcs: skyblot.pixel_map(wcs, wcs),
    ):
        with pytest.raises(ParameterError, match=re.escape(message)):
            call(tangent(shape=None))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.ones(9), "the source: has shape (9,), expected a 2-D image, (ny, nx)"),
        (np.ones((2, 8, 9)), "the source: has shape (2, 8, 9), expected a 2-D image, (ny, nx)"),
        (np.ones((0, 9)), "the source: has shape (0, 9), expected a 2-D image, (ny, nx)"),
        (3.0, "the source: has shape (), expected a 2-D image, (ny, nx)"),
        (None, "the source: has shape (), expected a 2-D image, (ny, nx)"),
        (
            np.ones((8, 9), complex),
            "the source: has dtype complex128, expected floating-point numbers or integers",
        ),
        (
            np.ones((8, 9), object),
            "the source: has dtype object, expected floating-point numbers or integers",
        ),
        (
            np.ones((8, 9), int),
            "the source: has dtype int64, which interp poly5 cannot average: use",
        ),
        (
            np.ones((8, 9), bool),
            "the source: has dtype bool, which interp poly5 cannot average: use",
        ),
        ([[1, 2], [3, 4]], "the source: has dtype int64, which interp poly5 cannot average: use"),
    ],
    ids=[
        "1-D",
        "3-D",
        "empty",
        "scalar",
        "None",
        "complex",
        "object",
        "integers",
        "booleans",
        "list of int",
    ],
)
def test_bad_data(source, message):
    with pytest.raises(DataError, match=re.escape(message)):
        skyblot.blot(source, tangent(), tangent())


@pytest.mark.parametrize("interp", [name for name in INTERPOLANTS if name != "nearest"])
def test_integers_go_with_nearest_only(interp):
    with pytest.raises(DataError, match=f"interp {interp} .*interp nearest, which keeps integers"):
        skyblot.blot(np.ones((8, 9), ">i2"), tangent(), tangent(), interp=interp)


@pytest.mark.parametrize("fill", [np.nan, np.inf, 0.5, 256, -1, "x", None])
def test_fill_value_that_integers_cannot_hold(fill):
    message = f"fill_value = {fill!r}: expected a value of the source's dtype, uint8"
    with pytest.raises(ParameterError, match=re.escape(message)):
        skyblot.blot(
            np.ones((8, 9), np.uint8), tangent(), tangent(), interp="nearest", fill_value=fill
        )


def test_integers_are_not_scaled():
    with pytest.raises(ParameterError, match=r"scale = 2\.0.*integer source.*keeps its values"):
        skyblot.blot(np.ones((8, 9), int), tangent(), tangent(), interp="nearest", scale=2)


@pytest.mark.parametrize(
    ("wcs", "message"),
    [
        (singular(), "WCS is singular: its CD matrix is [[1e-05, 1e-05], [1e-05, 1e-05]]"),
        (no_sky(), "has no celestial WCS: CTYPE is '', '', expected RA---TAN or the like"),
        (half_sky(), "WCS cannot be used: "),
        (
            {"CRVAL1": 5.0},
            "WCS is a dict, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS",
        ),
        (None, "WCS is not given, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS"),
        ("file.fits", "WCS is a str, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS"),
    ],
    ids=["singular", "no sky", "half a sky", "header", "None", "name"],
)
def test_bad_wcs(wcs, message):
    image = sky_image((80, 100))
    with pytest.raises(WCSError, match=re.escape(message)) as caught:
        skyblot.blot(image, wcs, tangent())
    assert str(caught.value).startswith("the source")
    assert "\n" not in str(caught.value)
    with pytest.raises(WCSError, match=re.escape(message)) as caught:
        skyblot.blot(image, tangent(), wcs, shape=(80, 100))
    assert str(caught.value).startswith("the target")


@pytest.mark.parametrize("kind", ["SLON", "HLON"])
def test_a_frame_that_cannot_be_converted(kind):
    other = [
        tangent(ctype=(f"{kind}-TAN", f"{kind[0]}LAT-TAN"), orient=turn, radesys="")
        for turn in (0.0, 20.0)
    ]
    for pair in ((other[0], tangent()), (tangent(), other[0])):
        with pytest.raises(
            WCSError, match=f"CTYPE '{kind}-TAN', '{kind[0]}LAT-TAN'.*expected RA, GLON or ELON"
        ):
            skyblot.pixel_map(*pair)
    # Between two of a kind there is nothing to convert.
    ours, expected = (
        skyblot.pixel_map(*other),
        skyblot.pixel_map(tangent(orient=0.0), tangent(orient=20.0)),
    )
    assert np.array_equal(ours, expected)


def test_a_cube_s_celestial_plane_is_used():
    cube = WCS(naxis=3)
    cube.wcs.ctype = ["RA---TAN", "DEC--TAN", "FREQ"]
    cube.wcs.crval, cube.wcs.crpix = [10.0, 20.0, 1e9], [50.0, 40.0, 1.0]
    cube.wcs.cdelt = [-1e-5, 1e-5, 1e6]
    image = sky_image((80, 100))
    expected = skyblot.blot(image, tangent(orient=0.0), tangent(orient=20.0))
    with pytest.warns(SkyblotWarning, match="the source: its WCS has 3 axes: 'FREQ' dropped"):
        ours = skyblot.blot(image, cube, tangent(orient=20.0))
    # The same terms as CD and as CDELT: the last bit of the map may differ (1e-8 pixel).
    assert (np.abs(ours - expected) <= (tolerance("cutout") + 1e-7) * np.abs(image).max()).all()
