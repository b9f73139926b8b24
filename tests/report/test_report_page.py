"""Reports: the page, and what can go wrong with it."""

import base64
import re
import sys
import threading
import weakref
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from page_parts import chip_data, page_tiles
from report_data import HIT, SHAPE, chip

from skyblot import Parameters, SkyblotError
from skyblot.errors import DataError, FileError, ParameterError
from skyblot.report import ChipReport, open_report, write_report

pytest.importorskip("jinja2", reason="the page needs jinja2")
Image = pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")

VOID = {"meta", "img", "br", "hr", "input", "link"}


# The page.


class Page(HTMLParser):
    """Reads a page, and refuses what is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.tags, self.words, self.addresses = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.addresses += [attributes[name] for name in ("src", "href") if name in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def named(self, tag, **wanted):
        return [
            found for name, found in self.tags if name == tag and wanted.items() <= found.items()
        ]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def picture(uri):
    """The picture of a data URI."""
    kind, _, content = uri.partition(";base64,")
    assert kind in ("data:image/jpeg", "data:image/png")
    return Image.open(BytesIO(base64.b64decode(content, validate=True)))


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    chips = [chip(), chip("two & <three>.fits[sci,2]", masked=False, seed=2, offset=-0.5)]
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_report(
        path, chips, title="A <b>title</b> & more", parameters=Parameters(interp="sinc")
    )


@pytest.fixture(scope="module")
def page(page_file):
    return Page(page_file.read_text(encoding="utf-8"))


def test_the_page_is_whole_and_says_what_it_holds(page, page_file):
    assert page_file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    for words in (
        "A <b>title</b> & more",
        "exposure time [s]",
        "350",
        "offset",
        "−0.5",
        "interp",
        "sinc",
        "two & <three>",
    ):
        assert words in page.text
    assert len(page.named("template")) == 2
    assert "Largest residuals that are not flagged" in page.text


def test_the_page_says_its_size(page, page_file):
    assert f"2 chips, {page_file.stat().st_size / 1e6:.1f} MB" in page.text


def test_the_page_asks_for_nothing_else(page, page_file):
    text = page_file.read_text(encoding="utf-8")
    assert not re.search(
        r"https?:|//[a-z]+\.[a-z]|@import|url\(",
        re.sub(r"data:image/\w+;base64,[\w+/=]+", "", text),
    )
    assert all(address.startswith("data:image/") for address in page.addresses)
    (policy,) = [
        found["content"]
        for found in page.named("meta", **{"http-equiv": "Content-Security-Policy"})
    ]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_pictures_wait_in_templates_and_tiles_but_for_the_thumbnails(page_file):
    outside = re.sub(
        r"<template.*?</template>", "", page_file.read_text(encoding="utf-8"), flags=re.S
    )
    assert outside.count("data:image/") == 2


@pytest.mark.parametrize(("size", "step"), [(1024, 1), (128, 3), (64, 5)])
def test_the_overview_is_no_larger_than_asked(tmp_path, size, step):
    path = write_report(tmp_path / "r.html", [chip()], title="t", parameters={}, size=size)
    (data,) = chip_data(path)
    assert data["step"] == step
    overview = page_tiles(path)[0, 0]
    if step == 1:  # the chip's own pixels are enough
        assert overview is None
        return
    for plane in (0, 1, 2, 4):
        assert overview[plane].shape == (-(-SHAPE[0] // step), -(-SHAPE[1] // step))


def test_tiles_show_the_arrays_the_right_way_up(page_file):
    blot, _, residual, _, labels = page_tiles(page_file)[0, 1]
    x, y = (HIT[0] + HIT[1]) // 2, (HIT[2] + HIT[3]) // 2
    assert blot[y, x] < 110
    assert residual[y, x] > 200
    assert labels[y, x] == 63
    assert labels[5, 5] == 0


def test_what_is_not_compared_is_labelled(tmp_path):
    one = chip()
    residual = one.residual_sigma.copy()
    residual[:20] = np.nan
    exposure = one.exposure.copy()
    exposure[:10] = np.nan
    two = ChipReport(one.name, exposure, one.blot, residual)
    path = write_report(tmp_path / "r.html", [two], title="t", parameters={})
    labels = page_tiles(path)[0, 1][4]
    assert np.all(labels[:10] == 3 * 64 + 2)  # no exposure
    assert np.all(labels[10:20] == 3 * 64)
    assert np.all(labels[20:] == 0)


def test_the_worst_residuals_are_stamps(page):
    stamps = page.named("button", **{"class": "stamp"})
    places = [(int(each["data-x"]), int(each["data-y"])) for each in stamps]
    x0, x1, y0, y1 = HIT
    assert x0 <= places[0][0] < x1
    assert y0 <= places[0][1] < y1
    strips = [
        each
        for name, each in page.tags
        if name == "img" and each.get("alt", "").startswith("Exposure, blot")
    ]
    assert len(strips) == len(stamps)
    assert {picture(each["src"]).size for each in strips} == {(4 * 41 + 6, 41), (3 * 41 + 4, 41)}


def test_notes_mark_a_chip_and_the_page(tmp_path):
    one = chip()
    noted = ChipReport(
        "n", one.exposure, one.blot, one.residual_sigma, notes=["misaligned <badly>"]
    )
    with open_report(tmp_path / "r.html", title="t", parameters={}) as report:
        report.add(noted)
        report.note("two exposures could not be read")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "misaligned <badly>" in page.text
    assert "two exposures could not be read" in page.text
    assert len(page.named("td", **{"class": "warnings", "data-value": "1"})) == 1


def test_chips_added_by_threads_stand_in_order(tmp_path):
    with open_report(tmp_path / "r.html", title="t", parameters={}, size=64, stamps=0) as report:
        added = [
            threading.Thread(target=report.add, args=(chip(f"chip{k}"), k)) for k in (3, 1, 2, 0)
        ]
        for each in added:
            each.start()
        for each in added:
            each.join()
    names = [data["name"] for data in chip_data(tmp_path / "r.html")]
    assert names == [f"chip{k}" for k in range(4)]


def test_one_chip_is_in_memory_at_a_time(tmp_path):
    alive, most = [], []

    def chips():
        for k in range(4):
            most.append(sum(each() is not None for each in alive))
            made = chip(f"chip{k}")
            alive.append(weakref.ref(made.exposure))
            yield made
            del made

    write_report(tmp_path / "r.html", chips(), title="t", parameters={}, size=64, stamps=2)
    assert most == [0, 0, 0, 0]


def test_a_page_without_chips_is_a_page(tmp_path):
    page = Page(
        write_report(tmp_path / "r.html", [], title="t", parameters={}).read_text(encoding="utf-8")
    )
    assert "0 chips" in page.text


def odd_chips():
    ones, infinite = np.ones((7, 5)), np.full((7, 5), np.inf)
    yield "constant", (ones, ones, 0 * ones, ones > 2)
    yield "missing", (np.nan * ones, np.nan * ones, np.nan * ones, None)
    yield "infinite", (infinite, -infinite, infinite, ones > 0)
    yield "one pixel", (ones[:1, :1], ones[:1, :1], ones[:1, :1], None)
    yield "big-endian", (*(each.astype(">f4") for each in (ones, ones, ones)), None)
    yield (
        "whole numbers",
        ((10 * ones).astype("u2"), ones.astype("i4"), ones.astype(">f8"), ones > 0),
    )
    yield "one row", (np.ones((1, 3000)), np.ones((1, 3000)), np.ones((1, 3000)), None)


@pytest.mark.parametrize(
    ("name", "images"), list(odd_chips()), ids=[name for name, _ in odd_chips()]
)
def test_odd_chips_have_a_page(tmp_path, name, images):
    made = ChipReport(name, *images)
    page = Page(
        write_report(tmp_path / "r.html", [made], title="t", parameters={}).read_text(
            encoding="utf-8"
        )
    )
    assert name in page.text


def test_a_name_that_is_not_unicode_does_not_end_the_page(tmp_path):
    path = write_report(tmp_path / "r.html", [chip("a\udce9.fits")], title="t", parameters={})
    assert "a\\udce9.fits" in Page(path.read_text(encoding="utf-8")).text


# What goes wrong.


def test_arrays_of_other_shapes_are_refused():
    with pytest.raises(
        DataError, match=r"n: its blot has shape \(2, 3\), expected that of its exposure, \(3, 3\)"
    ):
        ChipReport("n", np.ones((3, 3)), np.ones((2, 3)), np.ones((3, 3)))
    with pytest.raises(DataError, match=r"n: the shape of its exposure is \(3,\), expected"):
        ChipReport("n", np.ones(3), np.ones(3), np.ones(3))


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_is_one_sentence(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SkyblotError) as caught:
        write_report(tmp_path / "r.html", [], title="t", parameters={})
    assert (
        str(caught.value) == f"pictures need the package {package}: pip install matplotlib jinja2"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"), [("size", 63), ("size", 1024.0), ("size", True), ("stamps", -1)]
)
def test_numbers_out_of_range_are_refused(tmp_path, name, value):
    with pytest.raises(ParameterError, match=f"{name} = {value!r}: expected a whole number from"):
        write_report(tmp_path / "r.html", [], title="t", parameters={}, **{name: value})


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "r.html"
    path.write_text("old")

    def chips():
        yield chip()
        raise DataError("the second chip is bad")

    with pytest.raises(DataError, match="the second chip is bad"):
        write_report(path, chips(), title="t", parameters={}, overwrite=True)
    with pytest.raises(FileError, match=r"r\.html: exists already"):
        write_report(path, chips(), title="t", parameters={})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match=r"the folder .*nowhere does not exist"):
        write_report(tmp_path / "nowhere" / "r.html", [], title="t", parameters={})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: open("/dev/full", "wb"))  # noqa: SIM115
    with pytest.raises(FileError, match=r"r\.html: cannot be written: No space left on device"):
        write_report(tmp_path / "r.html", [chip()], title="t", parameters={})
    assert list(tmp_path.iterdir()) == []
