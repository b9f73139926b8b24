"""Make the picture of the page of a report, as each build of the documentation does.

It takes Chromium and its driver, which `tests/chromium.py` steers. Where they are missing the build
takes the copy in ``docs/_static/figures``, which ``python docs/make_report_figure.py`` replaces.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from chromium import Browser, missing  # noqa: E402

from skyblot import Parameters, make_demo, reject_files  # noqa: E402
from skyblot.report import open_report  # noqa: E402
from skyblot.report.encode import diverging_colours  # noqa: E402

COPY = HERE / "_static" / "figures" / "report.png"
#: Few greys and few colours of residuals, so that the picture is small; then those of marks,
#: letters and buttons.
GREYS, RESIDUALS = 20, 17
OTHERS = [
    (255, 140, 0),
    (11, 98, 196),
    (243, 244, 246),
    (207, 212, 218),
    (22, 25, 29),
    (255, 255, 255),
]


def write_page(folder: Path) -> Path:
    """Write the report of the demo data."""
    demo, page = make_demo(folder), folder / "report.html"
    with open_report(page, title="Cosmic rays in the demo data", parameters=Parameters()) as report:
        for result in reject_files(demo.median, demo.exposures, folder, pictures=report.pictures):
            report.add(result.picture, order=result.reference)
    return page


def reduced(shot: Image.Image) -> Image.Image:
    """Return a picture in the colours above."""
    palette = Image.new("P", (1, 1))
    greys = [(round(255 * k / GREYS),) * 3 for k in range(GREYS)]
    colours = [*greys, *diverging_colours(RESIDUALS).tolist(), *OTHERS]
    palette.putpalette([channel for colour in colours for channel in colour])
    return shot.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)


def main(figure: Path) -> None:
    """Make the picture, or copy it where there is no browser."""
    if missing():
        shutil.copyfile(COPY, figure)
        return
    with tempfile.TemporaryDirectory() as folder, Browser(size=(1180, 840)) as browser:
        browser.load(write_page(Path(folder)))
        browser.press("n")
        browser.wait("return document.querySelector('#canvas').dataset.chip === '0'")
        browser.press("g", *".....", *"--")
        browser.screenshot(Path(folder) / "shot.png")
        with Image.open(Path(folder) / "shot.png") as shot:
            reduced(shot).save(figure, optimize=True)


if __name__ == "__main__":
    main(COPY)
