"""Pictures of the demo data: what goes in, what is found, what comes out."""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

import skyblot
from skyblot.demo import DemoPlan, chip_wcs

HERE = Path(__file__).parent
FIGURES = HERE / "_made" / "figures"
#: The picture that README shows.
PICTURE = HERE / "_static" / "figures" / "clean.png"
#: Steps of grey between two pictures, on the mean: letters look different on other machines.
ALIKE = 2.0


def save(figure, name: str, colours: int = 64) -> None:
    """Write a figure with few colours: a fraction of the size, and no visible difference."""
    path = FIGURES / f"{name}.png"
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def pictures() -> None:
    """Exposure, mask and mosaic, for the front page; exposure, blot and difference."""
    x, y, size = 432, 226, 216
    where = np.s_[y : y + size, x : x + size]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = skyblot.make_demo(folder)
        first = demo.exposures[0]
        result = skyblot.clean_files([str(path) for path in demo.exposures], folder / "cleaned")
        path = skyblot.blot_file(demo.median, f"{first}[sci,2]", folder / "blot.fits")
        with fits.open(first) as hdus:
            seconds, sky = hdus[0].header["EXPTIME"], hdus["SCI", 2].header["MDRIZSKY"]
            light = hdus["SCI", 2].data[where] - sky
        blot = fits.getdata(path, 1)[where] - sky
        mask = fits.getdata(folder / "cleaned" / "isky01a1q_sci2_crmask.fits")[where] == 0
        mosaic = seconds * around(result.mosaic, x + size // 2, y + size // 2, size)
    shown = grey(light)
    panels(
        "clean",
        {
            "One of four exposures": shown,
            "What is found in it": flagged(shown, mask),
            "The mosaic of all four": grey(mosaic),
        },
    )
    panels(
        "blot",
        {
            "One exposure": shown,
            "The mosaic, blotted onto it": grey(blot),
            "Exposure minus blot": grey(light - blot),
        },
    )


def around(mosaic: Path, x: int, y: int, size: int) -> np.ndarray:
    """Return the part of a mosaic around a pixel of the first exposure, which lies as it does."""
    with fits.open(mosaic) as hdus:
        place = WCS(hdus["SCI"].header).world_to_pixel(
            chip_wcs(DemoPlan(), 0, 1).pixel_to_world(x, y)
        )
        column, row = (round(float(value)) - size // 2 for value in place)
        return hdus["SCI"].data[row : row + size, column : column + size]


def grey(data: np.ndarray) -> np.ndarray:
    """Return a picture of electrons above the sky in 43 steps of grey, uint8 (ny, nx, 3)."""
    stretched = (np.arcsinh(data / 20.0) + 1.2) / 5.6
    steps = 6 * np.round(np.clip(stretched, 0, 1) * 42)
    return np.repeat(steps[..., None], 3, axis=2).astype("u1")


def flagged(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return a picture with the pixels of a mask in orange."""
    return np.where(mask[..., None], np.array([255, 140, 0], "u1"), picture)


def panels(name: str, images: dict[str, np.ndarray]) -> None:
    """Write pictures side by side, two pixels for one of the data: exact squares, and a small
    file.
    """
    side, gap, top = 2 * next(iter(images.values())).shape[0], 12, 34
    width, height = len(images) * side + (len(images) - 1) * gap, side + top
    figure = plt.figure(figsize=(width / 100, height / 100), dpi=100)
    for k, (title, image) in enumerate(images.items()):
        left = k * (side + gap)
        axes = figure.add_axes((left / width, 0, side / width, side / height))
        axes.imshow(image, origin="lower", interpolation="nearest")
        axes.set_axis_off()
        place = (left + side / 2) / width, 1 - 0.55 * top / height
        figure.text(*place, title, ha="center", va="center", fontsize=14)
    save(figure, name, 48)


def picture_is_stale() -> bool:
    """Whether README's picture is not the one that was made."""
    if not PICTURE.is_file():
        return True
    kept, new = (
        np.asarray(Image.open(path).convert("L"), int) for path in (PICTURE, FIGURES / "clean.png")
    )
    return kept.shape != new.shape or float(np.abs(kept - new).mean()) > ALIKE
