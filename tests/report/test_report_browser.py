"""The page of a report in a browser: keys, blinking, zoom, and that nothing leaves the page."""

import re

import chromium
import numpy as np
import pytest
from page_looks import FLAGGED, LOOKS, bright, colour, dark, looks, opened, red, state
from report_data import COMMON, HIT, SHAPE, chip

from skyblot.report import ChipReport, write_report

Image = pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")
pytest.importorskip("jinja2", reason="the page needs jinja2")
pytestmark = pytest.mark.skipif(chromium.missing() is not None, reason=str(chromium.missing()))

NAMES = ("one_flc.fits[sci,1]", "one_flc.fits[sci,2]", "three <&> four.fits")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Three chips: with a mask, without one, and of another shape with a note."""
    small = chip(NAMES[2], shape=(120, 260), seed=3)
    noted = ChipReport(
        small.name,
        small.exposure,
        small.blot,
        small.residual_sigma,
        small.mask,
        notes=["misaligned by 0.3 pixel"],
    )
    chips = [chip(NAMES[0]), chip(NAMES[1], masked=False, seed=2), noted]
    path = tmp_path_factory.mktemp("page") / "report.html"
    return write_report(path, chips, title="Three chips", parameters={"interp": "poly5"})


def test_it_loads_thumbnails_first(browser):
    assert browser.run("return document.title") == "Three chips"
    assert browser.run("return document.images.length") == len(NAMES)
    assert browser.run(
        "return [...document.images].every((each) => each.complete && each.naturalWidth > 0)"
    )
    assert browser.run("return document.querySelector('#viewer').hidden")
    names = browser.run(
        "return [...document.querySelectorAll('.chip')].map((each) => each.textContent)"
    )
    assert tuple(names) == NAMES
    warned = "return [...document.querySelectorAll('td.warnings p')].map((e) => e.textContent)"
    assert browser.run(warned) == ["misaligned by 0.3 pixel"]


def test_nothing_leaves_the_page(viewer, page):
    viewer.press("2", "3", "4", "g", "n")
    opened(viewer, 1)
    viewer.press("?", "Escape", "t", "i")
    asked = [address for address in viewer.requests() if not address.startswith("data:image/")]
    assert asked == [page.resolve().as_uri()]
    assert viewer.complaints() == []


def test_the_check_above_sees_requests_and_complaints(browser):
    browser.requests()
    browser.run(
        "const image = new Image(); image.src = 'http://127.0.0.1:9/x.png'; "
        "document.body.append(image)"
    )
    browser.wait("return true")
    complaints = browser.complaints()
    assert any("Content Security Policy" in each for each in complaints)  # the page itself refuses


@pytest.mark.parametrize(("key", "view"), list(zip("1234", LOOKS, strict=True)))
def test_keys_switch_views(viewer, key, view):
    viewer.press("2" if key == "1" else "1", key)
    assert state(viewer)["view"] == view
    fits, colours = looks(viewer, view)
    assert fits, colours
    pressed = viewer.run(
        "return [...document.querySelectorAll('[aria-pressed=true]')].map((each) => "
        "each.dataset.key)"
    )
    assert pressed == [key]


def test_buttons_do_what_keys_do(viewer):
    viewer.run("document.querySelector('[data-key=\"3\"]').click()")
    assert state(viewer)["view"] == "residual"
    viewer.run("document.querySelector('[data-key=\"+\"]').click()")
    assert state(viewer)["zoom"] == pytest.approx(1.25 * fitted(viewer))


def fitted(browser):
    """The zoom at which the first chip fills the canvas."""
    width, height = browser.run(
        "const {clientWidth, clientHeight} = document.querySelector('#canvas'); return "
        "[clientWidth, clientHeight]"
    )
    return min(width / SHAPE[1], height / SHAPE[0])


def test_blinking_goes_back_and_forth_until_a_view_is_chosen(viewer):
    viewer.press("1", "2", "b")
    shown = "return document.querySelector('#canvas').dataset.view === arguments[0]"
    for view in ("exposure", "blot", "exposure"):
        viewer.wait(shown, view)
    assert looks(viewer, "exposure")[0] or looks(viewer, "blot")[0]
    assert state(viewer)["blink"] == "true"
    viewer.press("3")
    assert state(viewer)["blink"] == "false"
    assert state(viewer)["view"] == "residual"
    assert viewer.run(
        "const data = document.querySelector('#canvas').dataset; const before = data.view;const "
        "until = performance.now() + 1200; return new Promise((done) => { const look = () =>"
        "data.view !== before ? done(false) : performance.now() > until ? done(true) : "
        "setTimeout(look, 50); look(); })"
    )


def test_zoom_and_pan_are_the_same_in_every_view(viewer):
    viewer.press("+", "+", "Right", "Up")
    before = state(viewer)
    assert before["zoom"] == pytest.approx(1.25**2 * fitted(viewer))
    assert before["x"] > SHAPE[1] / 2
    assert before["y"] > SHAPE[0] / 2
    for key, view in zip("1234", LOOKS, strict=True):
        viewer.press(key)
        after = state(viewer)
        assert {name: after[name] for name in ("x", "y", "zoom")} == {
            name: before[name] for name in ("x", "y", "zoom")
        }
        check, rgb = LOOKS[view][1], colour(viewer, HIT)
        assert check(rgb), (view, rgb)
    viewer.press("Left", "Down", "-", "-")
    assert state(viewer)["x"] == pytest.approx(SHAPE[1] / 2)
    assert state(viewer)["y"] == pytest.approx(SHAPE[0] / 2)
    viewer.press("+", "Left", "0")
    assert state(viewer)["zoom"] == pytest.approx(fitted(viewer))
    assert state(viewer)["x"] == SHAPE[1] / 2


def test_side_by_side_the_four_views_are_linked(viewer):
    viewer.press("g")
    for panel, view in enumerate(LOOKS):
        fits, colours = looks(viewer, view, panel)
        assert fits, (view, colours)
    viewer.press("+", "Left")
    for panel, view in enumerate(LOOKS):
        assert LOOKS[view][0](colour(viewer, COMMON, panel)), view
    viewer.press("2")
    assert state(viewer)["grid"] == "false"


def test_the_mouse_drags_and_the_wheel_zooms_about_the_pointer(viewer):
    left, top, width, height = viewer.run(
        "const canvas = document.querySelector('#canvas'), box = canvas.getBoundingClientRect();"
        "return [box.left, box.top, canvas.clientWidth, canvas.clientHeight]"
    )
    before = state(viewer)
    viewer.drag((round(left + width / 2), round(top + height / 2)), (-60, 30))
    moved = state(viewer)
    assert moved["x"] - before["x"] == pytest.approx(60 / before["zoom"], abs=1e-6)
    assert moved["y"] - before["y"] == pytest.approx(30 / before["zoom"], abs=1e-6)
    point = round(left + width / 4), round(top + height / 4)
    away = point[0] - left - width / 2, -(point[1] - top - height / 2)
    under = [moved[axis] + each / moved["zoom"] for axis, each in zip("xy", away, strict=True)]
    viewer.wheel(point, -100)
    zoomed = state(viewer)
    assert zoomed["zoom"] == pytest.approx(1.25 * moved["zoom"])
    still = [zoomed[axis] + each / zoomed["zoom"] for axis, each in zip("xy", away, strict=True)]
    assert still == pytest.approx(under, abs=1e-6)
    assert viewer.run("return document.querySelector('#where').textContent") != ""


def test_flagged_pixels_can_be_marked_in_every_view(viewer):
    assert colour(viewer, HIT) != FLAGGED
    viewer.press("m")
    assert colour(viewer, HIT) == FLAGGED
    viewer.press("3")
    assert colour(viewer, HIT) == FLAGGED
    viewer.press("m")
    assert red(colour(viewer, HIT))


def test_greys_can_be_inverted(viewer):
    viewer.press("i")
    assert dark(colour(viewer, HIT))
    viewer.press("i")
    assert bright(colour(viewer, HIT))


def test_next_and_previous_chip(viewer):
    viewer.press("4", "+", "n")
    opened(viewer, 1)
    assert viewer.run("return document.querySelector('#chip-name').textContent") == NAMES[1]
    # of the same shape: the same place
    assert state(viewer)["zoom"] == pytest.approx(1.25 * fitted(viewer))
    assert state(viewer)["view"] == "exposure"  # this one has no mask
    assert viewer.run("return document.querySelector('[data-key=\"4\"]').disabled")
    viewer.press("4")
    assert state(viewer)["view"] == "exposure"
    viewer.press("n")
    opened(viewer, 2)
    assert "misaligned by 0.3 pixel" in viewer.run(
        "return document.querySelector('#notes').textContent"
    )
    assert viewer.run("return document.querySelector('[data-key=n]').disabled")
    viewer.press("n", "p")
    opened(viewer, 1)
    assert viewer.run("return document.querySelector('#chip-name').textContent") == NAMES[1]


def test_only_the_open_chip_is_decoded(viewer):
    images = "return document.images.length"
    with_first = viewer.run(images)
    viewer.press("n")
    opened(viewer, 1)
    viewer.press("p")
    opened(viewer, 0)
    assert viewer.run(images) == with_first


def test_a_stamp_leads_to_its_place(viewer):
    x, y = viewer.run("const {x, y} = document.querySelector('.stamp').dataset; return [+x, +y]")
    viewer.run("document.querySelector('.stamp').click()")
    assert (state(viewer)["x"], state(viewer)["y"]) == (x + 0.5, y + 0.5)
    assert state(viewer)["zoom"] >= 6
    assert bright(colour(viewer, (x, x + 1, y, y + 1)))


def test_the_keyboard_reaches_everything(browser):
    focused = "return document.activeElement.className || document.activeElement.dataset.key || ''"
    reached = []
    for _ in range(9):
        browser.press("Tab")
        reached.append(browser.run(focused))
    # the table can be scrolled by keys; then its headings
    assert reached == ["t", "?", "", "sort", "sort", "sort", "sort", "chip", "chip"]
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    browser.press("Enter")
    opened(browser, 1)
    label = browser.run("return document.querySelector('#canvas').getAttribute('aria-label')")
    assert label.startswith(f"Exposure of {NAMES[1]}, zoom ")


def test_help_lists_the_keys_and_takes_them(viewer):
    viewer.press("?")
    assert viewer.run("return document.querySelector('#help').open")
    viewer.press("3")
    assert state(viewer)["view"] == "exposure"
    viewer.press("Escape")
    assert not viewer.run("return document.querySelector('#help').open")


@pytest.mark.parametrize("wanted", ["light", "dark"])
def test_light_and_dark_are_those_of_the_machine_and_can_be_changed(window, page, wanted):
    window.dark = wanted == "dark"
    try:
        window.load(page)
    finally:
        window.dark = False
    back = "return getComputedStyle(document.body).backgroundColor"
    first = [int(each) for each in re.findall(r"\d+", window.run(back))]
    window.press("t")
    second = [int(each) for each in re.findall(r"\d+", window.run(back))]
    (low, high) = (first, second) if wanted == "dark" else (second, first)
    assert max(low) < 60
    assert min(high) > 200


@pytest.mark.parametrize("size", [(360, 740), (1024, 768), (1366, 768), (1920, 1080)])
def test_the_page_fits_its_window(page, window, size):
    before, window.size = window.size, size
    try:
        window.load(page)
        window.press("n")
        opened(window, 0)
        wide = window.run("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide[0] <= wide[1]
        bottom = window.run(
            "return document.querySelector('#canvas').getBoundingClientRect().bottom"
        )
        assert size[0] < 1000 or bottom <= size[1]  # the view is on the first screen
        assert looks(window, "exposure")[0]
    finally:
        window.size = before


def test_the_window_shows_what_the_canvas_holds(viewer, tmp_path):
    viewer.press("3")
    viewer.screenshot(tmp_path / "shot.png")
    left, top = viewer.run(
        "const box = document.querySelector('#canvas').getBoundingClientRect(); return [box.left, "
        "box.top]"
    )
    data = state(viewer)
    width, height = viewer.run(
        "const {clientWidth, clientHeight} = document.querySelector('#canvas'); return "
        "[clientWidth, clientHeight]"
    )
    x, y = (HIT[0] + HIT[1]) / 2, (HIT[2] + HIT[3]) / 2
    column = left + width / 2 + (x - data["x"]) * data["zoom"]
    row = top + height / 2 - (y - data["y"]) * data["zoom"]
    with Image.open(tmp_path / "shot.png") as shot:
        pixels = np.asarray(shot.convert("RGB"))
    assert pixels.shape[:2] == (768, 1366)
    assert red(tuple(int(each) for each in pixels[round(row), round(column)]))


def test_a_hundred_chips_open_one_by_one(window, tmp_path):
    chips = (chip(f"chip{k:03d}", shape=(110, 250), seed=k) for k in range(100))
    path = write_report(
        tmp_path / "many.html", chips, title="Many", parameters={}, size=128, stamps=1
    )
    window.load(path)
    assert window.run("return document.images.length") == 100
    window.run(
        "const last = [...document.querySelectorAll('.chip')].at(-1); last.scrollIntoView(); "
        "last.click()"
    )
    opened(window, 99)
    seen = (
        "const box = document.querySelector(arguments[0]).getBoundingClientRect(); return "
        "[box.top, box.bottom]"
    )
    top, bottom = window.run(seen, "#canvas")
    assert -1 <= top < bottom <= window.size[1] + 1
    assert window.run("return document.querySelector('#chip-name').textContent") == "chip099"
    assert window.run("return document.images.length") < 110


def test_a_single_chip_is_open_from_the_start(window, tmp_path):
    window.load(write_report(tmp_path / "one.html", [chip()], title="One", parameters={}))
    opened(window, 0)
    assert looks(window, "exposure")[0]
