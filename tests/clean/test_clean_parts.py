"""What clean does beside masks: shifts, lists, single exposures, resuming; its parts alone."""

import csv
import json
import shutil
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import binary_dilation

import skyblot
from skyblot.demo import make_demo
from skyblot.errors import ParameterError, SkyblotError, SkyblotWarning

#: Chips as large as their dithers leave covered by others nearly all over.
CHIP = (160, 320)
#: Degrees that the pointing of each exposure is off, and arcsec of a pixel.
ERRORS = [(0.0, 0.1), (0.3, -0.2), (-0.2, 0.2), (0.1, 0.0)]
PIXEL = 0.04


@pytest.fixture(scope="module")
def exposures(tmp_path_factory):
    """Four exposures of the demo sky."""
    return make_demo(tmp_path_factory.mktemp("clean"), chip_shape=CHIP).exposures


@pytest.fixture(scope="module")
def cleaned(exposures, tmp_path_factory):
    """All of them cleaned, with everything that there is."""
    folder = tmp_path_factory.mktemp("cleaned") / "new"
    return clean(exposures, folder, objects=True, save_median=True)


def clean(exposures, folder, **values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkyblotWarning)
        return skyblot.clean_files(exposures, folder, **values)


def misplaced(exposures, folder):
    """The exposures with errors of pointing."""
    copies = []
    for path, (x, y) in zip(exposures, ERRORS, strict=True):
        copy = shutil.copy(path, folder / path.name)
        with fits.open(copy, mode="update") as hdus:
            for chip in (1, 2):
                header = hdus["SCI", chip].header
                header["CRVAL1"] += x * PIXEL / 3600 / np.cos(np.radians(header["CRVAL2"]))
                header["CRVAL2"] += y * PIXEL / 3600
        copies.append(copy)
    return copies


def test_shifts_are_measured_and_applied(exposures, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    wrong = misplaced(exposures, folder)
    before = [fits.getdata(path, "SCI") for path in wrong]
    result = clean(wrong, tmp_path / "out", shift="fit", mosaic=False)
    left = np.array([(row.dx, row.dy) for row in result.rows])
    applied = np.array([(row.shift_x, row.shift_y) for row in result.rows])
    errors = np.array([row.dxy_error for row in result.rows])
    assert np.hypot(*applied.T).max() > 0.2
    assert (
        np.abs(left).max() < 5 * errors.max()
    )  # a first look would be off by a quarter of a pixel
    for path, data in zip(wrong, before, strict=True):
        np.testing.assert_array_equal(fits.getdata(path, "SCI"), data)


def test_objects_have_all_rejected_pixels_and_lie_where_they_are(cleaned):
    with open(cleaned.objects) as file:
        rows = list(csv.DictReader(file))
    pixels = {}
    for row in rows:
        name = row["exposure"], row["extension"]
        pixels[name] = pixels.get(name, 0) + int(row["pixels"])
    for mask in cleaned.masks:
        bad = np.count_nonzero(fits.getdata(mask.path) == 0)
        name = mask.where.path.name, mask.reference[mask.reference.rfind("[") + 1 : -1]
        assert pixels[name] == bad
    assert {row["kind"] for row in rows} <= {"hit", "track", "cluster", "trail"}
    first = next(row for row in rows if row["extension"] == "sci,1")
    with fits.open(cleaned.masks[0].where.path) as hdus:
        sky = WCS(hdus["SCI", 1].header, hdus).all_pix2world(
            float(first["x"]), float(first["y"]), 1
        )
    # the list has eleven digits, and six of a pixel
    np.testing.assert_allclose([float(first["ra"]), float(first["dec"])], sky, atol=1e-7)


def test_tables_say_the_same_as_the_results(cleaned):
    records = json.loads(cleaned.table.with_suffix(".json").read_text())
    with open(cleaned.table) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(records) == len(cleaned.rows) == 8
    for row, record, mask in zip(rows, records, cleaned.masks, strict=True):
        assert row["mask"] == record["mask"] == mask.path.name
        assert record["rejected"] == int(row["rejected"]) == mask.rejected
        assert record["sky"] == pytest.approx(mask.background + record["sky"], abs=0.5)


def test_what_is_there_is_kept(cleaned, exposures):
    folder = cleaned.table.parent
    states = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = clean(exposures, folder, objects=True, save_median=True, resume=True)
    assert again.kept
    assert [mask.path for mask in again.masks] == [mask.path for mask in cleaned.masks]
    assert all(mask.kept for mask in again.masks)
    assert [row.rejected for row in again.rows] == [row.rejected for row in cleaned.rows]
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == states


def test_what_is_missing_is_made_again_with_the_same_bits(cleaned, exposures):
    folder = cleaned.table.parent
    contents = {path: path.read_bytes() for path in folder.iterdir()}
    cleaned.masks[3].path.unlink()
    again = clean(exposures, folder, objects=True, save_median=True, resume=True)
    assert not again.kept
    assert {path: path.read_bytes() for path in folder.iterdir()} == contents


def test_the_mosaic_alone_is_that_of_clean(cleaned, exposures, tmp_path):
    path = skyblot.drizzle_files(exposures, tmp_path / "d.fits", masks=cleaned.table.parent)
    with fits.open(path) as mine, fits.open(cleaned.mosaic) as whole:
        for name in ("SCI", "WHT", "CTX", "ERR"):
            np.testing.assert_array_equal(mine[name].data, whole[name].data)


def test_the_stack_alone_is_that_of_clean_and_a_source_for_reject(cleaned, exposures, tmp_path):
    path = skyblot.median_files(exposures, tmp_path / "m.fits")
    with fits.open(path) as mine, fits.open(cleaned.median) as whole:
        for name in ("SCI", "WHT", "ERR"):
            np.testing.assert_array_equal(mine[name].data, whole[name].data)
    masks = skyblot.reject_files(path, exposures, tmp_path)
    assert all(0.002 < mask.fraction < 0.05 for mask in masks)


def test_a_mosaic_without_masks_has_the_cosmic_rays(cleaned, exposures, tmp_path):
    path = skyblot.drizzle_files(exposures, tmp_path / "d.fits", like=cleaned.mosaic)
    with fits.open(path) as mine, fits.open(cleaned.mosaic) as whole:
        assert np.nanmax(mine["SCI"].data - whole["SCI"].data) > 1
        assert np.nansum(mine["WHT"].data) > np.nansum(whole["WHT"].data)


@pytest.mark.parametrize("kernel", ["square", "turbo", "point"])
def test_every_kernel_keeps_the_sky_and_the_weights(exposures, tmp_path, kernel):
    path = skyblot.drizzle_files(exposures, tmp_path / "d.fits", kernel=kernel, pixfrac=0.8)
    with fits.open(path) as hdus:
        covered = hdus["WHT"].data > 0
        assert abs(np.median(hdus["SCI"].data[covered])) < 0.01
        seconds = sum(fits.getval(exposure, "EXPTIME") for exposure in exposures)
        total = hdus["WHT"].data.sum(dtype=float) / seconds
    usable = sum(
        np.count_nonzero((fits.getdata(exposures[0], ("DQ", chip)) & ~(336 | 12288)) == 0)
        for chip in (1, 2)
    )
    assert total == pytest.approx(usable, rel=0.02)  # other flags in other exposures


def test_one_exposure_alone_is_left_as_it_is(exposures, tmp_path):
    with pytest.warns(SkyblotWarning, match="no other exposure covers 100 percent of its pixels"):
        result = skyblot.clean_files(exposures[:1], tmp_path)
    assert all(fits.getdata(mask.path).all() for mask in result.masks)
    assert result.mosaic.is_file()


def test_one_exposure_alone_by_its_sharp_edges(exposures, tmp_path):
    pytest.importorskip("astroscrappy")
    with pytest.warns(SkyblotWarning, match=r"judged by L\.A\.Cosmic"):
        result = skyblot.clean_files(exposures[:1], tmp_path, single="lacosmic", clean=True)
    truth = exposures[0].with_name(exposures[0].name.replace("_flc", "_truth"))
    with fits.open(truth) as hdus:
        for chip, mask in enumerate(result.masks, 1):
            found = fits.getdata(mask.path) == 0
            rays = hdus["CRMASK", chip].data != 0
            bright = rays & (fits.getdata(exposures[0], ("SCI", chip)) > 200)
            assert np.count_nonzero(found & bright) > 0.7 * np.count_nonzero(bright)
            near = binary_dilation(rays, np.ones((3, 3)))  # it takes neighbours along
            assert np.count_nonzero(found & ~near) < 0.2 * np.count_nonzero(found)


def test_lacosmic_needs_its_package(exposures, tmp_path, monkeypatch):
    monkeypatch.setattr("skyblot.mosaics.single.find_spec", lambda name: None)
    with pytest.raises(SkyblotError, match="needs the package astroscrappy: pip install"):
        skyblot.clean_files(exposures, tmp_path, single="lacosmic")


def test_no_folder_in_a_name_and_too_little_memory(exposures, tmp_path):
    with pytest.raises(ParameterError, match="without a folder"):
        skyblot.clean_files(exposures, tmp_path, name="a/b")
    with pytest.raises(SkyblotError, match="the run: needs about"):
        skyblot.clean_files(exposures, tmp_path, memory="64M")
    assert not any(tmp_path.iterdir())


def test_masks_that_are_not_there_or_do_not_fit(exposures, tmp_path):
    output = tmp_path / "d.fits"
    with pytest.raises(SkyblotError, match=r"no mask of .*: expected .*_crmask\.fits"):
        skyblot.drizzle_files(exposures, output, masks=tmp_path)
    for exposure in exposures:
        for chip in (1, 2):
            name = exposure.name.replace("_flc.fits", f"_sci{chip}_crmask.fits")
            fits.writeto(tmp_path / name, np.ones((3, 4), np.uint8))
    with pytest.raises(SkyblotError, match="has shape"):
        skyblot.drizzle_files(exposures, output, masks=tmp_path)
    assert not output.exists()


def test_nothing_is_made_of_nothing(tmp_path):
    with pytest.raises(ParameterError, match="none is named"):
        skyblot.median_files([], tmp_path / "m.fits")
    with pytest.raises(ParameterError, match="none is named"):
        skyblot.clean_files([], tmp_path)


def test_weights_that_are_not_there(exposures, tmp_path):
    copies = []
    for exposure in exposures[:2]:
        with fits.open(exposure) as hdus:
            kept = fits.HDUList([hdu.copy() for hdu in hdus if hdu.name != "ERR"])
            for hdu in kept:
                hdu.header["BUNIT"] = "ELECTRONS/S" if hdu.name == "SCI" else ""
            kept[0].header.remove("EXPTIME")
            copies.append(tmp_path / exposure.name)
            kept.writeto(copies[-1])
    with pytest.raises(SkyblotError, match="no exposure time to weigh it by"):
        skyblot.drizzle_files(copies, tmp_path / "d.fits")
    with pytest.raises(SkyblotError, match="no errors to weigh it by"):
        skyblot.drizzle_files(copies, tmp_path / "d.fits", weight="err")
    skyblot.drizzle_files(copies, tmp_path / "d.fits", weight="ivm")


def test_commands_alone(exposures, tmp_path, capsys, message_settings):
    from skyblot.cli import main

    names = [str(path) for path in exposures]
    for command, more in (("median", ()), ("drizzle", ("--kernel", "point"))):
        output = tmp_path / f"{command}.fits"
        for extra in (("--dry-run",), ()):
            with pytest.raises(SystemExit) as end:
                main([command, *names, "-o", str(output), *more, *extra])
            assert not end.value.code
            assert output.exists() == (extra == ())
        assert str(output) in capsys.readouterr().out


def test_flagged_copies_record_the_sky(exposures, tmp_path):
    result = clean(exposures, tmp_path, update_dq=True, mosaic=False)
    for exposure in exposures:
        own = [row.sky for row in result.rows if row.exposure == exposure.name]
        copy = tmp_path / exposure.name.replace("_flc", "_crdq")
        recorded = [fits.getval(copy, "MDRIZSKY", ("SCI", chip)) for chip in (1, 2)]
        assert recorded == pytest.approx(own, rel=1e-5)  # a table has six digits
        assert recorded != pytest.approx(fits.getval(exposure, "MDRIZSKY", ("SCI", 1)), abs=1e-9)
    none = clean(exposures, tmp_path / "none", update_dq=True, mosaic=False, sky="none")
    copy = none.table.with_name(exposures[0].name.replace("_flc", "_crdq"))
    original = fits.getval(exposures[0], "MDRIZSKY", ("SCI", 1))
    assert fits.getval(copy, "MDRIZSKY", ("SCI", 1)) == original


@pytest.mark.parametrize("kind", ["jwst", "roman"])
def test_the_skies_of_jwst_and_roman_are_recorded_in_their_places(kind, tmp_path):
    asdf = pytest.importorskip("asdf")
    pytest.importorskip("gwcs")
    exposures = make_demo(tmp_path / "in", kind, exposures=2, chip_shape=(128, 128)).exposures
    result = clean(exposures, tmp_path / "out", update_dq=True)
    assert result.mosaic.name.endswith("_i2d.fits" if kind == "jwst" else "_coadd.asdf")
    for row in result.rows:
        if kind == "jwst":
            copy = next((tmp_path / "out").glob(row.exposure.replace("_cal", "_crf")))
            header = fits.getheader(copy, "SCI")
            level, subtracted = header["BKGLEVEL"], header["BKGSUB"]
        else:
            copy = next((tmp_path / "out").glob(row.exposure.replace("_cal", "_crdq")))
            with asdf.open(copy) as opened:
                background = opened["roman"]["meta"]["background"]
                level, subtracted = background["level"], background["subtracted"]
        assert level == pytest.approx(row.sky, rel=1e-5)
        assert subtracted is False


def test_exposures_in_dn_that_know_their_brightness_make_a_mosaic_in_mjy_per_sr(tmp_path):
    """As Roman's pipeline has it; all of them have to know it, each its own."""
    asdf = pytest.importorskip("asdf")
    pytest.importorskip("gwcs")
    paths = make_demo(tmp_path / "in", "roman", exposures=3, chip_shape=(128, 128)).exposures

    def calibrate(path, photometry):
        with asdf.open(path, lazy_load=False, memmap=False) as opened:
            tree = dict(opened["roman"])
        tree["meta"] = {**tree["meta"], "photometry": photometry}
        asdf.AsdfFile({"roman": tree}).write_to(path)

    def mosaic(folder):
        result = clean(paths, tmp_path / folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a tag of roman_datamodels
            opened = asdf.open(result.mosaic, lazy_load=False, memmap=False)
        with opened:
            meta = opened["roman"]["meta"]
            words = meta["skyblot"]["bunit"], meta["cal_step"]["flux"]
            return result, words, np.array(opened["roman"]["data"])

    for path in paths:
        calibrate(path, {"conversion_megajanskys": 0.332})
    result, words, known = mosaic("known")
    assert words == ("MJy/sr", "COMPLETE")
    calibrate(paths[2], {})
    plain, words, other = mosaic("plain")
    assert words == ("DN/s", "INCOMPLETE")
    # DN are those of a pixel, and the mosaic's are not quite as large as the exposures'
    area = float(np.median((known / other)[other > 0.5])) / 0.332
    assert area == pytest.approx(1.0, abs=1e-3)
    # robust levels of the sky end within a thousandth of their errors
    noise = 1.4826 * np.nanmedian(np.abs(known - np.nanmedian(known)))
    np.testing.assert_allclose(known, 0.332 * area * other, rtol=1e-5, atol=0.01 * noise)
    assert [row.rejected for row in result.rows] == [row.rejected for row in plain.rows]


def test_exposures_of_several_filters_are_told_of(exposures, tmp_path):
    copies = []
    for number, exposure in enumerate(exposures):
        copies.append(shutil.copy(exposure, tmp_path / exposure.name))
        fits.setval(copies[-1], "FILTER", value=("F606W", "F814W")[number // 2])
    with pytest.warns(SkyblotWarning, match=r"through 2 filters \(F606W, F814W\)"):
        skyblot.plan_clean(copies, tmp_path / "out")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skyblot.plan_clean(copies[:2], tmp_path / "out")


def test_the_order_in_which_chips_are_named_changes_nothing(exposures, tmp_path):
    """Those of an exposure may be named apart from each other: it is one exposure all the same."""
    names = [f"{path}[sci,{chip}]" for chip in (1, 2) for path in exposures[:3]]
    apart = clean(names, tmp_path / "apart")
    whole = clean(exposures[:3], tmp_path / "whole")
    for mask in whole.masks:
        other = tmp_path / "apart" / mask.path.name
        np.testing.assert_array_equal(fits.getdata(other), fits.getdata(mask.path))
    with fits.open(apart.mosaic) as one, fits.open(whole.mosaic) as other:
        np.testing.assert_array_equal(one["CTX"].data, other["CTX"].data)


def test_nothing_is_asked_for_beside_the_pixels_of_a_mosaic(cleaned, exposures, tmp_path):
    for make in (skyblot.clean_files, skyblot.median_files, skyblot.drizzle_files):
        with pytest.raises(ParameterError, match=r"like is given beside scale and rotation"):
            make(exposures, tmp_path / "x.fits", like=cleaned.mosaic, scale=0.05, rotation=0)
