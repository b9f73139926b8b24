"""The ablot task: a map of the user's own between the pixels."""

import threading

import numpy as np
import pytest
from task_data import F32, assert_same, by_hand, flat_pair, pixels_of, run_blot, tangent

from skyblot import ablot
from skyblot.errors import ParameterError


def ramp(shape=(60, 60), dtype=np.float32):
    """Values that say where they are from."""
    y, x = np.indices(shape)
    return (x + 100 * y).astype(dtype)


class Identity:
    """As DrizzlePac's IdentityMap."""

    def __init__(self, input, output):
        self.input, self.output = input, output

    def forward(self, pixx, pixy):
        return pixx, pixy


class LinearMap:
    """As DrizzlePac's LinearMap: one array of shape (2, n)."""

    def __init__(self, xsh=0.0, ysh=0.0, rot=0.0, scale=1.0):
        c, s = scale * np.cos(np.radians(rot)), scale * np.sin(np.radians(rot))
        self.matrix, self.shift = np.array([[c, s], [-s, c]]), np.array([[xsh], [ysh]])

    def forward(self, pixx, pixy):
        return self.matrix @ np.array([pixx, pixy]) + self.shift


class Bound:
    def make(self, blot_wcs, source_wcs):
        return LinearMap(3, 2)


@pytest.mark.parametrize(
    ("wcsmap", "shift"),
    [
        (Identity, (0, 0)),
        (Identity(None, None), (0, 0)),
        (LinearMap, (0, 0)),
        (LinearMap(3, 2), (3, 2)),
        (lambda blot_wcs, source_wcs: LinearMap(xsh=3, ysh=2), (3, 2)),
        (Bound().make, (3, 2)),
    ],
)
def test_wcsmap(wcsmap, shift):
    """Without the map, the two WCS would shift by 10: the map alone says where pixels are from."""
    source, target = tangent((60, 60)), tangent((40, 40))
    image = ramp()
    blot = ablot.do_blot(image, source, target, 2.0, wcsmap=wcsmap)
    x, y = shift
    np.testing.assert_array_equal(blot, 2 * image[y : y + 40, x : x + 40])


def test_wcsmap_of_the_task(tmp_path):
    names = flat_pair(tmp_path, data=ramp())
    for form in ({"wcsmap": LinearMap(3, 2)}, {"wcsmap": LinearMap(3, 2), "configObj": "defaults"}):
        ablot.blot(*names, tmp_path / "o.fits", out_units="cps", **form)
        np.testing.assert_array_equal(pixels_of(tmp_path / "o.fits"), ramp()[2:42, 3:43])
    ablot.run(
        {"data": names[0], "reference": names[1], "outdata": str(tmp_path / "p")}, wcsmap=Identity
    )
    np.testing.assert_allclose(pixels_of(tmp_path / "p.fits"), 100 * ramp()[:40, :40], rtol=4 * F32)


def test_wcsmap_gets_target_then_source_and_counts_from_1():
    source, target = tangent((300, 210)), tangent((280, 200), orient=10)
    calls = []

    class Recorder(Identity):
        def forward(self, x, y):
            assert x.dtype == y.dtype == np.float64
            assert x.ndim == 1
            calls.append((x.copy(), y.copy(), threading.get_ident()))
            assert self.input.wcs.cd.tolist() == target.wcs.cd.tolist()
            assert self.output.wcs.cd.tolist() == source.wcs.cd.tolist()
            return x, y

    ablot.do_blot(ramp((300, 210)), source, target, 1.0, wcsmap=Recorder)
    # Band by band: more than one call, far fewer than rows; every pixel once.
    assert 1 < len(calls) < 20
    seen = {(int(x), int(y)) for xs, ys, _ in calls for x, y in zip(xs, ys, strict=True)}
    assert seen == {(x, y) for x in range(1, 201) for y in range(1, 281)}
    assert sum(xs.size for xs, *_ in calls) == 280 * 200


def test_wcsmap_exact_geometry_by_hand(pair):
    """The two WCS as a wcsmap is what the task does by itself, exactly."""

    class Both:
        def __init__(self, blot_wcs, source_wcs):
            self.blot, self.source = blot_wcs, source_wcs

        def forward(self, x, y):
            return self.source.wcs_world2pix(*self.blot.all_pix2world(x, y, 1), 1)

    blot = run_blot(pair, wcsmap=Both)
    assert_same(blot, by_hand(pair, stepsize=None))
    # stepsize is about the map from the two WCS.
    assert np.array_equal(run_blot(pair, wcsmap=Both, stepsize=50), blot)


def test_wcsmap_nan_is_uncovered():
    class Holes(Identity):
        def forward(self, x, y):
            bad = x <= 5
            return np.where(bad, np.nan, x), np.where(y > 39, np.inf, y)

    blot = ablot.do_blot(ramp() + 1, tangent((60, 60)), tangent((40, 40)), 1.0, wcsmap=Holes)
    wanted = ramp()[:40, :40] + 1
    wanted[:, :5] = wanted[39:] = 0
    np.testing.assert_array_equal(blot, wanted)


@pytest.mark.parametrize(
    ("wcsmap", "error", "message"),
    [
        (
            lambda b, s: type("M", (), {"forward": lambda self, x, y: (x[:3], y[:3])})(),
            ParameterError,
            "two arrays of",
        ),
        (
            lambda b, s: type("M", (), {"forward": lambda self, x, y: x})(),
            ParameterError,
            "returned ndarray",
        ),
        (
            lambda b, s: type("M", (), {"forward": lambda self, x, y: None})(),
            ParameterError,
            "returned NoneType",
        ),
        (
            lambda b, s: type("M", (), {"forward": lambda self, x, y: ("a", "b")})(),
            ParameterError,
            "returned tuple",
        ),
        (lambda b, s: object(), ParameterError, "object has no method forward"),
        (5, ParameterError, "wcsmap = 5: expected a class or function"),
        (max, TypeError, "not supported between"),
    ],
)
def test_wrong_wcsmap(tmp_path, wcsmap, error, message):
    with pytest.raises(error, match=message):
        ablot.do_blot(ramp(), tangent((60, 60)), tangent((40, 40)), 1.0, wcsmap=wcsmap)
    with pytest.raises(error, match=message):
        ablot.blot(*flat_pair(tmp_path), tmp_path / "o.fits", wcsmap=wcsmap)
    assert not (tmp_path / "o.fits").exists()


def test_an_error_in_the_wcsmap_is_the_users_own():
    class Broken(Identity):
        def forward(self, x, y):
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match=r"^mine$"):
        ablot.do_blot(ramp(), tangent((60, 60)), tangent((40, 40)), 1.0, wcsmap=Broken)
