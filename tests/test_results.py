"""Results as they show themselves: at a prompt, in notebooks, and while they are being made."""

import io
import re
import sys
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from samples import rewrite, texture, write_sci

import skyblot
from skyblot.api.progress import ProgressBar, progress_bar
from skyblot.report.notebook import SIZE, html_of, picture_of_image


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return skyblot.make_demo(tmp_path_factory.mktemp("demo"), exposures=2, chip_shape=(300, 340))


@pytest.fixture(scope="module")
def blots(demo):
    return skyblot.blot_files(demo.median, demo.exposures, demo.folder)


@pytest.fixture(scope="module")
def rejected(demo):
    return skyblot.reject_files(demo.median, demo.exposures, demo.folder)


def picture_in(html):
    """The levels of the PNG in a fragment, the first row at the bottom."""
    image = pytest.importorskip("PIL.Image")
    address = re.search(r'src="data:image/png;base64,([^"]+)"', html)[1]
    return np.asarray(image.open(io.BytesIO(b64decode(address))))[::-1]


# Texts.


def test_a_result_is_one_line(blots):
    result = blots[0]
    assert re.fullmatch(
        r"BlotResult\(\S+_sci1_blt.fits: 300 x 340, 100.0 % covered, \d+\.\d\d s\)", repr(result)
    )
    assert str(result.path) in repr(result)
    assert repr(replace(result, kept=True)).endswith(", 100.0 % covered, kept)")


def test_a_rejection_from_files_is_one_line(rejected):
    result = rejected[0]
    shown = re.fullmatch(
        r"RejectResult\(\S+_sci1_crmask.fits: 300 x 340, (\S+) % rejected(.*), \S+ s\)",
        repr(result),
    )
    assert float(shown[1]) == pytest.approx(100 * result.fraction, abs=0.005)
    unknown = replace(result, misalignment=(np.nan, np.nan), misalignment_error=np.nan)
    known = replace(result, misalignment=(0.01, -0.25), misalignment_error=0.001)
    assert "moved" not in repr(unknown)
    assert ", moved (+0.010, -0.250) pixel, " in repr(known)


def test_a_rejection_shows_no_arrays():
    exposure = np.full((20, 30), 10.0)
    exposure[7, 8] += 60
    found = skyblot.reject(
        exposure, np.full((20, 30), 10.0), skyblot.Noise(gain=1.0, read_noise=3.0)
    )
    text = repr(found)
    assert text.startswith("Rejection(20 x 30, 600 pixels judged, 0.17 % rejected, background ")
    assert "\n" not in text


# Notebooks.


def test_a_blot_is_a_picture_and_a_table(blots):
    html = blots[0]._repr_html_()
    levels, blot = picture_in(html), fits.getdata(blots[0].path, "SCI")
    assert levels.shape == (150, 170)
    assert max(levels.shape) <= SIZE
    y, x = np.unravel_index(np.argmax(blot), blot.shape)
    assert levels[y // 2, x // 2] == 255
    assert (
        np.corrcoef(levels.ravel(), np.arcsinh(blot[::2, ::2] - np.median(blot)).ravel())[0, 1]
        > 0.5
    )
    for text in ("300 x 340", "100.00 %", blots[0].source, blots[0].reference):
        assert f">{text}<" in html


def test_a_mask_is_the_middle_of_its_exposure_with_its_pixels_in_orange(rejected):
    result = rejected[0]
    colours = picture_in(result._repr_html_())
    good = fits.getdata(result.path)[22:278, 42:298]
    assert colours.shape == (256, 256, 3)
    orange = (colours == (255, 140, 0)).all(axis=-1)
    np.testing.assert_array_equal(orange, good == 0)
    assert 0 < orange.sum() < orange.size / 2
    assert f"{result.rejected} of {result.judged} pixels judged" in result._repr_html_()


def test_notes_of_a_rejection_are_in_the_table(rejected):
    assert "notes" not in replace(rejected[0], notes=())._repr_html_()
    assert "moved &lt; a bit" in replace(rejected[0], notes=("moved < a bit",))._repr_html_()


def test_facts_remain_when_the_file_has_gone(blots, rejected, tmp_path):
    for result in (blots[0], rejected[0]):
        html = replace(result, path=tmp_path / "gone.fits")._repr_html_()
        assert "<img" not in html
        assert "gone.fits" in html


def test_facts_remain_when_the_exposure_has_gone_or_is_another(rejected, demo, tmp_path):
    other = write_sci(tmp_path / "other.fits", texture((10, 12)))
    for name in (tmp_path / "gone.fits[sci,1]", other):
        assert "<img" not in replace(rejected[0], reference=str(name))._repr_html_()


def test_facts_remain_without_pillow(blots, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "<img" not in blots[0]._repr_html_()
    assert "100.00 %" in blots[0]._repr_html_()


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.0])
def test_an_image_of_one_value_has_a_picture(value):
    pytest.importorskip("PIL")
    address, caption = picture_of_image(np.full((700, 90), value, "f4"), "flat.fits")
    assert picture_in(f'src="{address}"').shape == (234, 30)
    assert caption == "flat.fits, 3 x 3 pixels a point"


def test_pixels_that_are_missing_do_not_spoil_the_picture():
    pytest.importorskip("PIL")
    data = texture((64, 64))
    data[:32] = np.nan
    levels = picture_in(f'src="{picture_of_image(data, "x.fits")[0]}"')
    assert (levels[:32] == 0).all()
    assert levels[32:].std() > 20


def test_words_are_escaped():
    def picture():
        return "data:,", '"><script>'

    html = html_of({"a <b>": "c & d"}, picture)
    assert "<script>" not in html
    assert "a &lt;b&gt;" in html
    assert "c &amp; d" in html


# Progress.


@pytest.fixture
def terminal(monkeypatch):
    """Make standard error a terminal for a while; what was written to it is yielded."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    @contextmanager
    def opened():
        with monkeypatch.context() as patch:  # pytest takes it away between set-up and test
            patch.setattr(sys, "stderr", Terminal())
            yield sys.stderr

    return opened


def test_a_bar_counts_blots_on_a_terminal(demo, tmp_path, terminal):
    with terminal() as shown:
        skyblot.blot_files(demo.median, demo.exposures, tmp_path, progress=True)
    assert "blotting" in shown.getvalue()
    assert "4/4" in shown.getvalue()


def test_a_bar_counts_failures_and_ends_with_an_error(demo, tmp_path, terminal):
    broken = rewrite(
        demo.exposures[0],
        tmp_path / "broken_flc.fits",
        lambda hdus: hdus["SCI", 2].header.remove("CTYPE1"),
    )
    with terminal() as shown, pytest.raises(skyblot.BatchError):
        skyblot.blot_files(demo.median, [broken, demo.exposures[1]], tmp_path, progress=True)
    # what has no place on the mosaic is found before, and is not counted
    assert "3/3" in shown.getvalue()
    assert shown.getvalue().count("\x1b[?25h") == 1  # the cursor is back


@pytest.mark.parametrize("how", [{}, {"progress": False}])
def test_there_is_no_bar_by_default(demo, tmp_path, terminal, how):
    with terminal() as shown:
        skyblot.blot_files(demo.median, demo.exposures[:1], tmp_path, **how)
    assert shown.getvalue() == ""


def test_there_is_no_bar_in_a_file(demo, tmp_path, capsys):
    skyblot.blot_files(demo.median, demo.exposures[:1], tmp_path, progress=True)
    assert capsys.readouterr() == ("", "")


def test_a_bar_counts_comparisons(demo, tmp_path, terminal):
    with terminal() as shown:
        skyblot.reject_files(demo.median, demo.exposures, tmp_path, progress=True)
    assert "comparing" in shown.getvalue()
    assert "4/4" in shown.getvalue()


def test_nothing_is_counted_before_it_is_known_how_many(terminal):
    with terminal() as shown, progress_bar() as bar:
        bar.advance()
        bar.expect(2)
        bar.advance()
    assert "1/2" in shown.getvalue()
    assert "2/2" not in shown.getvalue()


def test_a_bar_that_is_not_there_takes_everything():
    bar = ProgressBar()
    bar.expect(3)
    bar.advance()
    assert bar.console is None
