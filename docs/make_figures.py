"""Make the figures and measured tables of the documentation, as each build of it does.

They go to ``docs/_made``, which is not kept in the repository, and come from the synthetic data set
of ``skyblot demo``, which is the same on every machine. Of the picture that README shows there is a
copy in ``docs/_static/figures``: ``python docs/make_figures.py`` replaces it, and a build complains
where it is not what the demo data give.
"""

import csv
import shutil
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from demo_pictures import FIGURES, PICTURE, pictures, save
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

import skyblot
from skyblot.demo import DemoPlan, chip_frame, chip_wcs, demo_scene, exposure_facts, mosaic_hdulist
from skyblot.demo.detector import IDC_SCALE, MOSAIC_SCALE
from skyblot.kernels.interpolants import interpolant
from skyblot.parameters.table import INTERPOLANTS
from skyblot.pixelmap import adaptive, refining

HERE = Path(__file__).parent
TABLES = HERE / "_made" / "tables"
COLOURS = dict(
    zip(
        INTERPOLANTS,
        ("#999999", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#e69f00", "#0072b2", "#222222"),
        strict=True,
    )
)
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


# ---- interpolants --------------------------------------------------------------------------------


def kernel(name: str, t: np.ndarray) -> np.ndarray:
    """Return the weight that a source pixel at distance `t` has in the interpolated value."""
    if name == "spline3":
        pulse = np.zeros(41)
        pulse[20] = 1.0
        from scipy.ndimage import map_coordinates

        return map_coordinates(pulse, [20 + t], order=3, mode="mirror")
    how = interpolant(name)
    values = np.zeros_like(t)
    base = np.floor(how.shift - t)
    offset = -t - base - how.centre
    for tap in range(how.taps):
        here = base + how.first + tap == 0
        values[here] = np.polynomial.polynomial.polyval(offset[here], how.table[:, tap])
    return values


def kernels() -> None:
    """The weights of a pixel as a function of its distance."""
    figure, panels = plt.subplots(
        2, 4, figsize=(9.6, 4.4), dpi=110, sharex=True, sharey=True, layout="constrained"
    )
    t = np.linspace(-8, 8, 3201)
    for axes, name in zip(panels.flat, INTERPOLANTS, strict=True):
        axes.plot(t, kernel(name, t), color=COLOURS[name], lw=1.7)
        axes.set_title(name, fontsize=11)
        axes.set_xticks(range(-6, 7, 3))
    panels[1, 0].set_ylim(-0.3, 1.1)
    figure.supxlabel("distance from the source pixel [pixel]", fontsize=10)
    figure.supylabel("weight", fontsize=10)
    save(figure, "kernels")


def responses(name: str, frequency: np.ndarray) -> np.ndarray:
    """Return what becomes of unit waves, complex, shape (offsets, frequencies); `frequency` in
    cycles per pixel.
    """
    how = interpolant(name)
    s = (np.arange(64) + 0.5) / 64 - (how.shift or 0.0)
    weights = np.polynomial.polynomial.polyval(s - how.centre, how.table)
    distance = (how.first + np.arange(how.taps))[:, None] - s
    waves = np.exp(2j * np.pi * frequency[:, None, None] * distance)
    result = (weights * waves).sum(axis=1).T
    if name == "spline3":
        result *= 3.0 / (2.0 + np.cos(2 * np.pi * frequency))
    return result


def frequency_response() -> None:
    """How much of a wave survives, and how far off it is, averaged over all positions between
    pixels.
    """
    fraction = np.linspace(0.02, 1.0, 197)
    with plt.rc_context({"lines.linewidth": 1.7}):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(9.6, 4.0), dpi=110, layout="constrained"
        )
        for name in INTERPOLANTS:
            given = responses(name, fraction / 2)
            left.plot(fraction, given.mean(axis=0).real, color=COLOURS[name], label=name)
            right.plot(
                fraction, np.sqrt((np.abs(given - 1) ** 2).mean(axis=0)), color=COLOURS[name]
            )
    left.set(ylim=(0, 1.1), ylabel="mean response", xlim=(0, 1))
    right.set(yscale="log", ylim=(1e-5, 2), ylabel="rms error / amplitude of the wave", xlim=(0, 1))
    for axes in (left, right):
        axes.set_xlabel("frequency [fraction of Nyquist]")
    left.legend(loc="lower left", fontsize=9, ncols=2)
    save(figure, "frequency")


def wave_table() -> None:
    """The right-hand panel in numbers."""
    fractions = (0.25, 0.5, 0.75)
    rows = []
    for name in INTERPOLANTS:
        error = np.sqrt((np.abs(responses(name, np.array(fractions) / 2) - 1) ** 2).mean(axis=0))
        rows.append([name, interpolant(name).taps, *(f"{value:.1e}" for value in error)])
    write_table(
        "waves", ["interp", "taps per axis", *(f"at {each:g} Nyquist" for each in fractions)], rows
    )


def star_field_table() -> None:
    """Blots of a mosaic without noise against the known scene, evaluated at the exact positions."""
    plan = DemoPlan()
    scene = demo_scene(plan)
    mosaic = mosaic_hdulist(plan, scene, noise=False)[1].data
    facts = exposure_facts(plan, 0)
    truth = chip_frame(plan, 0, 1, scene).clean.astype(float) - facts.sky[1]
    scale = facts.exptime_s * (IDC_SCALE / MOSAIC_SCALE) ** 2
    rows = []
    for name in INTERPOLANTS:
        blot = skyblot.blot(mosaic, scene.wcs, chip_wcs(plan, 0, 1), interp=name, scale=scale)
        error = blot - truth
        rms = 100 * np.sqrt((error**2).mean() / (truth**2).mean())
        rows.append([name, f"{rms:.2f}", f"{100 * np.abs(error).max() / truth.max():.2f}"])
    write_table(
        "star_field",
        ["interp", "rms error / rms of the image [%]", "largest error / brightest pixel [%]"],
        rows,
    )


def write_table(name: str, header: list[str], rows: list[list]) -> None:
    """Write one table as CSV."""
    with open(TABLES / f"{name}.csv", "w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])


# ---- pixel map -----------------------------------------------------------------------------------


def distortion() -> None:
    """The distortion of a chip: its pixel grid on the sky, exaggerated, and what the look-up tables
    add.
    """
    plan = DemoPlan()
    target, source = chip_wcs(plan, 0, 1), demo_scene(plan).wcs
    ny, nx = plan.chip_shape
    smooth = target.deepcopy()
    smooth.cpdis1 = smooth.cpdis2 = smooth.det2im1 = smooth.det2im2 = None
    x, y = skyblot.pixel_map(target, source)
    dx, dy = (
        ours - theirs
        for ours, theirs in zip((x, y), skyblot.pixel_map(smooth, source), strict=True)
    )
    v, u = np.indices((ny, nx), dtype=float)
    bend_x, bend_y = nonlinear(u, v, x, y)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 2.8), dpi=110, layout="constrained")
    rows, columns = np.linspace(0, ny - 1, 9).astype(int), np.linspace(0, nx - 1, 17).astype(int)
    exaggeration = 15
    gx, gy = u + exaggeration * bend_x, v + exaggeration * bend_y
    for straight, bent, colour, width in ((u, v, "#c8c8c8", 0.8), (gx, gy, "#0072b2", 1.2)):
        left.plot(straight[rows].T[::4], bent[rows].T[::4], color=colour, lw=width)
        left.plot(straight[:, columns][::4], bent[:, columns][::4], color=colour, lw=width)
    largest = np.hypot(bend_x, bend_y).max()
    left.set(aspect="equal", xlabel="x [pixel]", ylabel="y [pixel]")
    left.set_title(f"distortion × {exaggeration} (largest {largest:.1f} pixel)", fontsize=10)
    left.grid(False)
    image = right.imshow(np.hypot(dx, dy), origin="lower", cmap="viridis", vmin=0)
    right.set(xlabel="x [pixel]")
    right.set_title("share of the D2IM and CPDIS tables", fontsize=10)
    right.grid(False)
    figure.colorbar(
        image,
        ax=(left, right),
        label="pixel",
        location="right",
        shrink=0.85,
        ticks=[0, 0.05, 0.1, 0.15],
    )
    save(figure, "distortion", 96)


def nonlinear(u, v, x, y) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of a map that no linear transformation explains, in pixels of the target."""
    terms = np.stack([np.ones_like(u), u, v], axis=-1).reshape(-1, 3)
    mapped = np.stack([x, y], axis=-1).reshape(-1, 2)
    linear = np.linalg.lstsq(terms, mapped, rcond=None)[0]
    rest = (mapped - terms @ linear) @ np.linalg.inv(linear[1:])
    bend = rest.reshape(*u.shape, 2)
    return bend[..., 0], bend[..., 1]


class SlitAndKink:
    """A map with a smooth distortion, a kink along a slanted line, a slit without positions."""

    shape = (512, 1024)

    @staticmethod
    def kink(y: np.ndarray) -> np.ndarray:
        """x of the kink."""
        return 720.0 + 0.45 * y

    @staticmethod
    def in_slit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Where there is no position."""
        return (np.abs(y - 300 + 0.05 * x) < 5) & (np.abs(x - 300) < 170)

    def at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source positions."""
        bend = 2e-5 * x * y + 0.04 * np.maximum(x - self.kink(y), 0.0)
        mapped = np.where(self.in_slit(x, y), np.nan, 1.01 * x + bend)
        return mapped, y + 3e-5 * x**2


def adaptive_blocks() -> None:
    """The adaptive map of a target with a slit and a kink: its blocks, and where the true map is
    asked.
    """
    truth = SlitAndKink()
    made = adaptive.adaptive_map(truth, truth.shape, 1e-4)
    blocks, stored = made.patches.boxes, made.pixels.boxes
    nodes = refining._node_places(blocks).reshape(2, -1)
    checks = np.concatenate(
        [
            refining._lattice(truth.shape, (0, 0, *truth.shape[::-1])),
            refining._check_places(blocks).reshape(2, -1),
        ],
        axis=1,
    )
    checks = checks[:, ~within(stored, *checks)]
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.6, 3.8), dpi=110, layout="constrained", width_ratios=(1.6, 1)
    )
    slit = np.where(truth.in_slit(*np.indices(truth.shape)[::-1]), 0.0, np.nan)
    y = np.array([-0.5, truth.shape[0] - 0.5])
    for axes, size in ((left, 1.0), (right, 5.0)):
        axes.add_collection(boxes_of(stored, facecolor="#f7d9c1", edgecolor="#d55e00", lw=0.5))
        axes.add_collection(boxes_of(blocks, facecolor="none", edgecolor="#0072b2", lw=0.8))
        axes.imshow(slit, cmap="gray", origin="lower", interpolation="nearest", zorder=2)
        axes.plot(truth.kink(y), y, color="#222222", lw=1.0, ls="--")
        axes.plot(*nodes, ".", color="#0072b2", ms=size, mew=0, label="nodes")
        axes.plot(*checks, ".", color="#009e73", ms=size, mew=0, label="check pixels")
        axes.set(aspect="equal", xlabel="x [pixel]")
        axes.grid(False)
    left.set(xlim=(-0.5, 1023.5), ylim=(-0.5, 511.5), ylabel="y [pixel]")
    left.set_title("the whole target", fontsize=10)
    right.set(xlim=(384, 544), ylim=(224, 352))
    right.set_title("the right end of the slit", fontsize=10)
    figure.legend(
        *right.get_legend_handles_labels(),
        loc="outside lower right",
        ncols=2,
        fontsize=9,
        markerscale=1.6,
    )
    save(figure, "adaptive", 32)


def within(boxes: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether positions lie in any of some blocks of pixels."""
    x0, y0, x1, y1 = boxes.T[:, :, None]
    return ((x >= x0) & (x < x1) & (y >= y0) & (y < y1)).any(axis=0)


def boxes_of(boxes: np.ndarray, **style) -> PatchCollection:
    """Return blocks of pixels as rectangles."""
    shapes = [Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes]
    return PatchCollection(shapes, **style)


def step_table() -> None:
    """The error of the bilinear grid on one chip of the demo."""
    plan = DemoPlan()
    target, source = chip_wcs(plan, 0, 1), demo_scene(plan).wcs
    exact = skyblot.pixel_map(target, source)
    rows = []
    for step in (5, 10, 20, 50):
        grid = skyblot.pixel_map(target, source, stepsize=step)
        rows.append(
            [step, f"{max(np.abs(a - b).max() for a, b in zip(exact, grid, strict=True)):.3f}"]
        )
    write_table("stepsize", ["stepsize", "largest error [source pixel]"], rows)


def main() -> None:
    """Make them all."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    TABLES.mkdir(parents=True, exist_ok=True)
    with plt.rc_context(STYLE):
        for make in (pictures, kernels, frequency_response, distortion, adaptive_blocks):
            make()
        for make in (wave_table, star_field_table, step_table):
            make()


if __name__ == "__main__":
    main()
    shutil.copyfile(FIGURES / "clean.png", PICTURE)
