"""Adaptive maps against the exact map at every pixel: smooth, kinked, torn and missing."""

import logging

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyblot.pixelmap.adaptive import MOST_STORED, adaptive_map
from skyblot.pixelmap.patches import DEGREE, NODES, PatchMap, fit

TOLERANCES = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7]


class Exact:
    """A map from a function of positions, which counts how many it was asked for."""

    def __init__(self, function):
        self.function, self.samples = function, 0

    def at(self, x, y):
        self.samples += x.size
        return self.function(x, y)

    def rows(self, row0, xout, yout):
        y, x = np.mgrid[row0 : row0 + len(xout), : xout.shape[1]].astype(float)
        xout[:], yout[:] = (each.reshape(xout.shape) for each in self.at(x.ravel(), y.ravel()))


def whole(plan, shape, rows=None):
    """The map (2, ny, nx), some rows at a time."""
    out = np.full((2, *shape), 12345.0)
    for row0 in range(0, shape[0], rows or shape[0]):
        part = out[:, row0 : row0 + (rows or shape[0])]
        plan.rows(row0, part[0], part[1])
    return out


def compared(function, shape, tolerance, truth=None):
    """Check a map at every pixel, against `truth` where the exact one is known already; return how
    often the exact map was evaluated.
    """
    exact = Exact(function)
    plan = adaptive_map(exact, shape, tolerance)
    samples = exact.samples
    ours = whole(plan, shape)
    truth = whole(exact, shape) if truth is None else truth
    assert np.array_equal(np.isnan(ours), np.isnan(truth))
    assert np.nanmax(np.abs(ours - truth), initial=0.0) <= tolerance
    return samples


def polynomial(shape, coefficients):
    """A map from polynomials in coordinates that run from -1 to 1; `coefficients` (2, n, n) in
    source pixels.
    """
    size = max(shape)

    def function(x, y):
        u, v = 2 * x / size - 1, 2 * y / size - 1
        dx, dy = (np.polynomial.polynomial.polyval2d(u, v, each) for each in coefficients)
        return 1.02 * x - 0.3 * y + dx, 0.25 * x + 0.97 * y + dy

    return function


def broken(function, pieces):
    """A map with pieces: each ``(kind, angle, centre, size, amount)``."""

    def result(x, y):
        mapx, mapy = function(x, y)
        for kind, angle, (x0, y0), size, amount in pieces:
            along = (x - x0) * np.cos(angle) + (y - y0) * np.sin(angle)
            within = {"half": along > 0, "disc": np.hypot(x - x0, y - y0) < size}
            if kind == "kink":
                mapx = mapx + amount * np.maximum(along, 0) / 30
            elif kind == "half" or kind == "disc":
                mapy = mapy + amount * within[kind]
            else:
                mapx = np.where(within[kind.removeprefix("no ")], np.nan, mapx)
        missing = np.isnan(mapx)
        return mapx, np.where(missing, np.nan, mapy)

    return result


POLYNOMIALS = st.lists(st.floats(-1, 1), min_size=2 * 36, max_size=2 * 36).map(
    lambda c: np.reshape(c, (2, 6, 6))
)
SHAPES = st.tuples(st.integers(1, 400), st.integers(1, 400))
PIECES = st.lists(
    st.tuples(
        st.sampled_from(["kink", "half", "disc", "no half", "no disc"]),
        st.one_of(st.floats(0, 7), st.sampled_from([0.0, np.pi / 2, np.pi])),
        st.tuples(st.floats(0, 400), st.floats(0, 400)),
        st.floats(20, 200),
        st.floats(-5, 2).map(lambda power: 10.0**power),
    ),
    max_size=3,
)
CHECKED = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@CHECKED
@given(shape=SHAPES, terms=POLYNOMIALS, size=st.floats(0, 2), tolerance=st.sampled_from(TOLERANCES))
def test_any_polynomial(shape, terms, size, tolerance):
    compared(polynomial(shape, terms * 10.0**size), shape, tolerance)


@CHECKED
@given(shape=SHAPES, terms=POLYNOMIALS, pieces=PIECES, tolerance=st.sampled_from(TOLERANCES))
def test_any_pieces(shape, terms, pieces, tolerance):
    compared(broken(polynomial(shape, 10 * terms), pieces), shape, tolerance)


# About what NIRCam's distortion is over its detector, in pixels: second order some pixels, fifth
# some thousandths.
DISTORTION = (
    np.random.default_rng(3).normal(size=(2, 6, 6)) * 5.0 * 0.15 ** np.add(*np.indices((6, 6)))
)


@pytest.fixture(scope="module")
def smooth():
    """A map of a detector, and its values at every pixel."""
    function = polynomial((2048, 2048), DISTORTION)
    return function, whole(Exact(function), (2048, 2048))


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_a_smooth_map_takes_one_evaluation_in_500_pixels(smooth, tolerance):
    function, truth = smooth
    samples = compared(function, truth.shape[1:], tolerance, truth)
    assert samples <= 2048 * 2048 / 500


def test_what_is_steep_is_cut():
    def bump(x, y):
        return x + 3 * np.exp(-((x - 300) ** 2 + (y - 500) ** 2) / 800), y

    assert compared(bump, (900, 1000), 1e-6) < 900 * 1000 / 10


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-7])
@pytest.mark.parametrize("kind", ["lines", "waves"])
def test_a_table_of_bilinear_cells(tolerance, kind):
    nodes = np.random.default_rng(5).normal(scale=0.05, size=(9, 12))
    if kind == "waves":
        nodes = np.cumsum(nodes, axis=1)

    def table(x, y):
        column, row = np.minimum(x / 64.3, 10.999), np.minimum(y / 63.8, 7.999)
        i, j = column.astype(int), row.astype(int)
        s, t = column - i, row - j
        low, high = (nodes[j + k, i] * (1 - s) + nodes[j + k, i + 1] * s for k in (0, 1))
        return x + low * (1 - t) + high * t, 1.01 * y

    compared(table, (512, 700), tolerance)


@pytest.mark.parametrize("angle", [0.0, 0.02, 0.7, np.pi / 2])
@pytest.mark.parametrize(("period", "open_"), [(97.0, 32.0), (40.0, 6.0), (300.0, 2.0)])
def test_slits_keep_their_exact_borders(angle, period, open_):
    smooth = polynomial((700, 640), DISTORTION)

    def slits(x, y):
        mapx, mapy = smooth(x, y)
        across = (y * np.cos(angle) - x * np.sin(angle)) % period
        closed = across > open_
        return np.where(closed, np.nan, mapx), np.where(closed, np.nan, mapy)

    compared(slits, (700, 640), 1e-4)


@pytest.mark.parametrize("dead", [0, 17, 400, 639])
@pytest.mark.parametrize("along", ["row", "column"])
def test_a_single_dead_row_or_column_is_seen(dead, along):
    smooth = polynomial((640, 700), DISTORTION)

    def function(x, y):
        mapx, mapy = smooth(x, y)
        lost = (y if along == "row" else x) == dead
        return np.where(lost, np.nan, mapx), np.where(lost, np.nan, mapy)

    compared(function, (640, 700), 1e-4)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_positions_are_none(value):
    def function(x, y):
        return np.where(x > 300, value, x), y.copy()

    plan = adaptive_map(Exact(function), (300, 500), 1e-4)
    ours = whole(plan, (300, 500))
    assert np.isnan(ours[:, :, 301:]).all()
    assert np.isfinite(ours[:, :, :301]).all()


def test_nothing_at_all_costs_little():
    exact = Exact(lambda x, y: (np.full(x.shape, np.nan), np.full(x.shape, np.nan)))
    plan = adaptive_map(exact, (1000, 1500), 1e-4)
    assert exact.samples < 1000 * 1500 / 10
    assert np.isnan(whole(plan, (1000, 1500))).all()


def test_what_cannot_be_sampled_is_exact():
    def noise(x, y):
        return x + np.sin(7.1 * x + 3.3 * y), y

    exact = Exact(noise)
    assert np.array_equal(
        whole(adaptive_map(exact, (200, 300), 1e-4), (200, 300)), whole(exact, (200, 300))
    )
    # Too much to be stored: the exact map itself, before all of it has been evaluated.
    exact = Exact(noise)
    assert adaptive_map(exact, (2400, 2400), 1e-4) is exact
    assert exact.samples < 2400 * 2400
    assert MOST_STORED < 2400 * 2400


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (32, 32), (3, 5)])
def test_a_small_target_is_evaluated_exactly(shape):
    exact = Exact(polynomial(shape, DISTORTION))
    assert adaptive_map(exact, shape, 1e-4) is exact


@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (33, 32), (2, 2049), (129, 1025)])
def test_awkward_shapes(shape):
    compared(polynomial(shape, DISTORTION), shape, 1e-6)


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_the_height_of_the_bands_changes_nothing(rows):
    smooth = polynomial((500, 333), DISTORTION)
    plan = adaptive_map(
        Exact(broken(smooth, [("no disc", 0.0, (100, 200), 60, 0.0)])), (500, 333), 1e-4
    )
    assert isinstance(plan, PatchMap)
    assert np.array_equal(whole(plan, (500, 333)), whole(plan, (500, 333), rows), equal_nan=True)


def test_the_report(caplog):
    with caplog.at_level(logging.DEBUG, logger="skyblot"):
        adaptive_map(Exact(polynomial((600, 600), DISTORTION)), (600, 600), 1e-4)
    assert (
        "samples for 360000 pixels, 0 of them exact; 1 polynomials; largest checked error"
        in caplog.text
    )


def test_a_fit_reproduces_any_polynomial_of_its_degree():
    rng = np.random.default_rng(1)
    terms = rng.normal(size=(3, 2, DEGREE + 1, DEGREE + 1))
    values = np.stack(
        [
            [np.polynomial.polynomial.polygrid2d(NODES, NODES, each) for each in block]
            for block in terms
        ]
    )
    degrees, found, _ = fit(values, 0.0)
    assert (degrees == DEGREE).all()
    # The Vandermonde matrix of the nodes amplifies rounding by its condition, along both axes.
    condition = np.linalg.cond(np.polynomial.polynomial.polyvander(NODES, DEGREE))
    assert np.abs(found - terms).max() < 2.0**-52 * condition**2


def test_terms_that_do_not_matter_are_dropped():
    terms = np.zeros((1, 2, DEGREE + 1, DEGREE + 1))
    terms[0, :, 1, 1], terms[0, 0, 3, 0], terms[0, 1, 0, 5] = 1.0, 1e-3, 1e-6
    values = np.stack(
        [
            [np.polynomial.polynomial.polygrid2d(NODES, NODES, each) for each in block]
            for block in terms
        ]
    )
    assert [int(fit(values, limit)[0][0]) for limit in (1e-8, 1e-5, 1e-2, 10.0)] == [5, 3, 1, 0]
