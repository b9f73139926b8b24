"""AstroDrizzle: the values that runBlot computes, with any number of threads."""

import threading

import numpy as np
import pytest
from astropy.io import fits
from drizzle_run import MEDIAN_PSCALE, blot_of, config
from task_data import F32, IDCSCALE, assert_same, linear_part, scale_of, tangent

from skyblot import ablot
from skyblot.ablot import astrodrizzle

# Values.


@pytest.mark.parametrize(("conversion", "exptime"), [(1.0, 400.0), (2.0, 400.0), (2.0, 33.0)])
def test_value(run, conversion, exptime):
    image = run.image(conversion=conversion, exptime=exptime)
    assert ablot.runBlot([image], run.output_wcs, config()) is None
    wanted = run.wanted(conversion=conversion, exptime=exptime)
    assert_same(blot_of(), wanted)
    assert 0.1 < (wanted == 3.5).mean() < 0.8  # uncovered pixels, which hold the sky
    assert (blot_of()[wanted == 3.5] == np.float32(3.5)).all()


@pytest.mark.parametrize(
    ("computed", "section", "sky"),
    [
        (np.float32(3.5), {}, 3.5),
        (0.0, {}, 0.0),
        (None, {}, 0.0),
        (3.5, {"blot_addsky": False}, 7.0),
        (None, {"blot_addsky": "no", "blot_skyval": "9"}, 9.0),
        (3.5, {"blot_addsky": False, "blot_skyval": None}, 0.0),
        (3.5, {"blot_addsky": False, "blot_skyval": ""}, 0.0),
    ],
)
def test_sky(run, computed, section, sky):
    ablot.runBlot([run.image(sky=computed)], run.output_wcs, config(**section))
    assert_same(blot_of(), run.wanted(sky=sky))
    assert fits.getval("x_sci1_blt.fits", "BLOTSKY") == sky


@pytest.mark.parametrize(
    ("section", "how"),
    [
        ({"blot_interp": "linear"}, {"interp": "linear"}),
        ({"blot_interp": "sinc", "blot_sinscl": 0.8}, {"interp": "sinc", "sinscl": 0.8}),
    ],
)
def test_interpolant(run, section, how):
    ablot.runBlot([run.image()], run.output_wcs, config(**section))
    assert_same(blot_of(), run.wanted(**how))
    assert np.abs(blot_of() - run.wanted()).max() > 1


def test_geometry_is_exact(run):
    """AstroDrizzle's own `stepsize` is not for the blot."""
    ablot.runBlot([run.image()], run.output_wcs, config())
    assert_same(blot_of(), run.wanted(stepsize=None))
    assert (
        np.abs(run.wanted(stepsize=None) - run.wanted(stepsize=10)).max()
        > 4 * F32 * run.wanted().max()
    )


def test_coeffs_false_leaves_the_chips_wcs_alone(run):
    image = run.image()
    (chip,) = image.returnAllChips(extname="SCI")
    before = [getattr(chip.wcs, name) for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")]
    ablot.runBlot([image], run.output_wcs, config(coeffs=False))
    assert_same(blot_of(), run.wanted(target=linear_part(chip.wcs)))
    after = [getattr(chip.wcs, name) for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")]
    assert all(new is old and new is not None for new, old in zip(after, before, strict=True))


@pytest.mark.parametrize("inmemory", [False, True])
def test_wcsmap(run, inmemory):
    class Shift:
        def __init__(self, blot_wcs, source_wcs):
            assert blot_wcs.sip is not None
            assert source_wcs.sip is None

        def forward(self, x, y):
            return x + 3, y + 2

    ablot.runBlot([run.image(inmemory=inmemory, sky=0.0)], run.output_wcs, config(), wcsmap=Shift)
    got = run.saved["x_sci1_blt.fits"][0].data if inmemory else blot_of()
    ny, nx = min(96, run.median.shape[0] - 2), min(160, run.median.shape[1] - 3)
    factor = 200 / (MEDIAN_PSCALE / IDCSCALE) ** 2
    wanted = np.zeros((96, 160))
    wanted[:ny, :nx] = factor * run.median[2 : ny + 2, 3 : nx + 3]
    assert_same(got, wanted)


def test_a_plain_wcs_without_scales(run):
    """`single_wcs` has pscale attached in AstroDrizzle; without, the linear terms give it."""
    del run.median_wcs.pscale
    ablot.runBlot([run.image(sky=0.0)], run.output_wcs, config())
    factor = (MEDIAN_PSCALE / scale_of(run.median_wcs)) ** 2
    assert_same(blot_of(), factor * run.wanted(sky=0.0))


@pytest.mark.parametrize("dtype", [">f4", "<f8"])
def test_median_of_any_precision(run, dtype):
    fits.PrimaryHDU(run.median.astype(dtype)).writeto("med.fits", overwrite=True)
    ablot.runBlot([run.image()], run.output_wcs, config())
    assert_same(blot_of(), run.wanted())
    assert fits.getdata("x_sci1_blt.fits").dtype == np.dtype(">f4")


def test_median_in_an_extension(run):
    """The first image with pixels, as theirs."""
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(run.median, name="SCI")]).writeto(
        "med.fits", overwrite=True
    )
    ablot.runBlot([run.image()], run.output_wcs, config())
    assert_same(blot_of(), run.wanted())


# Threads.


def test_chips_run_at_the_same_time_and_give_the_same_bits(run, monkeypatch):
    """Each chip waits until another one has begun: that is only passed if two are under way."""
    meeting = threading.Barrier(2, timeout=60)

    class Meet:
        def __init__(self, blot_wcs, source_wcs):
            meeting.wait()
            self.blot, self.source = blot_wcs, source_wcs

        def forward(self, x, y):
            return self.source.wcs_world2pix(*self.blot.all_pix2world(x, y, 1), 1)

    monkeypatch.setattr(astrodrizzle, "available_cores", lambda: 2)
    ablot.runBlot([run.image(2)], run.output_wcs, config(), wcsmap=Meet)
    assert not meeting.broken
    for version in (1, 2):
        assert_same(blot_of(version), run.wanted(version))


class Log:
    """As DrizzlePac's log of standard output: text of the thread that made it, and of no other."""

    def __init__(self):
        self.text, self._of_this_thread = [], threading.local()
        self._of_this_thread.count = 0

    def write(self, text):
        self._of_this_thread.count += 1
        self.text.append(text)

    def flush(self):
        pass


@pytest.mark.parametrize("chips", [1, 2])
def test_a_map_that_prints_is_called_where_it_can(run, monkeypatch, chips):
    class Talks:
        def __init__(self, blot_wcs, source_wcs):
            self.blot, self.source = blot_wcs, source_wcs

        def forward(self, x, y):
            print("forward")  # noqa: T201
            return self.source.wcs_world2pix(*self.blot.all_pix2world(x, y, 1), 1)

    log = Log()
    monkeypatch.setattr(astrodrizzle, "available_cores", lambda: 2)
    monkeypatch.setattr("sys.stdout", log)
    ablot.runBlot([run.image(chips)], run.output_wcs, config(), wcsmap=Talks)
    assert "forward" in log.text
    for version in range(1, chips + 1):
        assert_same(blot_of(version), run.wanted(version))


def test_bits_do_not_depend_on_the_number_of_threads(run, monkeypatch):
    results = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(astrodrizzle, "available_cores", lambda cores=cores: cores)
        ablot.runBlot([run.image(2, inmemory=True)], run.output_wcs, config())
        results.append([run.saved[f"x_sci{version}_blt.fits"][0].data for version in (1, 2)])
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
    assert not np.array_equal(*results[0])


def test_no_thread_is_left(run):
    """drizCR forks afterwards: nothing of ours may be running then."""
    before = threading.active_count()
    ablot.runBlot([run.image(2)], run.output_wcs, config())
    assert threading.active_count() == before


# In round numbers.


def test_flat_median(run):
    """In round numbers: 2 per second, 400 s, twice the scale, 2 electrons per unit, sky 3: 2 400 /
    4 / 2 + 3.
    """
    target, source = tangent((40, 40), scale=0.02), tangent((60, 60), scale=0.04)
    fits.PrimaryHDU(np.full((60, 60), 2, np.float32)).writeto("med.fits", overwrite=True)
    run.median_wcs = source
    image = run.image(sky=3.0)
    image.returnAllChips(extname="SCI")[0].__dict__["wcs"] = target
    ablot.runBlot([image], run.output_wcs, config())
    np.testing.assert_allclose(blot_of(), 103, rtol=4 * F32)
