"""Reports and pictures of files: exposures beside their blots, rejections, and `skyblot show`."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from samples import CHIP_SHAPE, rewrite, tan_header, texture, write_sci

from skyblot import blot_files, reject_files
from skyblot.cli import main
from skyblot.demo import make_demo
from skyblot.errors import DataError, FileError, SkyblotError
from skyblot.report import files, open_report, report_of_files, report_of_mosaic
from skyblot.report.show import show

Image = pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")
pytest.importorskip("jinja2", reason="the page needs jinja2")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Two small exposures with their blots, which no test changes."""
    made = make_demo(tmp_path_factory.mktemp("demo"), exposures=2, chip_shape=CHIP_SHAPE)
    blot_files(made.median, made.exposures, made.folder)
    return made


def blot_path(demo, version=1):
    root = demo.exposures[0].name.rsplit("_", 1)[0]
    return demo.folder / f"{root}_sci{version}_blt.fits"


def only(exposure, blot):
    (found,) = report_of_files([(exposure, blot)])
    return found


# Reports.


def test_a_chip_is_what_the_files_hold(demo):
    exposure, blot = demo.exposures[0], blot_path(demo, 2)
    found = only(f"{exposure}[sci,2]", blot)
    data, model, errors = (
        fits.getdata(exposure, ("SCI", 2)),
        fits.getdata(blot),
        fits.getdata(exposure, ("ERR", 2)),
    )
    (offset,) = [value for label, value in found.facts.items() if label.startswith("background")]
    np.testing.assert_array_equal(found.exposure, data)
    np.testing.assert_allclose(found.blot, model + offset, rtol=1e-6)
    # the noise is about 5: the middle of 15360 pixels is known to about 0.05
    assert abs(offset - np.median(data - model)) < 0.3
    expected = (data - model - offset) / errors
    np.testing.assert_allclose(found.residual_sigma, expected, atol=1e-4 * np.abs(expected).max())
    assert found.name == f"{exposure.name}[sci,2]"
    assert found.mask is None
    assert found.unit == "ELECTRONS"
    assert found.facts["σ"] == "the exposure's errors (ERR)"
    assert found.facts["interpolant"] == "poly5"
    assert found.links == {"exposure": exposure, "blot": blot, "source": demo.median}
    assert list(found.notes) == []


def test_what_the_source_does_not_cover_is_left_out(tmp_path):
    source = write_sci(
        tmp_path / "med.fits", texture((40, 50)), tan_header((40, 50), BUNIT="counts/s")
    )
    header = tan_header((40, 50), ra=53.1 + 3e-4, BUNIT="counts/s")
    exposure = write_sci(tmp_path / "one_flt.fits", texture((40, 50)), header)
    (made,) = blot_files(source, [exposure], tmp_path, addsky=False, fill_value=-7.0)
    left_out = np.isnan(only(exposure, made.path).residual_sigma)
    np.testing.assert_array_equal(left_out, fits.getdata(made.path) == -7)
    assert 0.05 < left_out.mean() < 0.95


def test_without_errors_one_number_stands_for_them(demo, tmp_path):
    def remove(hdus):
        del hdus["ERR", 1]

    exposure = rewrite(demo.exposures[0], tmp_path / "bare_flc.fits", remove)
    found = only(f"{exposure}[sci,1]", blot_path(demo))
    assert "the robust scatter" in found.facts["σ"]
    spread = 1.4826 * np.median(np.abs(found.residual_sigma - np.median(found.residual_sigma)))
    assert spread == pytest.approx(1, abs=1e-5)


def test_files_without_a_wcs_have_no_positions(tmp_path):
    random = np.random.default_rng(2)
    names = []
    for name in ("exposure.fits", "blot.fits"):
        fits.writeto(tmp_path / name, random.normal(10, 1, (30, 40)).astype("f4"))
        names.append(tmp_path / name)
    assert only(*names).wcs is None
    assert report_of_mosaic(names[0]).wcs is None


def test_a_mosaic_is_its_pixels_and_weights(demo):
    found = report_of_mosaic(demo.median)
    np.testing.assert_array_equal(found.image, fits.getdata(demo.median, "SCI"))
    assert found.wcs is not None
    assert found.links == {"mosaic": demo.median}
    with fits.open(demo.median) as hdus:
        assert (found.weight is not None) == ("WHT" in hdus)


def test_a_mosaic_that_is_large_is_shown_in_blocks(demo, monkeypatch):
    image = fits.getdata(demo.median, "SCI")
    monkeypatch.setattr(files, "_MOST_PIXELS", image.size // 5)
    monkeypatch.setattr(files, "_ROWS", 40)
    found = report_of_mosaic(demo.median)
    ny, nx = (-(-size // 3) for size in image.shape)
    assert found.image.shape == (ny, nx)
    np.testing.assert_allclose(found.image[2, 3], np.nanmean(image[6:9, 9:12]), rtol=1e-5)
    assert found.name.endswith(" in blocks of 3 × 3 pixels")
    assert found.wcs is None  # positions would be those of blocks


def test_shapes_that_differ_are_refused(demo, tmp_path):
    other = write_sci(tmp_path / "other.fits", texture((20, 30)))
    with pytest.raises(
        DataError,
        match=(
            r"other.fits\[sci,1\]: its image has shape \(20, 30\), expected that of .*sci,1\], "
            r"\(96, 160\)"
        ),
    ):
        only(f"{demo.exposures[0]}[sci,1]", other)
    with pytest.raises(FileError, match=r"gone\.fits: no such file"):
        only(f"{demo.exposures[0]}[sci,1]", tmp_path / "gone.fits")


def test_units_that_differ_and_misalignment_are_noted(demo, tmp_path):
    def change(hdus):
        hdus["SCI"].header["BUNIT"] = "ELECTRONS/S"
        hdus["SCI"].data = np.roll(hdus["SCI"].data, 1, axis=1)

    blot = rewrite(blot_path(demo), tmp_path / "moved_blt.fits", change)
    notes = only(f"{demo.exposures[0]}[sci,1]", blot).notes
    assert any("ELECTRONS and the blot in ELECTRONS/S" in note for note in notes)
    assert any("pixel from where the blot has them" in note for note in notes)


def test_a_roman_exposure_has_a_report(tmp_path):
    made = make_demo(tmp_path, "roman", exposures=1, chip_shape=(64, 64))
    (result,) = blot_files(made.median, made.exposures, tmp_path)
    found = only(made.exposures[0], result.path)
    assert found.exposure.shape == (64, 64)
    assert found.unit == "DN/s"
    assert np.isfinite(found.residual_sigma).mean() > 0.5


def test_a_rejection_is_reported(demo, tmp_path):
    page = tmp_path / "page.html"
    with open_report(page, title="t", parameters={}, size=64, stamps=1) as report:
        results = reject_files(demo.median, demo.exposures, tmp_path, pictures=report.pictures)
        for result in results:
            report.add(result.picture, order=result.reference)
    assert report.count == len(results) == 4
    values = results[0].picture.values
    assert values["masked"]
    assert ("rule", "skyblot") in values["facts"]
    assert ("mask", results[0].path.name) in values["links"]
    assert "picture" not in repr(results[0])
    text = page.read_text(encoding="utf-8")
    assert text.index(f"{demo.exposures[0].name}[sci,2]") < text.index(
        f"{demo.exposures[1].name}[sci,1]"
    )


# skyblot show.


def test_a_blot_is_shown_with_its_exposure_and_the_difference(demo, tmp_path):
    made = show(blot_path(demo), tmp_path / "p.png")
    assert made.panels == ("Exposure", "Blot", "Difference")
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.format == "PNG"
        assert picture.size[1] > picture.size[0]  # three wide chips, one below the other


def test_the_name_says_the_kind_of_picture(demo, tmp_path):
    for name, start in (("p.pdf", b"%PDF-"), ("p.SVG", b"<?xml"), ("p.png", b"\x89PNG")):
        assert show(demo.median, tmp_path / name).path.read_bytes().startswith(start)
    with pytest.raises(SkyblotError, match=r"p\.gif: is no name of a picture, expected \.png, "):
        show(demo.median, tmp_path / "p.gif")
    assert not (tmp_path / "p.gif").exists()


def test_an_exposure_is_shown_with_the_blot_beside_it(demo, tmp_path):
    assert show(f"{demo.exposures[0]}[sci,2]", tmp_path / "p.png").panels == (
        "Exposure",
        "Blot",
        "Difference",
    )
    assert show(demo.exposures[0], tmp_path / "q.png").panels == ("Exposure", "Blot", "Difference")


def test_the_exposure_is_found_beside_a_blot_that_was_moved(demo, tmp_path):
    blot = shutil.copy(blot_path(demo), tmp_path)
    exposure = shutil.copy(demo.exposures[0], tmp_path)

    def forget(hdus):
        hdus["SCI"].header["BLOTREF"] = f"nowhere/{demo.exposures[0].name}[sci,1]"

    moved = rewrite(blot, tmp_path / "x_blt.fits", forget)
    assert len(show(moved, tmp_path / "p.png").panels) == 3
    (tmp_path / demo.exposures[0].name).unlink()
    assert show(moved, tmp_path / "q.png").panels == ("Blot",)
    assert not (tmp_path / exposure).exists()


def test_any_other_image_is_shown_alone(demo, tmp_path):
    assert show(demo.median, tmp_path / "p.png").panels == ("Image",)
    labels = write_sci(tmp_path / "labels.fits", np.arange(600, dtype="i4").reshape(20, 30))
    assert show(labels, tmp_path / "q.png").panels == ("Image",)


def test_a_picture_of_equal_values_and_of_none(tmp_path):
    for name, value in (("flat", 3.0), ("none", np.nan)):
        path = write_sci(tmp_path / f"{name}.fits", np.full((20, 30), value, "f4"))
        assert show(path, tmp_path / f"{name}.png").path.stat().st_size > 1000


def test_an_exposure_of_another_shape_is_not_subtracted(demo, tmp_path):
    write_sci(tmp_path / demo.exposures[0].name, texture((20, 30)))

    def point(hdus):
        hdus["SCI"].header["BLOTREF"] = f"{demo.exposures[0].name}[sci,1]"

    blot = rewrite(blot_path(demo), tmp_path / "y_blt.fits", point)
    assert show(blot, tmp_path / "p.png").panels == ("Blot",)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(each) for each in arguments])
    return caught.value.code, *capsys.readouterr()


@pytest.fixture(autouse=True)
def messages_restored():
    """Put back what the command line sets up."""
    import logging
    import warnings

    from astropy import log

    root, package = logging.getLogger(), logging.getLogger("skyblot")
    before = root.handlers[:], root.level, package.level, log.level
    with warnings.catch_warnings():
        yield
    root.handlers[:] = before[0]
    for logger, level in zip((root, package, log), before[1:], strict=True):
        logger.setLevel(level)


def test_the_command_names_the_picture_after_the_file(demo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = blot_path(demo).with_suffix(".png").name
    assert run(capsys, "show", blot_path(demo)) == (0, f"{name}  exposure, blot, difference\n", "")
    code, _, errors = run(capsys, "show", blot_path(demo))
    assert code == 2
    assert f"{name}: exists already" in errors
    assert run(capsys, "show", blot_path(demo), "--overwrite", "-q") == (0, "", "")
    assert run(capsys, "show", f"{demo.exposures[0]}[sci,2]", "-q")[0] == 0
    assert (tmp_path / f"{demo.exposures[0].stem}_sci2.png").is_file()


def test_bad_files_are_one_sentence(tmp_path, capsys):
    code, _, errors = run(capsys, "show", tmp_path / "gone.fits", "-o", tmp_path / "p.png")
    assert (code, errors) == (2, f"skyblot: error: {tmp_path}/gone.fits: no such file\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_is_one_sentence(demo, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        SkyblotError, match=rf"the package {package}: pip install matplotlib jinja2"
    ):
        show(demo.median, tmp_path / "p.png")


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import skyblot", "numba astropy matplotlib jinja2 PIL"),
        ("import skyblot.report", "numba matplotlib jinja2 PIL dask"),
        (
            "from skyblot.cli import main; main(['show', '--help'])",
            "numba astropy numpy matplotlib jinja2 PIL",
        ),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code, heavy):
    script = f"import atexit, sys\natexit.register(lambda: print('@', *sys.modules))\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.partition("@")[2].split()) & set(heavy.split()) == set()
