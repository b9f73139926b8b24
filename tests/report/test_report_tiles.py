"""A chip's own pixels on the page: tiles, what they keep of the values, and where they are."""

import pickle
import re

import numpy as np
import pytest
from page_parts import blot_levels, chip_data, folder_tiles, page_tiles, value
from report_data import HIT, chip

from skyblot.errors import DataError, FileError
from skyblot.report import ChipReport, open_report, write_report, writing
from skyblot.report.scratch import Scratch

pytest.importorskip("jinja2", reason="the page needs jinja2")
pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")

SHAPE = (1300, 2500)
SIGMA = np.float32(np.sqrt(8))
PLANES = ("blot", "lost", "residual", "sigma", "labels")


def written(folder, *chips, name="r.html", **options):
    return write_report(folder / name, chips, title="t", parameters={}, **options)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A chip of several tiles, with its page."""
    one = chip(shape=SHAPE)
    folder = tmp_path_factory.mktemp("large")
    return one, written(folder, one, stamps=0)


def assembled(data, tiles, name):
    image = np.zeros((data["ny"], data["nx"]), np.uint8)
    for number, (x0, y0, x1, y1) in enumerate(data["bounds"], 1):
        planes = tiles[0, number]
        whole = blot_levels(planes) if name == "blot" else planes[PLANES.index(name)]
        image[y0:y1, x0:x1] = whole
    return image


def test_tiles_cover_the_chip_once_and_none_is_large(large):
    (data,) = chip_data(large[1])
    count = np.zeros(SHAPE, int)
    for x0, y0, x1, y1 in data["bounds"]:
        count[y0:y1, x0:x1] += 1
        assert max(x1 - x0, y1 - y0) <= 1100
    assert np.all(count == 1)
    assert len(data["bounds"]) == 2 * 3


def test_residuals_and_masks_are_kept_to_the_rounding(large):
    one, path = large
    (data,) = chip_data(path)
    tiles = page_tiles(path)
    scale = data["tile"]["residual"]
    levels = assembled(data, tiles, "residual").astype(int)
    near = value(scale, np.clip(np.stack([levels - 0.5, levels + 0.5]), 0, 254))
    # float32 of a level of 255 adds 1e-5 of one
    assert np.all(near[0] - 1e-3 <= one.residual_sigma)
    assert np.all(one.residual_sigma <= near[1] + 1e-3)
    step = value(scale, 128) - value(scale, 127)
    assert step == pytest.approx(0.6, rel=0.02)  # asinh is not quite straight
    assert value(scale, 127) == 0
    assert np.array_equal(assembled(data, tiles, "labels") == 63, one.mask)


def test_the_exposure_is_that_of_blot_residual_and_sigma(large):
    one, path = large
    (data,) = chip_data(path)
    tiles = page_tiles(path)
    scales = data["tile"]
    blot, residual, sigma = (
        value(scales[name], assembled(data, tiles, name)) for name in ("blot", "residual", "sigma")
    )
    # half a level of sigma is 1.6 percent, and half a step where residuals are small 7.5
    assert np.all(np.abs(sigma / SIGMA - 1) < 0.095)
    assert np.all(np.abs(sigma / SIGMA - 1)[np.abs(one.residual_sigma) > 3] < 0.017)
    exposure = blot + residual * sigma
    x0, x1, y0, y1 = HIT
    inside = np.abs(exposure - one.exposure)[y0 + 8 : y1 - 8, x0 + 8 : x1 - 8]
    # 300 above the blot: half a level of residual and one of sigma, 2 percent each; and the blot's
    # compression, about a third of sigma
    assert np.all(inside < 0.04 * 300 + 2 * SIGMA)
    # on the sky: half a step of 0.6 sigma, and the compression of the blot, whose noise is 2
    off = (exposure - one.exposure) / SIGMA
    assert np.sqrt(np.mean(off**2)) < np.hypot(0.3, 2 / SIGMA)


def test_sources_are_as_exact_as_levels_are(tmp_path):
    """A star whose noise is that of its photons: 2 percent, and what the sky has of noise."""
    y, x = np.mgrid[:300, :300]
    random = np.random.default_rng(8)
    blot = 50 + 20000 * np.exp(-((x - 150) ** 2 + (y - 140) ** 2) / 8)
    sigma = np.sqrt(blot + 9)
    exposure = random.poisson(blot) + random.normal(0, 3, blot.shape)
    exposure[20:24, 30:60] += 3000
    path = written(tmp_path, ChipReport("star", exposure, blot, (exposure - blot) / sigma))
    (data,) = chip_data(path)
    tiles = page_tiles(path)
    shown, residual, found = (
        value(data["tile"][name], assembled(data, tiles, name))
        for name in ("blot", "residual", "sigma")
    )
    sky = np.sqrt(59)
    assert np.all(np.abs(shown - blot) < 0.03 * blot + sky)
    off = np.abs(shown + residual * found - exposure)
    # a level of the blot and of sigma; what the smoothing of sigma and half a step are off
    assert np.all(off < 0.03 * blot + 0.05 * np.abs(exposure - blot) + sky + sigma)


def test_pixels_without_a_comparison_have_their_exposure(tmp_path):
    one = chip()
    residual = one.residual_sigma.copy()
    residual[:, ::2] = np.nan
    path = written(tmp_path, ChipReport("n", one.exposure, one.blot, residual))
    (data,) = chip_data(path)
    scales = data["tile"]
    tiles = page_tiles(path)
    blot, found, sigma = (
        value(scales[name], assembled(data, tiles, name)) for name in ("blot", "residual", "sigma")
    )
    off = (blot + found * sigma - one.exposure)[:, ::2] / SIGMA
    assert np.percentile(np.abs(off), 99) < 2


# Where tiles are.


def test_a_large_page_has_its_tiles_in_a_folder(tmp_path, monkeypatch):
    inside = page_tiles(written(tmp_path, chip(), chip("two", seed=2), name="one.html"))
    monkeypatch.setattr(writing, "IN_ONE_FILE", 1000)
    path = written(tmp_path, chip(), chip("two", seed=2))
    assert page_tiles(path) == {}
    tiles, pages = folder_tiles(tmp_path / "r_tiles")
    text = path.read_text(encoding="utf-8")
    assert pages == set(re.findall(r'data-token="(\w+)"', text))
    assert 'data-folder="r_tiles"' in text
    assert tiles.keys() == inside.keys()
    for key, wanted in inside.items():
        assert (tiles[key] is None) == (wanted is None)
        for one, other in zip(tiles[key] or (), wanted or (), strict=True):
            if other is None:
                assert one is None
                continue
            np.testing.assert_array_equal(one, other)
    size = path.stat().st_size + sum(f.stat().st_size for f in (tmp_path / "r_tiles").iterdir())
    assert f"2 chips, {size / 1e6:.1f} MB" in text


def test_what_was_written_is_said(tmp_path, monkeypatch):
    with open_report(tmp_path / "r.html", title="t", parameters={}) as report:
        report.add(chip())
    assert re.fullmatch(r"1 chip, 0\.\d MB", report.words)
    monkeypatch.setattr(writing, "IN_ONE_FILE", 1000)
    with open_report(tmp_path / "s.html", title="t", parameters={}) as report:
        report.add(chip())
    assert report.words.endswith(" MB, with tiles in s_tiles, which belongs beside it")


def test_tiles_of_an_earlier_page_go(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "IN_ONE_FILE", 1000)
    written(tmp_path, chip(), chip("two"))
    assert len(list((tmp_path / "r_tiles").iterdir())) == 4
    written(tmp_path, chip(), overwrite=True)
    assert sorted(f.name for f in (tmp_path / "r_tiles").iterdir()) == ["0-0.js", "0-1.js"]
    monkeypatch.undo()
    written(tmp_path, chip(), overwrite=True)
    assert [f.name for f in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_no_folder_of_tiles_stays(tmp_path, kind):
    beside = tmp_path / "r_tiles"
    if kind == "folder":
        beside.mkdir()
        (beside / "0-0.js").touch()
        (beside / "thesis.tex").write_text("x")
    elif kind == "file":
        beside.write_text("x")
    else:
        (tmp_path / "other").mkdir()
        beside.symlink_to(tmp_path / "other")
    wanted = "has thesis.tex, which is no tile of a page" if kind == "folder" else "is no folder, "
    with pytest.raises(FileError, match=rf"r_tiles: {wanted}"):
        written(tmp_path, chip())
    assert not (tmp_path / "r.html").exists()
    assert beside.exists()


def test_a_failure_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "IN_ONE_FILE", 1000)
    path = written(tmp_path, chip())
    before = {f.name: f.read_bytes() for f in (tmp_path / "r_tiles").iterdir()}
    old = path.read_bytes()

    def chips():
        yield chip(seed=5)
        raise DataError("the second chip is bad")

    with pytest.raises(DataError, match="the second chip is bad"):
        write_report(path, chips(), title="t", parameters={}, overwrite=True)
    monkeypatch.setattr(writing, "script_of", full_disk)
    with pytest.raises(FileError, match=r"r_tiles: cannot be written: No space left on device"):
        written(tmp_path, chip(seed=5), overwrite=True)
    assert {f.name: f.read_bytes() for f in (tmp_path / "r_tiles").iterdir()} == before
    assert path.read_bytes() == old
    assert sorted(f.name for f in tmp_path.iterdir()) == ["r.html", "r_tiles"]


def full_disk(*_, **__):
    raise OSError(28, "No space left on device")


def test_very_large_pages_leave_out_small_residuals(tmp_path, monkeypatch):
    whole = page_tiles(written(tmp_path, chip(shape=SHAPE), name="one.html"))
    monkeypatch.setattr(writing, "IN_ONE_FILE", 1000)
    monkeypatch.setattr(writing, "MOST", 1000)
    path = written(tmp_path, chip(shape=SHAPE))
    assert "residuals below 4 σ are shown as 0" in path.read_text(encoding="utf-8")
    tiles, _ = folder_tiles(tmp_path / "r_tiles")
    (data,) = chip_data(path)
    for key in whole.keys() - {(0, 0)}:
        residual = value(data["tile"]["residual"], whole[key][2])
        thin = value(data["tile"]["residual"], tiles[key][2])
        assert np.all(thin[np.abs(residual) < 3.7] == 0)
        np.testing.assert_array_equal(tiles[key][4], whole[key][4])
        kept = np.abs(residual) > 4.3
        np.testing.assert_array_equal(thin[kept], residual[kept])
        sigma = value(data["tile"]["sigma"], tiles[key][3])
        assert np.all(np.abs(sigma / SIGMA - 1) < 0.13)  # of every second level


# Waiting on the disk.


def test_what_waits_on_the_disk_is_read_back_and_travels_as_bytes(tmp_path):
    scratch = Scratch(tmp_path / "r.html")
    pieces = [scratch.put(content) for content in (b"one", b"", b"three")]
    assert [piece.read() for piece in pieces] == [b"one", b"", b"three"]
    assert pickle.loads(pickle.dumps(pieces)) == [b"one", b"", b"three"]
    assert pickle.loads(pickle.dumps(scratch)).put(b"x").read() == b"x"
    assert list(tmp_path.iterdir()) == []
