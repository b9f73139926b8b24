"""The histogram of residuals as SVG: coordinates for the template."""

import math
from typing import Any

import numpy as np

from .distribution import LIMIT, Distribution
from .facts import percent, text_of, thousands

#: Size of the drawing, and of the plot in it.
WIDTH = 640.0
HEIGHT = 270.0
_LEFT = 62.0
_RIGHT = 14.0
_TOP = 12.0
_BOTTOM = 46.0
#: Bottom of the logarithmic axis: half a pixel, below what any bin can hold.
_LEAST = 0.5


def histogram_view(spread: Distribution) -> dict[str, Any]:
    """Return paths, ticks and words for a logarithmic histogram, with the normal curve."""
    top = max(
        10.0, 1.6 * float(spread.counts.max(initial=0)), 1.6 * float(spread.normal.max(initial=0))
    )
    decades = range(math.ceil(math.log10(top)))
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "frame": (_LEFT, _TOP, WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM),
        "bars": _bars(spread, top),
        "curve": _curve(spread, top),
        "x_ticks": [(_x(value), text_of(value)) for value in range(-10, 11, 5)],
        "y_ticks": [(_y(10.0**power, top), _power(power)) for power in decades],
        "words": _words(spread),
        "beyond": _beyond(spread),
    }


def _bars(spread: Distribution, top: float) -> str:
    """One closed outline of all bins."""
    ground = _y(_LEAST, top)
    points = [f"M{_x(-LIMIT):.1f} {ground:.1f}"]
    for left, right, count in zip(spread.edges, spread.edges[1:], spread.counts, strict=False):
        level = _y(float(count), top)
        points.append(f"L{_x(left):.1f} {level:.1f}L{_x(right):.1f} {level:.1f}")
    return f"{''.join(points)}L{_x(LIMIT):.1f} {ground:.1f}Z"


def _curve(spread: Distribution, top: float) -> str:
    centres = 0.5 * (spread.edges[1:] + spread.edges[:-1])
    shown = spread.normal > _LEAST
    pairs = zip(centres[shown], spread.normal[shown], strict=True)
    return " ".join(f"{_x(centre):.1f},{_y(float(count), top):.1f}" for centre, count in pairs)


def _x(value: float) -> float:
    return _LEFT + (value + LIMIT) / (2 * LIMIT) * (WIDTH - _LEFT - _RIGHT)


def _y(count: float, top: float) -> float:
    share = math.log(max(count, _LEAST) / _LEAST) / math.log(top / _LEAST)
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _power(power: int) -> str:
    return (
        ("1", "10", "100", "1000")[power]
        if power < 4
        else "10" + str(power).translate(_SUPERSCRIPTS)
    )


_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _words(spread: Distribution) -> str:
    """What the histogram shows, for those who do not see it."""
    if not spread.pixels:
        return "No pixel can be compared."
    words = (
        f"Median {_sigma(spread.centre)}, robust standard deviation {_sigma(spread.spread)}; "
        "normal noise has 0 and 1."
    )
    if spread.below or spread.above:
        words += (
            f" Not drawn: {thousands(spread.below)} pixels below, {thousands(spread.above)} above."
        )
    return words


def _beyond(spread: Distribution) -> list[tuple[str, str, str, str]]:
    """Rows of a table: limit, pixels beyond it, their share, and that of normal noise."""
    rows = []
    for limit, count in spread.beyond.items():
        normal = math.erfc(limit / math.sqrt(2))
        expected = (
            f"{100 * normal:.2f} %"
            if normal > 1e-4
            else "none"
            if normal * spread.pixels < 0.5
            else "< 0.01 %"
        )
        rows.append(
            (f"beyond {limit} σ", thousands(count), percent(count, spread.pixels), expected)
        )
    return rows


def _sigma(value: float) -> str:
    return f"{text_of(float(np.round(value, 3)))} σ"
