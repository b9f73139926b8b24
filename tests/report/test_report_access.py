"""The page of a report for everybody: axe-core's checks, phones, light and dark."""

import axe
import chromium
import pytest
from page_looks import click, opened
from report_data import chip

from skyblot.report import ChipReport, write_report

pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")
pytest.importorskip("jinja2", reason="the page needs jinja2")
pytestmark = pytest.mark.skipif(chromium.missing() is not None, reason=str(chromium.missing()))

SIZES = {"desk": (1366, 768), "phone": (360, 740)}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    text, reason = axe.axe_source(tmp_path_factory.mktemp("axe"))
    if text is None:
        pytest.skip(reason)
    return text


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Two chips, one with a number that stands out, a warning and an earlier mask."""
    one = chip("isky01a1q_flc.fits[sci,1]")
    measured = {"dx": 0.4, "dy": 0.1, "registration error": 0.01, "noise": 1.0}
    odd = ChipReport(
        "isky01a1q_flc.fits[sci,2]", one.exposure, one.blot, one.residual_sigma, one.mask,
        notes=["its sources lie far from where the blot has them"], measured=measured,
        earlier=one.mask, links={"exposure": "x.fits"},
    )  # fmt: skip
    path = tmp_path_factory.mktemp("page") / "report.html"
    return write_report(path, [one, odd], title="Everybody", parameters={"interp": "poly5"})


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("device", SIZES)
def test_axe_finds_nothing_wrong(page, source, device, dark):
    with chromium.Browser(size=SIZES[device], dark=dark) as window:
        window.load(page)
        assert axe.violations(window, source) == {}
        window.press("n", "n")
        opened(window, 1)
        click(window, "#parameters summary")
        for keys in ("3", "g", "4"):
            window.press(keys)
            assert axe.violations(window, source) == {}
        window.press("?")
        assert axe.violations(window, source) == {}


def test_axe_would_find_what_is_wrong(page, source):
    with chromium.Browser() as window:
        window.load(page)
        window.run("document.querySelector('#csv').textContent = ''")
        assert "button-name" in axe.violations(window, source)


def test_a_phone_shows_everything_without_scrolling_sideways(page):
    with chromium.Browser(size=SIZES["phone"]) as window:
        window.load(page)
        width = "return document.documentElement.scrollWidth"
        assert window.run(width) <= 360
        window.press("n", "n")
        opened(window, 1)
        assert window.run(width) <= 360
        narrow = window.run(
            "return [...document.querySelectorAll('button, select, input')].filter((e) => {"
            "const box = e.getBoundingClientRect(); return box.width > 0 && (box.left < 0 || "
            "box.right > 360 || box.height < 16); }).map((e) => e.outerHTML)"
        )
        assert narrow == []
