"""What one can do on the page of a report: sort, save, read values, set limits, go to objects."""

import csv
import io
import re

import chromium
import numpy as np
import pytest
from astropy.wcs import WCS
from page_looks import FLAGGED, click, colour, dark, drawn, opened, said, state, text
from report_data import GHOST, HIT, SHAPE, chip, square
from samples import tan_header

from skyblot.report import ChipReport, MosaicReport, write_report

pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")
pytest.importorskip("jinja2", reason="the page needs jinja2")
pytestmark = pytest.mark.skipif(chromium.missing() is not None, reason=str(chromium.missing()))

SIGMA = np.sqrt(8)
BLUE = (0, 170, 255)
GREEN = (40, 190, 90)


def one_chip(name="one_flc.fits[sci,1]", **more):
    """A chip with a WCS, an earlier mask, and numbers for the table."""
    made = chip(name, seed=int(more.pop("seed", 1)))
    earlier = np.zeros(SHAPE, bool)
    square(earlier, GHOST, True)
    square(earlier, (HIT[0], HIT[0] + 10, HIT[2], HIT[3]), True)
    measured = {
        "rejected": 0.01, "expected low": 0.001, "expected high": 0.02, "dx": 0.01, "dy": -0.02,
        "registration error": 0.001, "flux ratio": 1.001, "flux ratio error": 0.002,
        "noise": 0.9, "background": 1.5, **more,
    }  # fmt: skip
    return ChipReport(
        name, made.exposure, made.blot, made.residual_sigma, made.mask, unit="ELECTRONS",
        measured=measured, wcs=WCS(tan_header(SHAPE)), earlier=earlier, notes=more.pop("notes", ()),
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Six chips, of which one stands out, and a mosaic."""
    chips = [one_chip(f"c{k}.fits[sci,{k}]", seed=k, noise=0.9 + 0.001 * k) for k in (1, 2, 10, 4)]
    chips.append(one_chip('odd, "quoted".fits', noise=2.0, rejected=0.05, dx=0.4))
    chips.append(one_chip("c6.fits"))
    image = np.random.default_rng(4).normal(5, 1, (200, 220)).astype("f4")
    weight = np.full(image.shape, 300, "f4")
    weight[:50] = 0
    mosaic = MosaicReport("m_drz.fits[sci,1]", image, weight, unit="ELECTRONS/S")
    path = tmp_path_factory.mktemp("page") / "report.html"
    return write_report(path, [*chips, mosaic], title="Controls", parameters={})


def names(browser):
    return browser.run("return [...document.querySelectorAll('.chip')].map((e) => e.textContent)")


def saved(browser, selector):
    """Name and text of what a button saves."""
    browser.run(
        "window.kept = null; const make = URL.createObjectURL;"
        "URL.createObjectURL = (blob) => { window.kept = blob; return make(blob); };"
        "HTMLAnchorElement.prototype.click = function () { window.keptName = this.download; };"
    )
    click(browser, selector)
    content = browser.run_async("window.kept.text().then(arguments[0])")
    return browser.run("return window.keptName"), content


def set_slider(browser, selector, value):
    browser.run(
        "const slider = document.querySelector(arguments[0]); slider.value = arguments[1];"
        "slider.dispatchEvent(new Event('input', {bubbles: true}))", selector, value,
    )  # fmt: skip
    drawn(browser)


def centre(browser):
    box = "const b = document.querySelector('#canvas').getBoundingClientRect(); "
    return [round(v) for v in browser.run(box + "return [b.x + b.width / 2, b.y + b.height / 2]")]


def hover(browser, x, y):
    """Put the pointer on the middle of a pixel, counted from 0, of the view."""
    data = state(browser)
    at = centre(browser)
    width = browser.run("return document.querySelector('#canvas').clientWidth")
    height = browser.run("return document.querySelector('#canvas').clientHeight")
    box = browser.run(
        "const b = document.querySelector('#canvas').getBoundingClientRect(); return [b.x, b.y]"
    )
    at = (
        round(box[0] + width / 2 + (x + 0.5 - data["x"]) * data["zoom"]),
        round(box[1] + height / 2 - (y + 0.5 - data["y"]) * data["zoom"]),
    )
    browser.move(at)
    return text(browser, "#where")


# The table.


def test_the_table_sorts_by_any_heading(browser):
    before = names(browser)
    heading = "[...document.querySelectorAll('.sort')].find((e) => e.textContent === arguments[0])"
    browser.run(f"{heading}.click()", "chip")
    assert names(browser)[:4] == ["c1.fits[sci,1]", "c2.fits[sci,2]", "c4.fits[sci,4]", "c6.fits"]
    browser.run(f"{heading}.click()", "noise [σ]")
    rising = names(browser)
    assert rising[-2:] == [before[4], before[6]]  # of the mosaic no noise is known
    browser.run(f"{heading}.click()", "noise [σ]")
    assert names(browser) == [*reversed(rising[:-1]), before[6]]
    sorted_by = "return [...document.querySelectorAll('th[aria-sort]')].map((e) => e.ariaSort)"
    assert browser.run(sorted_by).count("descending") == 1
    click(browser, "tbody tr .chip")
    opened(browser, 4)


def test_what_stands_out_is_coloured_and_says_why(browser):
    odd = browser.run(
        "return [...document.querySelectorAll('td.odd')].map((e) => "
        "[e.closest('tr').dataset.chip, e.title])"
    )
    assert {chip for chip, _ in odd} == {"4"}
    reasons = [reason for _, reason in odd]
    assert any(reason.startswith("not as expected") for reason in reasons)
    assert any(reason.startswith("more than 0.1 pixel") for reason in reasons)
    assert any("times the usual scatter from the median" in reason for reason in reasons)
    colours = (
        "return [...document.querySelectorAll('td.number')].map((e) => "
        "getComputedStyle(e).backgroundColor)"
    )
    assert len(set(browser.run(colours))) == 2


def test_the_table_is_saved_as_csv(browser):
    name, content = saved(browser, "#csv")
    assert name == "chips.csv"
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [row["chip"] for row in rows] == names(browser)
    assert [row["noise"] for row in rows] == ["0.901", "0.902", "0.91", "0.904", "2", "0.9", ""]
    assert rows[0]["both"] == "200"
    assert rows[0]["only earlier"] == "400"
    assert rows[0]["only now"] == "200"
    assert rows[0]["objects"] == "1"


def test_a_picture_opens_its_chip_and_a_key_the_table(browser):
    click(browser, "tr[data-chip='2'] img")
    opened(browser, 2)
    assert browser.run("return document.querySelector('#overview').hidden")
    browser.press("l")
    assert not browser.run("return document.querySelector('#overview').hidden")
    assert browser.run("return document.querySelector('#viewer').hidden")
    assert browser.run("return document.activeElement.textContent") == "c10.fits[sci,10]"
    browser.press("Enter")
    opened(browser, 2)


def test_the_address_names_the_chip(browser, page):
    address = "return location.hash"
    browser.press("n")
    opened(browser, 0)
    browser.press("n")
    opened(browser, 1)
    assert browser.run(address) == "#chip-2"
    browser.run("history.back()")
    opened(browser, 0)
    browser.run("history.back()")
    browser.wait("return !document.querySelector('#overview').hidden")
    browser.run("location.hash = '#chip-5'")
    opened(browser, 4)
    browser.press("Escape")
    assert browser.run(address) == ""


# Values.


def number_after(word, words):
    return float(re.search(rf"{word} (−?[\d.]+)", words)[1].replace("−", "-"))


def test_values_of_a_pixel_are_those_of_the_arrays(viewer):
    x, y = (HIT[0] + HIT[1]) // 2, (HIT[2] + HIT[3]) // 2
    words = hover(viewer, x, y)
    one = one_chip()
    assert f"x {x + 1}, y {y + 1} " in words
    # the rounding of residuals, 2 percent there, and the compression of the blot; three digits
    assert number_after("residual", words) == pytest.approx(one.residual_sigma[y, x], rel=0.03)
    assert number_after("blot", words) == pytest.approx(one.blot[y, x], abs=2 * SIGMA)
    assert number_after("exposure", words) == pytest.approx(one.exposure[y, x], rel=0.05)
    assert number_after("σ", words.partition(" σ, ")[2]) == pytest.approx(SIGMA, rel=0.03)
    assert words.endswith("flagged") is False
    assert "only now" in words


def test_sky_positions_are_those_of_the_wcs(viewer):
    wcs = WCS(tan_header(SHAPE))
    for x, y in ((0, 0), (SHAPE[1] - 1, SHAPE[0] - 1), (70, 111)):
        words = hover(viewer, x, y)
        ra, dec = (
            float(v.replace("−", "-")) for v in re.search(r"\((.*?)\)", words)[1].split(", ")
        )
        back = wcs.world_to_pixel_values(ra, dec)
        # seven digits are 0.4 mas, of a pixel of 40
        np.testing.assert_allclose(back, (x, y), atol=0.02)
        hours = [float(part) for part in re.search(r"RA ([\d:.]+)", words)[1].split(":")]
        assert 15 * (hours[0] + hours[1] / 60 + hours[2] / 3600) == pytest.approx(ra, abs=1e-6)
    viewer.press("Right")
    centre_x = int(state(viewer)["x"]) + 1
    assert text(viewer, "#where").startswith(f"x {centre_x}, ")  # for those without a pointer


def test_a_mosaic_has_its_pixels_and_weights(viewer):
    for _ in range(6):
        viewer.press("n")
    opened(viewer, 6)
    assert text(viewer, '[data-key="1"]').split() == ["1", "Mosaic"]
    words = hover(viewer, 100, 150)
    assert number_after("weight", words) == pytest.approx(300, rel=0.01)
    assert "ELECTRONS/S" in words
    assert "no value" in hover(viewer, 100, 20)
    viewer.press("3")
    assert state(viewer)["view"] == "exposure"
    viewer.press("2")
    assert state(viewer)["view"] == "blot"
    assert max(colour(viewer, (90, 110, 140, 160))) > 240
    assert colour(viewer, (90, 110, 10, 30)) == (70, 70, 110)


# Limits, stretch, opacity.


def test_dragging_with_shift_changes_brightness_and_contrast(viewer):
    before = state(viewer)
    viewer.drag(centre(viewer), (120, 0), button=2)
    drawn(viewer)
    bright = state(viewer)
    assert bright["high"] < before["high"]
    assert bright["high"] - bright["low"] == pytest.approx(before["high"] - before["low"])
    viewer.press("c")
    assert state(viewer)["contrast"] == "true"
    viewer.drag(centre(viewer), (0, -60))
    drawn(viewer)
    steep = state(viewer)
    assert steep["high"] - steep["low"] < 0.9 * (bright["high"] - bright["low"])
    assert (steep["x"], steep["y"]) == (before["x"], before["y"])  # it did not pan
    viewer.press("r")
    assert state(viewer)["low"] == before["low"]
    assert state(viewer)["high"] == before["high"]
    viewer.press("3")
    viewer.drag(centre(viewer), (0, -60))
    drawn(viewer)
    assert state(viewer)["sigma"] < before["sigma"]


def test_sliders_set_black_and_white(viewer):
    before = state(viewer)
    set_slider(viewer, "#white", 800)
    assert before["low"] < state(viewer)["high"] < before["high"]
    set_slider(viewer, "#black", 700)
    after = state(viewer)
    assert before["low"] < after["low"] < after["high"]
    assert dark(colour(viewer, (10, 20, 10, 20)))
    ticks = viewer.run(
        "return [...document.querySelectorAll('#ticks span')].map((e) => +e.textContent)"
    )
    assert ticks[0] == pytest.approx(after["low"], rel=0.01)
    assert ticks[-1] == pytest.approx(after["high"], rel=0.01)
    viewer.press("3")
    assert viewer.run("return document.querySelector('#black').disabled")
    set_slider(viewer, "#white", 300)
    assert state(viewer)["sigma"] == pytest.approx(3000**0.3)


def test_the_stretch_can_be_chosen(viewer):
    set_slider(viewer, "#white", 1000)
    grey = {}
    for name in ("asinh", "linear", "log", "sqrt"):
        viewer.run(
            "const box = document.querySelector('#stretch'); box.value = arguments[0];"
            "box.dispatchEvent(new Event('change', {bubbles: true}))", name,
        )  # fmt: skip
        drawn(viewer)
        assert state(viewer)["stretch"] == name
        grey[name] = colour(viewer, (100, 110, 10, 20))[0]
    assert grey["linear"] < grey["sqrt"] < grey["asinh"] < grey["log"]
    viewer.press("s")
    assert state(viewer)["stretch"] == "asinh"
    assert said(viewer) == "Stretch asinh"


def test_the_opacity_of_the_mask(viewer):
    viewer.press("4")
    only_now = (HIT[0] + 12, HIT[1] - 2, HIT[2] + 2, HIT[3] - 2)
    assert colour(viewer, only_now) == FLAGGED
    set_slider(viewer, "#opacity", 50)
    half = colour(viewer, only_now)
    set_slider(viewer, "#opacity", 0)
    none = colour(viewer, only_now)
    assert len(set(none)) == 1
    np.testing.assert_allclose(half, (np.array(FLAGGED) + none) / 2, atol=1)


# An earlier mask.


def test_an_earlier_mask_is_told_by_colours_and_a_legend(viewer):
    viewer.press("4")
    assert colour(viewer, (HIT[0] + 12, HIT[1] - 2, HIT[2], HIT[3])) == FLAGGED
    assert colour(viewer, (HIT[0] + 2, HIT[0] + 8, HIT[2], HIT[3])) == GREEN
    assert colour(viewer, GHOST) == BLUE
    legend = viewer.run(
        "return [...document.querySelectorAll('#legend span')].map((e) => e.textContent)"
    )
    assert legend == [
        "flagged only now", "flagged in both masks", "flagged only earlier",
        "not compared, or no value",
    ]  # fmt: skip
    patches = viewer.run(
        "return [...document.querySelectorAll('#legend i')].map((e) => "
        "getComputedStyle(e).backgroundColor)"
    )
    assert [tuple(map(int, re.findall(r"\d+", p))) for p in patches[:3]] == [FLAGGED, GREEN, BLUE]


# Objects.


def test_flagged_objects_one_after_the_other(viewer):
    viewer.press(".")
    one = one_chip()
    peak = np.where(one.mask, one.residual_sigma, 0)
    y, x = np.unravel_index(np.argmax(peak), SHAPE)
    assert (state(viewer)["x"], state(viewer)["y"]) == (x + 0.5, y + 0.5)
    assert said(viewer).startswith("Flagged object 1 of 1, ")
    viewer.press(",")
    assert said(viewer).startswith("Flagged object 1 of 1, ")


def test_the_largest_residual_that_is_not_flagged(viewer):
    viewer.press("u")
    one = one_chip()
    size = np.where(one.mask, 0, np.abs(one.residual_sigma))
    y, x = np.unravel_index(np.argmax(size), SHAPE)
    assert (state(viewer)["x"], state(viewer)["y"]) == (x + 0.5, y + 0.5)
    viewer.press("u")
    assert said(viewer) == "Residual that is not flagged, number 2 by size"
    assert (state(viewer)["x"], state(viewer)["y"]) != (x + 0.5, y + 0.5)


def test_objects_are_saved_as_regions(viewer):
    name, content = saved(viewer, "#regions")
    assert name == "c1.fits_sci_1.reg"
    lines = content.splitlines()
    assert lines[0].startswith("# Region file format: DS9")
    assert "image" in lines
    (circle,) = [line for line in lines if line.startswith("circle")]
    x, y, radius = (float(v) for v in re.match(r"circle\((.*?)\)", circle)[1].split(","))
    inside = np.argwhere(one_chip().mask) + 1
    assert np.all(np.abs(inside - (y, x)).max(axis=1) <= radius)


def test_two_fingers_zoom(viewer):
    before = state(viewer)
    viewer.pinch(centre(viewer), 60, 120)
    drawn(viewer)
    after = state(viewer)
    assert after["zoom"] == pytest.approx(2 * before["zoom"], rel=0.15)
    assert after["x"] == pytest.approx(before["x"], abs=5)
