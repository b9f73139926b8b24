"""Cosmic rays in files: masks, flagged and cleaned copies, and what is refused."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from mask_files import changed, read
from samples import CHIP_SHAPE, digests

import skyblot
from skyblot import BatchError, reject, reject_files
from skyblot.errors import FileError, ParameterError
from skyblot.io.names import parse_name
from skyblot.io.products import copy_name


class TestMasks:
    def test_names_and_form(self, demo, made):
        _, results, _ = made
        roots = [path.name.split("_")[0] for path in demo.exposures]
        names = [f"{root}_sci{chip}_crmask.fits" for root in roots for chip in (1, 2)]
        assert [result.path.name for result in results] == names
        for result in results:
            with fits.open(result.path) as hdus:
                assert len(hdus) == 1
                assert hdus[0].data.dtype == np.uint8
                assert hdus[0].shape == CHIP_SHAPE == result.shape
                assert set(np.unique(hdus[0].data)) == {0, 1}
                assert hdus[0].header["CREXP"] == result.reference
                assert hdus[0].header["CRRULE"] == "skyblot"
                assert hdus[0].header["CRFRAC"] == pytest.approx(result.fraction)
                assert hdus[0].header["CRDX"] == pytest.approx(result.misalignment[0])

    def test_are_those_of_the_arrays(self, demo, made):
        """The same blot, errors, flags and gain, taken from the files by hand."""
        folder, results, _ = made
        for path, result in zip(np.repeat(demo.exposures, 2), results, strict=True):
            chip = parse_name(result.reference).extension[1]
            blot = read(folder / result.path.name.replace("_crmask", "_blt"), ("SCI", 1))
            found = reject(
                read(path, ("SCI", chip)), blot, read(path, ("ERR", chip)), gain=1.0,
                valid=read(path, ("DQ", chip)) == 0, exposures=2,
            )  # fmt: skip
            np.testing.assert_array_equal(read(result.path) == 0, found.mask)
            assert result.misalignment == found.misalignment
            assert result.background == found.background
            assert (result.rejected, result.judged) == (found.mask.sum(), found.valid.sum())

    def test_find_the_cosmic_rays_and_little_else(self, demo, made):
        """Of the demo, whose truth is known: nearly all above 10 sigma, few of the clean pixels."""
        for path, result in zip(np.repeat(demo.truth, 2), made[1], strict=True):
            chip = parse_name(result.reference).extension[1]
            cosmic, clean = read(path, ("CRMASK", chip)) > 0, read(path, ("CLEAN", chip))
            exposure = read(result.reference.partition("[")[0], ("SCI", chip))
            bright = cosmic & (exposure - clean > 10 * np.sqrt(clean + 10))
            mask = read(result.path) == 0
            assert bright.sum() > 50
            assert mask[bright].mean() > 0.99
            # neighbours of hits above 2.4 sigma, and twice what the truth as the blot rejects
            assert mask[~cosmic].mean() < 6e-4

    def test_the_saved_blots_are_the_usual_ones(self, demo, made, out):
        usual = skyblot.blot_files(demo.median, demo.exposures, out, fill_value="nan")
        for each in usual:
            np.testing.assert_array_equal(
                read(each.path, ("SCI", 1)), read(made[0] / each.path.name, ("SCI", 1))
            )

    def test_nothing_else_is_written_unless_asked_for(self, demo, out):
        results = reject_files(demo.median, demo.exposures[:1], out)
        assert sorted(each.name for each in out.iterdir()) == sorted(
            each.path.name for each in results
        )

    def test_inputs_are_left_as_they_were(self, demo, made):
        assert digests(demo.folder) == made[2]

    def test_a_blot_that_does_not_cover_the_exposure_leaves_pixels_out(self, demo, out):
        def half(hdus):
            hdus["SCI", 1].header["CRPIX1"] -= 130

        moved = changed(demo, out / "moved_flc.fits", half)
        result = reject_files(demo.median, [f"{moved}[sci,1]"], out)[0]
        assert 0.1 < result.covered < 0.9
        assert result.judged <= round(result.covered * np.prod(CHIP_SHAPE))


class TestCopies:
    @pytest.fixture
    def pairs(self, demo, made):
        """Exposure, label of the copy, and the copy, by label."""
        names = {
            label: [made[0] / copy_name(parse_name(path), label) for path in demo.exposures]
            for label in LABELS
        }
        return {
            label: list(zip(demo.exposures, paths, strict=True)) for label, paths in names.items()
        }

    def test_flags_are_added_where_the_mask_is_bad(self, made, pairs):
        for exposure, copy in pairs["crdq"]:
            for chip in (1, 2):
                mask = read(made[0] / f"{exposure.name.split('_')[0]}_sci{chip}_crmask.fits")
                before, after = (read(path, ("DQ", chip)) for path in (exposure, copy))
                np.testing.assert_array_equal(after, before | np.where(mask == 0, 4096, 0))
                np.testing.assert_array_equal(
                    read(copy, ("SCI", chip)), read(exposure, ("SCI", chip))
                )

    def test_bad_pixels_get_the_blot_on_the_level_of_the_exposure(self, made, pairs):
        for exposure, copy in pairs["crclean"]:
            for chip in (1, 2):
                root = exposure.name.split("_")[0]
                bad = read(made[0] / f"{root}_sci{chip}_crmask.fits") == 0
                blot = read(made[0] / f"{root}_sci{chip}_blt.fits", ("SCI", 1))
                result = next(
                    each for each in made[1] if each.path.name == f"{root}_sci{chip}_crmask.fits"
                )
                before, after = (read(path, ("SCI", chip)) for path in (exposure, copy))
                np.testing.assert_array_equal(after[~bad], before[~bad])
                np.testing.assert_array_equal(
                    after[bad], (blot + result.background).astype("f4")[bad]
                )

    def test_everything_else_is_as_in_the_exposure(self, pairs):
        for exposure, copy in [*pairs["crdq"], *pairs["crclean"]]:
            with fits.open(exposure) as one, fits.open(copy) as other:
                assert [(each.name, each.ver) for each in one] == [
                    (each.name, each.ver) for each in other
                ]
                for keyword in ("HISTORY", "CRKEY"):
                    other[0].header.remove(keyword)
                for before, after in zip(one, other, strict=True):
                    found = fits.HeaderDiff(
                        before.header, after.header, ignore_keywords=["FILENAME"]
                    )
                    assert found.identical, found.report()
                np.testing.assert_array_equal(one["ERR", 1].data, other["ERR", 1].data)
                assert other[0].header["FILENAME"] == copy.name

    def test_one_chip_alone_leaves_the_other_as_it_is(self, demo, out):
        path = demo.exposures[0]
        reject_files(demo.median, [f"{path}[sci,2]"], out, update_dq=True)
        copy = out / copy_name(parse_name(path), "crdq")
        np.testing.assert_array_equal(read(copy, ("DQ", 1)), read(path, ("DQ", 1)))
        assert (read(copy, ("DQ", 2)) & 4096).any()


LABELS = ("crdq", "crclean")


@pytest.mark.parametrize(("kind", "bits"), [("jwst", 1 | 16), ("roman", 1 | 128)])
def test_the_webb_and_roman_telescopes(kind, bits, tmp_path):
    pytest.importorskip("gwcs")
    asdf = pytest.importorskip("asdf")
    made = skyblot.make_demo(tmp_path, kind, exposures=2, chip_shape=(120, 130))
    results = reject_files(made.median, made.exposures, tmp_path, update_dq=True, clean=True)
    for exposure, result in zip(made.exposures, results, strict=True):
        mask = read(result.path) == 0
        labels = ("crf" if kind == "jwst" else "crdq", "crclean")
        flagged, clean = (tmp_path / copy_name(parse_name(exposure), label) for label in labels)
        if kind == "jwst":
            dq, after = read(exposure, "DQ"), read(flagged, "DQ")
            before, cleaned = read(exposure, "SCI"), read(clean, "SCI")
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # tags of Roman's metadata
                planes = [
                    asdf.open(path, lazy_load=False, memmap=False)
                    for path in (exposure, flagged, clean)
                ]
                dq, after = (np.array(each["roman"]["dq"]) for each in planes[:2])
                before, cleaned = (np.array(planes[n]["roman"]["data"]) for n in (0, 2))
                for each in planes:
                    each.close()
        assert mask.any()
        np.testing.assert_array_equal(after, dq | np.where(mask, bits, 0).astype(dq.dtype))
        np.testing.assert_array_equal(cleaned[~mask], before[~mask])
        assert not np.isclose(cleaned[mask], before[mask]).any()


class TestRefusals:
    def test_an_output_that_is_there_is_refused_before_any_work(self, demo, out):
        last = out / f"{demo.exposures[1].name.split('_')[0]}_sci2_crmask.fits"
        last.write_text("mine")
        with pytest.raises(FileError, match="exists already"):
            reject_files(demo.median, demo.exposures, out)
        assert [each.name for each in out.iterdir()] == [last.name]
        reject_files(demo.median, demo.exposures, out, overwrite=True)
        assert read(last).dtype == np.uint8

    def test_an_input_is_never_overwritten(self, demo, out):
        path = changed(demo, out / "x_crdq.fits", lambda hdus: None)
        with pytest.raises(FileError, match=r"x_crdq.fits: is an input file"):
            reject_files(demo.median, [path], out, update_dq=True, overwrite=True)

    def test_two_exposures_for_one_mask(self, demo, out):
        for folder in ("a", "b"):
            (out / folder).mkdir()
            changed(demo, out / folder / "x_flc.fits", lambda hdus: None)
        with pytest.raises(ParameterError, match="two references would be written to this file"):
            reject_files(demo.median, [out / "a" / "x_flc.fits", out / "b" / "x_flc.fits"], out)

    def test_other_exposures_go_on(self, demo, out):
        bad = out / "bad_flc.fits"
        bad.write_bytes(b"no FITS")
        with pytest.raises(BatchError, match="1 of 3 masks could not be made") as caught:
            reject_files(demo.median, [bad, demo.exposures[0]], out)
        assert len(caught.value.results) == 2

    @pytest.mark.parametrize("given", [{"rule": "plane"}, {"growth": 2}, {"criteria": {"snr": 3}}])
    def test_criteria_are_checked_before_any_work(self, demo, out, given):
        with pytest.raises(ParameterError):
            reject_files(demo.median, demo.exposures, out, **given)
        assert not list(out.iterdir())
