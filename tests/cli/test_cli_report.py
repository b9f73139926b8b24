"""``--report`` of ``skyblot blot`` and ``skyblot reject``: one page with every chip, or an error
before any work.
"""

import html
import re

import pytest
from samples import digests

import skyblot
from skyblot.api.reject import reject_files
from skyblot.errors import ParameterError

pytest.importorskip("jinja2", reason="the page needs jinja2")
pytest.importorskip("matplotlib", reason="the page needs matplotlib")


def chips(page):
    """Headings of the chips of a page, in its order."""
    return [
        html.unescape(name)
        for name in re.findall(r'<th scope="row" data-value="([^"]*)">', page.read_text())
    ]


def names(demo):
    return [f"{path.name}[sci,{number}]" for path in demo.exposures for number in (1, 2)]


@pytest.mark.parametrize("command", ["blot", "reject"])
class TestBoth:
    def test_every_chip_is_on_the_page_in_order(self, demo, run, out, command):
        page = out / "page.html"
        code, said, _ = run(
            command, demo.median, *demo.exposures, "--output-dir", out, "--report", page
        )
        assert code == 0
        assert chips(page) == names(demo)
        assert len(said.splitlines()) == 4
        text = page.read_text()
        assert f"{demo.median.name}" in text
        assert "Parameters" in text
        assert 'href="isky01a1q_sci1_' in text  # the outputs, relative to the page

    def test_one_chip(self, demo, run, out, command):
        page = out / "page.html"
        code, _, _ = run(
            command,
            demo.median,
            f"{demo.exposures[0]}[sci,2]",
            "--output-dir",
            out,
            "--report",
            page,
        )
        assert (code, chips(page)) == (0, names(demo)[1:2])

    def test_what_failed_is_said_on_the_page(self, demo, run, out, command):
        bad, page = out / "bad_flc.fits", out / "page.html"
        bad.write_bytes(b"no FITS")
        code, _, errors = run(
            command, demo.median, bad, demo.exposures[0], "--output-dir", out, "--report", page
        )
        assert code == 1
        assert chips(page) == names(demo)[:2]
        note = re.search(r'<p class="note">failed: ([^<]*)</p>', page.read_text())[1]
        assert html.unescape(note).startswith(f"{bad}: not a readable FITS file")
        assert f"{bad}: not a readable FITS file" in errors

    def test_a_page_that_is_there_is_refused_before_any_work(self, demo, run, out, command):
        page = out / "page.html"
        page.write_text("mine")
        before = digests(out)
        code, _, errors = run(
            command, demo.median, demo.exposures[0], "--output-dir", out, "--report", page
        )
        assert code == 2
        assert errors.startswith(f"skyblot: error: {page}: ")
        assert digests(out) == before
        code, _, _ = run(
            command,
            demo.median,
            demo.exposures[0],
            "--output-dir",
            out,
            "--report",
            page,
            "--overwrite",
        )
        assert (code, chips(page)) == (0, names(demo)[:2])

    def test_a_page_is_html(self, demo, run, out, command):
        code, _, errors = run(
            command, demo.median, demo.exposures[0], "--output-dir", out, "--report", out / "a.png"
        )
        assert (code, list(out.iterdir())) == (2, [])
        assert (
            errors == f"skyblot: error: --report {out}/a.png: "
            "expected the name of a page to write, .html\n"
        )

    def test_packages_that_are_missing_are_named_before_any_work(
        self, demo, run, out, command, monkeypatch
    ):
        monkeypatch.setattr("skyblot.report.packages.find_spec", lambda name: None)
        code, _, errors = run(
            command, demo.median, demo.exposures[0], "--output-dir", out, "--report", out / "a.html"
        )
        assert (code, list(out.iterdir())) == (2, [])
        assert "pip install matplotlib jinja2" in errors


def test_a_dry_run_writes_no_page(demo, run, out):
    assert (
        run(
            "blot",
            demo.median,
            *demo.exposures,
            "--output-dir",
            out,
            "--report",
            out / "p.html",
            "--dry-run",
        )[0]
        == 0
    )
    assert list(out.iterdir()) == []


def test_blots_that_were_kept_are_on_the_page(demo, run, out):
    how = ("blot", demo.median, *demo.exposures, "--output-dir", out)
    assert run(*how)[0] == 0
    assert run(*how, "--resume", "--report", out / "page.html")[0] == 0
    assert chips(out / "page.html") == names(demo)


def test_a_page_of_blots_needs_their_exposures_pixels(demo, run, out):
    how = ("--output-dir", out, "--report", out / "page.html", "--outnx", 20, "--outny", 20)
    code, _, errors = run("blot", demo.median, demo.exposures[0], *how)
    assert (code, list(out.iterdir())) == (2, [])
    assert errors.startswith(
        "skyblot: error: --report compares blots with exposures pixel by pixel"
    )


def test_a_comparison_is_made_on_the_exposures_pixels(demo, out):
    parameters = skyblot.Parameters().override({"orient": 30.0, "outnx": 50})
    with pytest.raises(ParameterError, match=r"^orient, outnx: not for a comparison"):
        reject_files(demo.median, demo.exposures, out, parameters=parameters)
    assert list(out.iterdir()) == []
