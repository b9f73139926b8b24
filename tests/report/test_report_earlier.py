"""Earlier masks beside new ones: flags, and masks of other runs; and `show` of a mask."""

import shutil

import numpy as np
import pytest
from astropy.io import fits
from samples import CHIP_SHAPE, rewrite

from skyblot import clean_files, reject_files
from skyblot.cli import main
from skyblot.demo import make_demo
from skyblot.errors import DataError, FileError, ParameterError
from skyblot.io.earlier import Earlier
from skyblot.io.images import open_image
from skyblot.report import open_report
from skyblot.report.show import show

Image = pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")
pytest.importorskip("jinja2", reason="the page needs jinja2")
BITS = 4096


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Two exposures in which every tenth column has a flag, and masks of an earlier run."""
    made = make_demo(tmp_path_factory.mktemp("demo"), exposures=2, chip_shape=CHIP_SHAPE)

    def flag(hdus):
        for version in (1, 2):
            hdus["DQ", version].data[:, ::10] |= BITS

    for path in made.exposures:
        rewrite(path, path.with_name("x.fits"), flag)
        path.with_name("x.fits").replace(path)
    masks = made.folder / "earlier"
    reject_files(made.median, made.exposures, masks)
    return made


def found(text, exposure):
    with open_image(exposure) as image:
        return Earlier.parse(str(text)).mask(image)


def test_flags_of_the_exposure(demo):
    columns = np.zeros(CHIP_SHAPE, bool)
    columns[:, ::10] = True
    for text in ("DQ=4096", "dq=4096", "DQ=4096+8192"):
        np.testing.assert_array_equal(found(text, f"{demo.exposures[0]}[sci,2]"), columns)
    assert not found("DQ=8192", f"{demo.exposures[0]}[sci,1]").any()


def test_flags_of_other_files(demo, tmp_path):
    copy = tmp_path / demo.exposures[0].name
    shutil.copy(demo.exposures[0], copy)
    wanted = found("DQ=4096", f"{demo.exposures[0]}[sci,2]")
    for pattern in (f"{tmp_path}/*.fits=4096", f"{copy}[dq,2]=4096"):
        np.testing.assert_array_equal(found(pattern, f"{demo.exposures[0]}[sci,2]"), wanted)


def test_masks_of_a_folder_and_of_a_pattern(demo, tmp_path):
    root = demo.exposures[0].name.rsplit("_", 1)[0]
    path = demo.folder / "earlier" / f"{root}_sci2_crmask.fits"
    wanted = fits.getdata(path) == 0
    assert wanted.any()
    exposure = f"{demo.exposures[0]}[sci,2]"
    np.testing.assert_array_equal(found(demo.folder / "earlier", exposure), wanted)
    np.testing.assert_array_equal(found(path, exposure), wanted)
    shared = tmp_path / "shared"
    reject_files(demo.median, demo.exposures[:1], shared, one_file=True)
    assert len(list(shared.iterdir())) == 1
    np.testing.assert_array_equal(found(shared, exposure), wanted)


def test_all_that_is_read_is_known_beforehand(demo):
    masks = Earlier.parse(str(demo.folder / "earlier")).files(demo.exposures[1])
    root = demo.exposures[1].name.rsplit("_", 1)[0]
    assert [path.name for path in masks] == [f"{root}_sci{k}_crmask.fits" for k in (1, 2)]
    assert Earlier.parse("DQ=4096").files(demo.exposures[1]) == []
    (file,) = Earlier.parse("old/*.fits=4").files(demo.exposures[1])
    assert str(file) == f"old/{demo.exposures[1].name}"


@pytest.mark.parametrize("text", ["DQ=", "DQ=0", "DQ=x", "a.fits=4096+", "DQ=-1"])
def test_bits_are_whole_numbers(text):
    with pytest.raises(ParameterError, match=r"--compare .*: expected bits after the ="):
        Earlier.parse(text)


def test_what_is_no_mask_is_refused(demo, tmp_path):
    exposure = f"{demo.exposures[0]}[sci,1]"
    upside_down = tmp_path / "m.fits"
    bad = np.ones(CHIP_SHAPE, "u1")
    bad[:70] = 0
    fits.writeto(upside_down, bad)
    with pytest.raises(DataError, match=r"is no mask with 1 for good pixels.*73 % of its pixels"):
        found(upside_down, exposure)
    with pytest.raises(DataError, match="is no mask with 1 for good pixels"):
        found(f"{demo.exposures[0]}[dq,1]", exposure)
    small = tmp_path / "s.fits"
    fits.writeto(small, np.ones((4, 5), "u1"))
    with pytest.raises(DataError, match=r"has shape \(4, 5\), expected \(96, 160\)"):
        found(small, exposure)
    with pytest.raises(FileError, match=r"gone\.fits"):
        found(tmp_path / "gone.fits", exposure)

    def remove(hdus):
        del hdus["DQ", 1]

    bare = rewrite(demo.exposures[0], tmp_path / "bare_flc.fits", remove)
    with pytest.raises(DataError, match="has no flags to compare with"):
        found("DQ=4096", f"{bare}[sci,1]")


def test_a_page_counts_what_both_masks_have(demo, tmp_path):
    with open_report(tmp_path / "r.html", title="t", parameters={}, compare="DQ=4096") as report:
        results = reject_files(demo.median, demo.exposures, tmp_path, pictures=report.pictures)
        for result in results:
            report.add(result.picture, order=result.reference)
    for result in results:
        now = fits.getdata(result.path) == 0
        earlier = np.zeros(CHIP_SHAPE, bool)
        earlier[:, ::10] = True
        row = result.picture.row
        assert row["both"] == np.count_nonzero(now & earlier)
        assert row["only now"] == np.count_nonzero(now & ~earlier)
        assert row["only earlier"] == np.count_nonzero(earlier & ~now)
    assert "flagged only" not in (tmp_path / "r.html").read_text().partition("<script>")[0]


def test_a_mask_that_cannot_be_compared_ends_no_run(demo, tmp_path):
    with open_report(tmp_path / "r.html", title="t", parameters={}, compare="no_*.fits") as report:
        results = reject_files(demo.median, demo.exposures, tmp_path, pictures=report.pictures)
        for result in results:
            report.add(result.picture)
    (note,) = results[0].picture.values["notes"]
    assert note.startswith("not compared with an earlier mask: ")
    assert "no such file" in note


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(each) for each in arguments])
    return caught.value.code


@pytest.mark.parametrize("command", ["reject", "clean"])
def test_the_command_line_compares(demo, tmp_path, command, capsys):
    source = [demo.median] if command == "reject" else []
    page = tmp_path / "r.html"
    options = ["--output-dir", tmp_path, "--compare", "DQ=4096"]
    assert run(command, *source, *demo.exposures, *options) == 2
    assert "--compare needs a page" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert run(command, *source, *demo.exposures, *options, "--report", page) == 0
    written = "4 chips and a mosaic, " if command == "clean" else "4 chips, "
    assert f"{page}: written, {written}" in capsys.readouterr().err
    assert "only earlier" in page.read_text()


def test_masks_that_are_compared_with_are_not_written_over(demo, tmp_path, capsys):
    shutil.copytree(demo.folder / "earlier", tmp_path / "masks")
    page = tmp_path / "r.html"
    options = ["--output-dir", tmp_path / "masks", "--compare", tmp_path / "masks", "--overwrite"]
    assert run("reject", demo.median, *demo.exposures, *options, "--report", page) == 2
    assert "inputs are never overwritten" in capsys.readouterr().err


def test_what_is_spared_is_not_flagged_on_the_page(tmp_path):
    made = make_demo(tmp_path / "demo", exposures=3, chip_shape=CHIP_SHAPE)
    with open_report(tmp_path / "r.html", title="t", parameters={}) as report:
        result = clean_files(made.exposures, tmp_path / "out", pictures=report.pictures)
    from skyblot.report.objects import mask_state

    for mask in result.masks:
        bad = fits.getdata(mask.path) == 0
        assert mask.picture.values["data"]["mask_state"] == mask_state(bad)
        assert mask.picture.row["rejected"] == mask.fraction


# skyblot show of a mask.


def test_a_mask_is_shown_on_its_exposure(demo, tmp_path):
    root = demo.exposures[0].name.rsplit("_", 1)[0]
    path = demo.folder / "earlier" / f"{root}_sci1_crmask.fits"
    assert show(path, tmp_path / "p.png").panels == ("Exposure", "Mask")
    with Image.open(tmp_path / "p.png") as picture:
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    orange = (colours[:, 0] > 200) & (colours[:, 1] < 160) & (colours[:, 2] < 60)
    assert orange.any()
    alone = shutil.copy(path, tmp_path / "moved_crmask.fits")

    def forget(hdus):
        hdus[0].header["CREXP"] = "nowhere/x_flc.fits[sci,1]"

    alone = rewrite(alone, tmp_path / "lost_crmask.fits", forget)
    assert show(alone, tmp_path / "q.png").panels == ("Image",)
    other = demo.exposures[0].with_name("o_flc.fits")
    fits.HDUList(
        [fits.PrimaryHDU(), fits.ImageHDU(np.ones((9, 9), "f4"), name="SCI", ver=1)]
    ).writeto(other)

    def point(hdus):
        hdus[0].header["CREXP"] = f"{other}[sci,1]"

    wrong = rewrite(alone, tmp_path / "wrong_crmask.fits", point)
    assert show(wrong, tmp_path / "w.png").panels == ("Image",)
    other.unlink()
