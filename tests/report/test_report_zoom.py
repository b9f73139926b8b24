"""Zooming to a chip's own pixels: tiles come when they are needed, from the page or its folder."""

import chromium
import pytest
from page_looks import FLAGGED, click, colour, drawn, opened, state, text
from report_data import HIT, chip

from skyblot.report import write_report, writing

pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")
pytest.importorskip("jinja2", reason="the page needs jinja2")
pytestmark = pytest.mark.skipif(chromium.missing() is not None, reason=str(chromium.missing()))


@pytest.fixture
def window():
    with chromium.Browser(size=(1366, 768)) as browser:
        yield browser


def large_page(tmp_path, name="large.html"):
    return write_report(
        tmp_path / name, [chip(shape=(1300, 2500))], title="Large", parameters={}, stamps=0
    )


@pytest.mark.parametrize("apart", [False, True], ids=["one file", "a folder"])
def test_tiles_are_loaded_as_one_zooms(tmp_path, monkeypatch, apart):
    if apart:
        monkeypatch.setattr(writing, "IN_ONE_FILE", 1000)
    path = large_page(tmp_path)
    tiles = "return document.querySelector('#canvas').dataset.tiles"
    with chromium.Browser(size=(700, 768)) as window:  # a block of the overview fills no pixel
        window.load(path)
        opened(window, 0)
        drawn(window)
        assert window.run(tiles) == ""
        click(window, '[data-key="4"]')
        window.press("9")
        window.wait(f"{tiles} !== ''")
        assert state(window)["zoom"] == 1
        window.press("+", *["Left", "Down"] * 40)
        window.wait(f"{tiles}.split(' ').includes('1')")
        drawn(window)
        assert colour(window, HIT) == FLAGGED
        assert window.complaints() == []
        asked = window.requests()
        assert any("_tiles/" in address for address in asked) == apart
        assert all(address.startswith(("data:image/", "file:///tmp")) for address in asked)


def test_a_page_without_its_folder_says_so(window, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "IN_ONE_FILE", 1000)
    path = large_page(tmp_path)
    (tmp_path / "large_tiles").rename(tmp_path / "elsewhere")
    window.load(path)
    window.wait("return document.querySelector('#said').textContent.includes('is not beside')")
    large_page(tmp_path, "other.html")
    (tmp_path / "other_tiles").rename(tmp_path / "large_tiles")
    window.load(path)
    window.wait("return document.querySelector('#said').textContent.includes('of another page')")


def test_values_that_a_large_page_leaves_out_are_not_told(window, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "IN_ONE_FILE", 1000)
    monkeypatch.setattr(writing, "MOST", 1000)
    window.load(large_page(tmp_path))
    opened(window, 0)
    window.press("9", "Left")
    window.wait("return document.querySelector('#where').textContent.includes('σ 2.')")
    assert "residual below 4 σ" in text(window, "#where")
