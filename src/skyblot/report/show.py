"""One picture of a file: a blot beside its exposure and their difference, or an image alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FileError, SkyblotError
from ..io.atomic import atomic_write, check_apart, check_output
from ..io.image import Image
from ..io.images import blot_name, float_pixels, open_image
from ..io.names import Extension, ImageName, parse_name, plain_name
from ..io.products import extension_label
from .facts import short_text
from .html import check_whole
from .packages import require_packages
from .stretch import RESIDUAL, Stretch, block_mean, block_residual, centre_and_spread, image_stretch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The kinds of pictures, by the ends of their names.
_KINDS = (".png", ".pdf", ".svg")
_DPI = 120
#: Chips wider than so many heights have their panels one below the other.
_WIDE = 1.4


@dataclass(frozen=True)
class Shown:
    """A picture on disk: its file, and the names of its panels."""

    path: Path
    panels: tuple[str, ...]


@dataclass(frozen=True)
class _Panel:
    """One image of the picture: what it is, where it is from, its levels, and what they mean."""

    title: str
    origin: str
    levels: np.ndarray
    stretch: Stretch
    factor: float
    unit: str
    diverging: bool = False
    flagged: np.ndarray | None = None


def show(
    file: str | Path, output: str | Path | None = None, *, overwrite: bool = False, size: int = 1024
) -> Shown:
    """Write one picture of an image.

    A blot is shown with the exposure it was made onto, and with their difference, if that exposure
    is still where it was or beside the blot; a mask of cosmic rays on its exposure, under the same
    condition; an exposure with its blot, if that is beside it under its usual name. Else the image
    is alone.

    Parameters
    ----------
    file : str or Path
        ``blt.fits``, ``flc.fits[sci,2]``, ...
    output : str or Path, optional
        The picture to write, ``.png``, ``.pdf`` or ``.svg``; by default a PNG with the name of the
        file, in the current folder.
    overwrite : bool
        Replace an existing file.
    size : int
        Largest width and height of an image in pixels; larger ones are made smaller by a whole
        factor.

    Returns
    -------
    Shown

    Raises
    ------
    SkyblotError
        If matplotlib is missing, the file cannot be read, or the picture cannot be written.
    """
    require_packages()
    check_whole("size", size, 64, 8192)
    where = parse_name(file)
    path = Path(output) if output is not None else Path(_picture_name(where))
    check_output(path, overwrite=overwrite)
    with open_image(where) as image:
        masked = _exposure_of_mask(image)
        other = masked or (_reference_of(image) if image.record else _blot_of(image, where))
        check_apart([*image.files, *([] if other is None else [other.path])], [path])
        if path.suffix.lower() not in _KINDS:
            raise FileError(f"is no name of a picture, expected {', '.join(_KINDS)}", subject=path)
        panels = None if masked is None else _masked(image, masked, size)
        panels = panels or _beside(image, other, size, blot_first=bool(image.record))
        ny, nx = image.shape
    figure = _figure(panels, nx, ny)
    with atomic_write(path, overwrite=overwrite) as stream:
        figure.savefig(
            stream, format=path.suffix[1:].lower(), dpi=_DPI, bbox_inches="tight", pad_inches=0.15
        )
    return Shown(path, tuple(panel.title for panel in panels))


def _picture_name(where: ImageName) -> str:
    stem = plain_name(where.path).removesuffix(".fz").rsplit(".", 1)[0]
    extension = "" if where.extension is None else f"_{_label(where.extension)}"
    return f"{stem}{extension}.png"


def _label(extension: Extension) -> str:
    return str(extension) if isinstance(extension, int) else extension_label(extension)


def _beside(image: Image, other: ImageName | None, size: int, *, blot_first: bool) -> list[_Panel]:
    """Exposure, blot and difference, or the image alone."""
    data = float_pixels(image)
    if other is not None:
        with open_image(other) as partner:
            theirs = float_pixels(partner)
            if theirs.shape == data.shape:
                exposure, blot = (theirs, data) if blot_first else (data, theirs)
                names = (partner.name, image.name) if blot_first else (image.name, partner.name)
                return _three(exposure, blot, names, image.facts.bunit, size)
    stretch = image_stretch(data, data)
    step = _step(data, size)
    title = "Blot" if blot_first else "Image"
    return [
        _Panel(
            title,
            Path(image.name).name,
            stretch.levels(block_mean(data, step), 256),
            stretch,
            1.0,
            image.facts.bunit,
        )
    ]


def _masked(mask: Image, exposure: ImageName, size: int) -> list[_Panel] | None:
    """An exposure, and the same with what its mask flags; None where their shapes differ."""
    bad = float_pixels(mask) == 0
    with open_image(exposure) as image:
        data = float_pixels(image)
        name = Path(image.name).name
        unit = image.facts.bunit
    if data.shape != bad.shape:
        return None
    stretch = image_stretch(data, data)
    step = _step(data, size)
    levels = stretch.levels(block_mean(data, step), 256)
    share = block_mean(bad.astype(np.float32), step)
    percent = f"{100 * float(np.mean(bad)):.2f} % flagged, {Path(mask.name).name}"
    return [
        _Panel("Exposure", name, levels, stretch, 1.0, unit),
        _Panel("Mask", percent, levels, stretch, 1.0, unit, flagged=share),
    ]


def _three(
    exposure: np.ndarray, blot: np.ndarray, names: Sequence[str], unit: str, size: int
) -> list[_Panel]:
    stretch = image_stretch(exposure, blot)
    step = _step(exposure, size)
    difference = exposure - blot
    finite = difference[np.isfinite(difference)]
    spread = (centre_and_spread(finite)[1] if finite.size else 0.0) or 1.0
    panels = [
        _Panel(
            title, Path(name).name, stretch.levels(block_mean(data, step), 256), stretch, 1.0, unit
        )
        for title, data, name in zip(("Exposure", "Blot"), (exposure, blot), names, strict=True)
    ]
    levels = RESIDUAL.levels(block_residual(difference / np.float32(spread), step), 256)
    return [
        *panels,
        _Panel("Difference", "exposure − blot", levels, RESIDUAL, spread, unit, diverging=True),
    ]


def _step(data: np.ndarray, size: int) -> int:
    return -(-max(data.shape) // size)


def _reference_of(blot: Image) -> ImageName | None:
    """The exposure that a blot records."""
    return _recorded(blot, blot.record.get("BLOTREF"))


def _exposure_of_mask(image: Image) -> ImageName | None:
    """The exposure that a mask of cosmic rays records; None of what is no such mask."""
    return _recorded(image, image.facts.find("CREXP"))


def _recorded(image: Image, name: object) -> ImageName | None:
    """The exposure that an image names: where it was, or beside the image."""
    try:
        recorded = parse_name(str(name or ""))
    except SkyblotError:
        return None
    # nothing that a header names is fetched
    if not name or not isinstance(recorded.path, Path):
        return None
    places = [recorded.path]
    if isinstance(image.path, Path):
        places += [image.path.parent / str(recorded.path), image.path.parent / recorded.path.name]
    for path in places:
        if path.is_file():
            return ImageName(path, recorded.extension)
    return None


def _blot_of(image: Image, where: ImageName) -> ImageName | None:
    """The blot beside an exposure, if it was made onto this very image."""
    if not isinstance(where.path, Path):
        return None
    extension = where.extension
    if extension is None and "[" in image.name:
        extension = parse_name(f"x{image.name[image.name.rindex('[') :]}").extension
    for name in dict.fromkeys(
        (blot_name(ImageName(where.path, extension)), blot_name(ImageName(where.path)))
    ):
        path = where.path.with_name(name)
        if path.is_file() and _is_onto(path, where.path.name, extension):
            return ImageName(path)
    return None


def _is_onto(path: Path, name: str, extension: Extension | None) -> bool:
    """Whether a blot records that it was made onto an image."""
    try:
        with open_image(path) as blot:
            recorded = parse_name(str(blot.record.get("BLOTREF", "")))
    except SkyblotError:
        return False
    return recorded.path.name == name and recorded.extension == extension


def _figure(panels: Sequence[_Panel], nx: int, ny: int) -> "Figure":
    from matplotlib.figure import Figure

    wide = nx > _WIDE * ny
    rows, columns = (len(panels), 1) if wide else (1, len(panels))
    width = 9.0 if wide or len(panels) == 1 else 5.0
    height = min(12.0, width * ny / nx)
    figure = Figure((columns * width + 0.6, rows * (height + 0.75)), layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for each, panel in zip(axes, panels, strict=True):
        _draw(figure, each, panel, nx, ny)
    return figure


def _draw(figure: "Figure", axes: Any, panel: _Panel, nx: int, ny: int) -> None:
    from matplotlib.colors import ListedColormap

    from .encode import ORANGE, diverging_colours

    colours = ListedColormap(diverging_colours(256) / 255) if panel.diverging else "gray"
    step = -(-nx // panel.levels.shape[1])
    rows, columns = (step * count for count in panel.levels.shape)
    extent = (-0.5, columns - 0.5, -0.5, rows - 0.5)
    image = axes.imshow(panel.levels, cmap=colours, vmin=0, vmax=255, origin="lower", extent=extent)
    if panel.flagged is not None:
        # as much orange as pixels of a block are flagged
        colour = np.zeros((*panel.flagged.shape, 4), np.float32)
        colour[..., :3] = np.array(ORANGE) / 255
        colour[..., 3] = panel.flagged
        axes.imshow(colour, origin="lower", extent=extent)
    axes.set(xlim=(-0.5, nx - 0.5), ylim=(-0.5, ny - 0.5))
    axes.set_title(f"{panel.title}: {panel.origin}", fontsize=10, loc="left")
    axes.tick_params(labelsize=8)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.01, aspect=30)
    bar.set_ticks([0, 63.75, 127.5, 191.25, 255])
    values = [panel.factor * panel.stretch.value(share) for share in (0, 0.25, 0.5, 0.75, 1)]
    bar.set_ticklabels([short_text(value) for value in values])
    bar.ax.tick_params(labelsize=8)
    bar.set_label(panel.unit, fontsize=8)
