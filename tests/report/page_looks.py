"""What the page of a report shows: its state, and the colours of its canvas."""

import re

from report_data import COMMON, GHOST, HIT

#: The colour that the page paints flagged pixels in.
FLAGGED = (255, 140, 0)
#: Red, green, blue of the canvas at a position of the chip, in panel `k` of two columns if there
#: are panels.
COLOUR_AT = """
const [x, y, k] = arguments, canvas = document.querySelector("#canvas");
const data = canvas.dataset, grid = data.grid === "true";
const width = canvas.width / (grid ? 2 : 1), height = canvas.height / (grid ? 2 : 1);
const left = grid ? (k % 2) * width : 0;
const top = grid ? Math.floor(k / 2) * height : 0, edge = grid ? 2 : 0;
const at = [left + (width - edge) / 2 + (x - data.x) * data.zoom,
    top + (height - edge) / 2 - (y - data.y) * data.zoom];
const pixel = canvas.getContext("2d").getImageData(...at.map(Math.round), 1, 1);
return [...pixel.data].slice(0, 3);
"""


def opened(browser, number):
    """Wait until a chip is open, and drawn with its own pixels where it is small."""
    browser.wait(
        "return document.querySelector('#canvas').dataset.chip === arguments[0]", str(number)
    )


def text(browser, selector):
    return browser.run("return document.querySelector(arguments[0]).textContent", selector)


def click(browser, selector):
    browser.run("document.querySelector(arguments[0]).click()", selector)


def said(browser):
    return text(browser, "#said")


def drawn(browser):
    """Wait for what is drawn with the next frame."""
    browser.run_async("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def state(browser):
    """What is shown: view, zoom, position and switches."""
    data = browser.run("return {...document.querySelector('#canvas').dataset}")
    return {
        key: float(value) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", value) else value
        for key, value in data.items()
    }


def colour(browser, place, panel=0):
    """The colour in the middle of a square of the chip."""
    x0, x1, y0, y1 = place
    return tuple(browser.run(COLOUR_AT, (x0 + x1) / 2, (y0 + y1) / 2, panel))


def bright(rgb):
    return min(rgb) > 200


def dark(rgb):
    return max(rgb) < 120


def red(rgb):
    return rgb[0] > rgb[2] + 60 and rgb != FLAGGED


def blue(rgb):
    return rgb[2] > rgb[0] + 40


def neutral(rgb):
    """Nearly white: a residual of a few sigma has a tint."""
    return min(rgb) > 150


# What the four views show in the squares common to both images, in the exposure only, and in the
# blot only.
LOOKS = {
    "exposure": (bright, bright, dark),
    "blot": (bright, dark, bright),
    "residual": (neutral, red, blue),
    "mask": (lambda rgb: rgb != FLAGGED, lambda rgb: rgb == FLAGGED, dark),
}


def looks(browser, view, panel=0):
    colours = [colour(browser, place, panel) for place in (COMMON, HIT, GHOST)]
    return all(check(rgb) for check, rgb in zip(LOOKS[view], colours, strict=True)), colours
