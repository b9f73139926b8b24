"""Plot completeness against false positives, a panel for each set."""

from pathlib import Path

import numpy as np
from counts import Curve
from PIL import Image

_COLOURS = {
    "skyblot": "#0072b2",
    "drizCR": "#d55e00",
    "stcal": "#009e73",
    "astroscrappy": "#999999",
    "limit": "#000000",
}


def plot(results: dict[str, dict[str, Curve]], path: Path) -> None:
    """Draw cosmic-ray pixels missed over false positives; a dot is a rule with its defaults."""
    from matplotlib.figure import Figure

    columns = min(6, len(results))
    rows = -(-len(results) // columns)
    figure = Figure(figsize=(2.2 * columns + 0.6, 2.2 * rows + 0.8), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for each in axes[len(results) :]:
        each.set_visible(False)
    for each, (name, curves) in zip(axes, results.items(), strict=False):
        each.set_title(name, fontsize=8)
        for rule, curve in curves.items():
            _draw(each, rule, curve)
        each.set(xscale="log", yscale="log", xlim=(1e-6, 3e-1), ylim=(3e-3, 1))
        each.tick_params(labelsize=7)
    figure.supxlabel("false positives: clean pixels (full), cores of stars (dashed)", fontsize=9)
    figure.supylabel("cosmic-ray pixels above 3 sigma that are missed", fontsize=9)
    axes[0].legend(fontsize=6, frameon=False)
    figure.savefig(path, dpi=110)
    with Image.open(path) as image:  # a quarter of the size, and no visible difference
        small = image.convert("RGB").quantize(
            64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
    small.save(path, optimize=True)


def _draw(axis: object, rule: str, curve: Curve) -> None:
    missed, colour = 1 - curve.values["found3"], _COLOURS[rule]
    for key, style in (("clean", "-"), ("cores", "--")):
        false = np.maximum(curve.values[key], 1e-6)
        axis.plot(false, missed, style, color=colour, lw=1, label=rule if style == "-" else None)
        axis.plot(max(curve.at(key), 1e-6), 1 - curve.at("found3"), "o", color=colour, ms=3)
