"""Exposures in, masks out: against the truth of the demo set, and what goes wrong."""

import csv
import json
import warnings

import numpy as np
import pytest
from astropy.io import fits
from samples import digests, no_space, rewrite

import skyblot
from skyblot import BatchError, DataError, FileError, ParameterError, SkyblotError, SkyblotWarning
from skyblot.mosaics import single

NAMES = ["skydemo_chips.csv", "skydemo_chips.json"]


#: Bad pixels of noise: twice those of the truth as the blot, 1.7e-4, most of them beside hits.
NOISE = 3.4e-4


def clean(exposures, folder, **more):
    """Masks alone; exposures overlap in part only."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*no other exposure covers \d\d? percent")
        return skyblot.clean_files(exposures, folder, **{"mosaic": False, **more})


@pytest.fixture(scope="session")
def done(small, tmp_path_factory):
    """What a run of the small set has written: folder, result, and what the inputs were before."""
    before = digests(small.folder)
    folder = tmp_path_factory.mktemp("clean") / "deep" / "out"
    return folder, clean(small.exposures, folder), before


def masks_of(result):
    """True: bad; by the exposure's name and the number of its chip."""
    found = {}
    for mask in result.masks:
        name, _, extension = str(mask.reference).rpartition("/")[2].partition("[")
        found[name, int(extension.rstrip("]").partition(",")[2])] = fits.getdata(mask.path) == 0
    return found


def chips(small):
    """Of each chip: its names, exposure, and truth: where cosmic rays are, and the rest."""
    for path, truth in zip(small.exposures, small.truth, strict=True):
        for chip in (1, 2):
            data = fits.getdata(path, ("SCI", chip))
            clean = fits.getdata(truth, ("CLEAN", chip))
            cosmic = fits.getdata(truth, ("CRMASK", chip)) > 0
            flagged = fits.getdata(path, ("DQ", chip)) > 0
            yield (path.name, chip), data, clean, cosmic, flagged


def tell(small, result, chosen=lambda name: True):
    """What part of bright hits is found, and of clean pixels is bad; how many are bright."""
    masks = masks_of(result)
    found, false, bright, rest = 0, 0, 0, 0
    for name, data, clean, cosmic, flagged in chips(small):
        if name in masks and chosen(name):
            hit = cosmic & ~flagged & (data - clean > 10 * np.sqrt(clean + 10))
            found += masks[name][hit].sum()
            bright += hit.sum()
            false += masks[name][~cosmic].sum()
            rest += (~cosmic).sum()
    return found / bright, false / rest, bright


class TestMasks:
    def test_have_the_cosmic_rays_and_little_else(self, small, done):
        complete, false, bright = tell(small, done[1])
        # a tenth of the pixels of this set lies where one exposure alone covers: not judged
        assert bright > 500
        assert complete > 0.85
        assert false < NOISE

    def test_where_others_cover_nearly_all_are_found(self, small, done, opened):
        from skyblot.mosaics.cover import counts_on
        from skyblot.mosaics.stack import Stack, fill_stack

        stack = Stack.empty(opened.frame.shape, 4)
        list(fill_stack(stack, opened.chips, 2))
        masks = masks_of(done[1])
        cover = {}
        for chip in opened.chips:
            number = chip.image.number if chip.where.extension is None else chip.where.extension
            key = chip.where.path.name, number[1] if isinstance(number, tuple) else number
            cover[key] = counts_on(chip, stack.counts, 1)
        found = there = 0
        for name, data, clean, cosmic, flagged in chips(small):
            hit = cosmic & ~flagged & (data - clean > 10 * np.sqrt(clean + 10))
            hit &= cover[name] >= 2
            found += masks[name][hit].sum()
            there += hit.sum()
        assert there > 400
        # of 10 sigma, 4.5 are needed: what is missed lies at sources, 3 percent of this sky
        assert found / there > 0.97

    def test_have_the_names_and_the_form_of_reject(self, small, done):
        folder, result, _ = done
        roots = [path.name.split("_")[0] for path in small.exposures]
        masks = [f"{root}_sci{chip}_crmask.fits" for root in roots for chip in (1, 2)]
        assert [mask.path.name for mask in result.masks] == masks
        assert sorted(path.name for path in folder.iterdir()) == sorted([*masks, *NAMES])
        for mask in result.masks:
            with fits.open(mask.path) as hdus:
                assert hdus[0].data.dtype == np.uint8
                assert hdus[0].header["CREXP"] == mask.reference

    def test_leave_the_exposures_as_they_were(self, small, done):
        assert digests(small.folder) == done[2]

    @pytest.mark.parametrize("threads", [1, 5])
    def test_have_the_same_bits_for_any_number_of_threads(self, small, done, tmp_path, threads):
        again = masks_of(clean(small.exposures, tmp_path, threads=threads))
        for name, mask in masks_of(done[1]).items():
            np.testing.assert_array_equal(again[name], mask)

    def test_of_one_pass_are_nearly_the_same(self, small, done, tmp_path):
        complete, _, _ = tell(small, clean(small.exposures, tmp_path, passes=1))
        assert complete > tell(small, done[1])[0] - 0.02


class TestFewExposures:
    def test_of_two_the_higher_is_the_suspect(self, small, tmp_path):
        result = clean(small.exposures[:2], tmp_path)
        complete, false, _ = tell(small, result)
        assert complete > 0.7  # a fifth of either lies beside the other
        # hits are a percent of the pixels: what one has makes the other no suspect
        assert false < NOISE

    def test_one_is_left_as_it_is_and_said_to_be(self, small, tmp_path):
        with pytest.warns(SkyblotWarning, match="no other exposure covers 100 percent"):
            result = clean(small.exposures[:1], tmp_path)
        assert not any(mask.any() for mask in masks_of(result).values())
        assert [row.judged for row in result.rows] == [0, 0]
        assert repr(result) == "CleanResult(no mosaic: 2 chips, nothing judged)"

    def test_a_chip_of_an_exposure_is_enough(self, small, tmp_path):
        first, second, third = small.exposures[:3]
        result = clean([first, second, f"{third}[sci,1]"], tmp_path)
        assert len(result.masks) == 5
        assert (third.name, 2) not in masks_of(result)
        assert tell(small, result, lambda name: name == (third.name, 1))[0] > 0.7

    def test_nothing_is_refused(self, tmp_path):
        with pytest.raises(ParameterError, match="none is named, expected some"):
            clean([], tmp_path)


class TestTable:
    def test_has_a_row_for_each_chip_in_two_forms(self, small, done):
        folder, result, _ = done
        with (folder / NAMES[0]).open(newline="") as file:
            rows = list(csv.DictReader(file))
        records = json.loads((folder / NAMES[1]).read_text())
        assert [row["mask"] for row in rows] == [mask.path.name for mask in result.masks]
        for row, record in zip(rows, records, strict=True):
            assert list(row) == list(record)
            for name, value in record.items():
                assert row[name] == ("" if value is None else str(value))

    def test_says_what_the_masks_and_headers_say(self, small, done):
        _, result, _ = done
        masks = masks_of(result)
        for row in result.rows:
            chip = int(row.extension.partition(",")[2])
            header = fits.getheader(small.folder / row.exposure, ("SCI", chip))
            level, noise = header["MDRIZSKY"], np.sqrt(header["MDRIZSKY"] + 3.08**2)
            # of all chips alike: the level of the lowest sky, which faint wings of stars raise
            assert row.rejected == masks[row.exposure, chip].sum()
            assert row.fraction == pytest.approx(row.rejected / row.judged)
            assert abs(row.sky - level) < 0.1 * noise
            assert np.hypot(row.dx, row.dy) < 0.05
            assert abs(row.flux_ratio - 1) < 5 * row.flux_ratio_error + 0.02


class TestFailures:
    def test_a_file_that_cannot_be_read_ends_no_run(self, small, tmp_path):
        bad = tmp_path / "bad_flc.fits"
        bad.write_bytes(b"no image")
        with pytest.raises(BatchError, match="1 of 7 masks could not be made") as caught:
            clean([*small.exposures[:3], bad], tmp_path / "out")
        assert len(caught.value.results) == 6
        with pytest.raises(FileError, match=r"bad_flc\.fits: not a readable FITS file"):
            clean([bad], tmp_path / "none")
        assert not (tmp_path / "none").exists()

    def test_an_exposure_of_another_place_is_told_of(self, small, tmp_path):
        def move(hdus):
            for chip in (1, 2):
                hdus["SCI", chip].header["CRPIX1"] += 15

        moved = tmp_path / small.exposures[3].name
        rewrite(small.exposures[3], moved, move)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkyblotWarning)
            with pytest.raises(BatchError, match="the blot does not match it") as caught:
                clean([*small.exposures[:3], moved], tmp_path / "out")
        failed = {failure.reference for failure in caught.value.failures}
        assert all(moved.name in reference for reference in failed)
        rows = json.loads((tmp_path / "out" / NAMES[1]).read_text())
        assert ["does not match" in row["warnings"] for row in rows][:6] == [False] * 6
        assert any("does not match" in row["warnings"] for row in rows[6:])

    def test_one_half_a_pixel_off_is_warned_of_and_the_rest_is_as_good(self, small, tmp_path):
        def move(hdus):
            for chip in (1, 2):
                hdus["SCI", chip].header["CRPIX1"] += 0.5

        moved = tmp_path / small.exposures[3].name
        rewrite(small.exposures[3], moved, move)
        with pytest.warns(SkyblotWarning, match="more than 0.1 pixel"):
            result = clean([*small.exposures[:3], moved], tmp_path / "out")
        # 0.5 pixel against the mean of three others
        assert [round(row.dx, 1) for row in result.rows[6:]] == [-0.5, -0.5]
        assert tell(small, result)[1] < NOISE

    def test_exposures_of_two_fields_are_matched_apart(self, small, tmp_path):
        def elsewhere(hdus):
            for chip in (1, 2):
                hdus["SCI", chip].header["CRVAL2"] += 0.01

        moved = tmp_path / small.exposures[3].name
        rewrite(small.exposures[3], moved, elsewhere)
        with pytest.warns(SkyblotWarning) as caught:
            result = clean([*small.exposures[:3], moved], tmp_path / "out")
        said = [str(each.message) for each in caught]
        assert any("no overlaps connect 2 groups of exposures" in text for text in said)
        assert [row.judged > 0 for row in result.rows] == [True] * 6 + [False] * 2

    def test_fields_too_far_apart_are_refused(self, small, tmp_path):
        def far(hdus):
            for chip in (1, 2):
                hdus["SCI", chip].header["CRVAL2"] += 3

        moved = tmp_path / small.exposures[3].name
        rewrite(small.exposures[3], moved, far)
        with pytest.raises(DataError, match="lies 3 degrees from the other exposures"):
            clean([*small.exposures[:3], moved], tmp_path / "out")

    def test_a_full_disk_leaves_nothing_half_written(self, small, tmp_path, monkeypatch):
        monkeypatch.setattr("os.fsync", no_space)
        with pytest.raises(SkyblotError, match="No space left"):
            clean(small.exposures[:2], tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []

    def test_what_is_there_is_not_replaced(self, small, done):
        before = digests(done[0])
        with pytest.raises(FileError, match="exists"):
            clean(small.exposures, done[0])
        assert digests(done[0]) == before

    def test_lacosmic_is_asked_for_where_it_is_missing(self, monkeypatch):
        monkeypatch.setattr(single, "find_spec", lambda name: None)
        with pytest.raises(SkyblotError, match="--single lacosmic needs the package astroscrappy"):
            single.require_astroscrappy()


def test_a_dry_run_names_what_would_be_written_and_writes_nothing(small, run, tmp_path):
    folder = tmp_path / "out"
    code, said, _ = run(
        "clean",
        *small.exposures,
        "--output-dir",
        folder,
        "--no-mosaic",
        "--name",
        "my",
        "--dry-run",
    )
    assert not code
    assert not folder.exists()
    lines = said.splitlines()
    assert lines[0].startswith("8 chips of 4 exposures, a mosaic of ")
    assert f"{folder}/my_chips.csv" in lines
    assert sum(line.endswith("_crmask.fits") for line in lines) == 8
