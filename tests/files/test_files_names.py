"""Files: the names of extensions, of exposures and of blots."""

import os

import numpy as np
import pytest
import samples
from astropy.io import fits
from samples import CHIP_SHAPE, RAW, blots_watched, tan_header, tasks_of, write_sci

from skyblot import SkyblotWarning, blot_file, blot_files
from skyblot.errors import ParameterError


@pytest.mark.parametrize("source", ["", "[1]", "[sci]", "[SCI,1]"])
@pytest.mark.parametrize("reference", ["[1]", "[sci]", "[sci,1]", "[SCI, 1]"])
def test_every_way_to_name_an_extension(demo, blot1, tmp_path, source, reference):
    path = blot_file(
        f"{demo.median}{source}", f"{demo.exposures[0]}{reference}", tmp_path / "blt.fits"
    )
    np.testing.assert_array_equal(fits.getdata(path, "SCI"), blot1[1])
    assert fits.getval(path, "BLOTREF", "SCI") == f"{demo.exposures[0]}[sci,1]"


@pytest.mark.parametrize(
    "name", ["odd [1] name.fits", "brackets.fits[sci,1]", "ωmega α.fits", "no suffix", "a.b.c.fits"]
)
def test_odd_file_names(pair, tmp_path, name):
    expected = fits.getdata(blot_file(*pair, tmp_path / "expected.fits"), "SCI")
    folder = tmp_path / "odd"
    folder.mkdir()
    for each in pair:
        each.rename(folder / each.name)
    source, reference = (
        (folder / pair[0].name).rename(folder / f"s {name}"),
        (folder / pair[1].name).rename(folder / name),
    )
    path = blot_file(source, reference, folder / f"blot {name}")
    with fits.open(path) as hdus:
        hdus.verify("exception")
        np.testing.assert_array_equal(hdus["SCI"].data, expected)
    assert blot_file(f"{source}[sci,1]", f"{reference}[sci,1]", folder / "again.fits").is_file()


def test_a_reference_with_several_chips_is_a_warning(demo, blot1, tmp_path):
    with pytest.warns(SkyblotWarning, match=r"has 2 images, the first, \[sci,1\], is used"):
        path = blot_file(demo.median, demo.exposures[0], tmp_path / "blt.fits")
    np.testing.assert_array_equal(fits.getdata(path, "SCI"), blot1[1])


def test_blot_files(demo, blot1, tmp_path):
    seen = []
    references = [demo.exposures[0], f"{demo.exposures[1]}[sci,2]"]
    results, _ = blots_watched(demo.median, references, tmp_path, seen.append)
    assert results == seen
    roots = [path.name.removesuffix("_flc.fits") for path in demo.exposures]
    names = [f"{roots[0]}_sci1_blt.fits", f"{roots[0]}_sci2_blt.fits", f"{roots[1]}_sci2_blt.fits"]
    assert [result.path for result in results] == [tmp_path / name for name in names]
    assert sorted(os.listdir(tmp_path)) == sorted(names)
    np.testing.assert_array_equal(fits.getdata(results[0].path, "SCI"), blot1[1])
    for result, chip in zip(results, (1, 2, 2), strict=True):
        assert result.shape == CHIP_SHAPE
        assert result.covered == 1.0
        assert result.seconds > 0
        assert result.source == f"{demo.median}[sci,1]"
        assert result.reference.endswith(f"_flc.fits[sci,{chip}]")


def test_two_references_for_one_name_are_refused_before_any_work(demo, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "out").mkdir()
    twin = tmp_path / "other" / demo.exposures[0].name
    twin.write_bytes(demo.exposures[0].read_bytes())
    with pytest.raises(ParameterError, match="two references would be written to this file"):
        tasks_of([demo.exposures[0], twin], tmp_path)
    with pytest.raises(ParameterError, match="two references"):
        blot_files(demo.median, [demo.exposures[0], f"{twin}[sci,2]"], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_one_exposure_named_twice_is_blotted_once(demo, tmp_path):
    name = f"{demo.exposures[0]}[sci,1]"
    assert len(blot_files(demo.median, [name, name], tmp_path)) == 1


def test_covered_is_the_fraction_that_the_source_covers(pair, tmp_path):
    header = tan_header((20, 24), ra=samples.RA)
    header["CRPIX1"] += 35 - 0.3  # the source begins at column 12.2 of 24
    reference = write_sci(tmp_path / "half_flt.fits", np.zeros((20, 24), "f4"), header)
    (result,) = blot_files(pair[0], [reference], tmp_path, fill_value=-7, **RAW)
    blot = fits.getdata(result.path, "SCI")
    assert result.covered == (blot != -7).mean() == 0.5
    assert (blot[:, :12] == -7).all() or (blot[:, 12:] == -7).all()
