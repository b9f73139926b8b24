"""Which image of a file is meant, whatever observatories call it, and names of products."""

import bz2
import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest
import samples
from astropy.io import fits
from samples import RAW, tan_header, texture, write_sci

from skyblot import SkyblotWarning, blot_file, blot_files, info
from skyblot.errors import FileError
from skyblot.io.images import blot_name, list_images, open_image
from skyblot.io.names import ImageName, parse_name, plain_name
from skyblot.io.products import copy_name, extension_label, root_of
from skyblot.report.show import show

OBSERVATORIES = [
    "ESO_CCD_#65",
    "DET1.CHIP1",
    "CCD-1",
    "Segment 00",
    "1A",
    "ccd1",
    "im 2/b",
    "CHIP1.INT1",
    "+x",
    "3-4-F.SCI",
]


def moved(number, shape=(20, 24)):
    """The header of chip `number`: each lies somewhere else, so that its own WCS tells it."""
    return tan_header(shape, BUNIT="counts/s", MDRIZSKY=0.0, CRPIX1=10.5 + number)


def chips(path, names, versions=None, primary=None, shape=(20, 24)):
    """Write a file with an image for each name; pixels of extension k are k."""
    hdus = fits.HDUList([primary or fits.PrimaryHDU()])
    for number, name in enumerate(names, 1):
        hdus.append(fits.ImageHDU(np.full(shape, number, "f4"), moved(number), name=name))
        if versions is not None:
            hdus[-1].header["EXTVER"] = versions[number - 1]
    hdus.writeto(path)
    return path


@pytest.fixture
def mosaic(tmp_path):
    return write_sci(
        tmp_path / "med.fits", texture((80, 90)), tan_header((80, 90), BUNIT="counts/s")
    )


class TestNumbers:
    """``x.fits[3]`` is that very HDU."""

    @pytest.mark.parametrize("names", [["CHIP"] * 3, ["SCI"] * 3, ["", "", ""], ["A", "B", "A"]])
    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_as_source_reference_and_for_info(self, tmp_path, mosaic, names, number):
        where = f"{chips(tmp_path / 'x_flt.fits', names)}[{number}]"
        (found,) = info(where)
        assert found.wcs.centre_deg == pytest.approx(info(mosaic)[0].wcs.centre_deg, abs=0.01)
        blot_file(mosaic, where, tmp_path / "b.fits", **RAW)
        assert fits.getval(tmp_path / "b.fits", "CRPIX1", "SCI") == 10.5 + number
        blot_file(where, mosaic, tmp_path / "s.fits", interp="nearest", **RAW)
        assert fits.getdata(tmp_path / "s.fits", "SCI").max() == number

    def test_each_has_a_blot_of_its_own(self, tmp_path, mosaic):
        path = chips(tmp_path / "x_flt.fits", ["CHIP"] * 3)
        made = blot_files(mosaic, [f"{path}[{number}]" for number in (1, 2, 3)], tmp_path, **RAW)
        assert len({each.path for each in made}) == 3
        assert [fits.getval(each.path, "CRPIX1", "SCI") for each in made] == [11.5, 12.5, 13.5]
        assert [fits.getval(each.path, "BLOTREF", "SCI") for each in made] == [
            f"{path}[{n}]" for n in (1, 2, 3)
        ]
        assert [
            each.path for each in blot_files(mosaic, [path], tmp_path, overwrite=True, **RAW)
        ] == [each.path for each in made]

    def test_a_version_of_its_own_is_told(self, tmp_path):
        path = chips(tmp_path / "x_flt.fits", ["SCI", "SCI", "ERR"], [1, 2, 1])
        assert list_images(f"{path}[2]") == [ImageName(path, ("SCI", 2))]

    @pytest.mark.parametrize("extension", ["chip", "chip,1"])
    def test_a_name_that_several_have_is_an_error(self, tmp_path, extension):
        path = chips(tmp_path / "x_flt.fits", ["CHIP"] * 3)
        with pytest.raises(FileError, match=r"3 extensions are called so, .*: \[1\], \[2\], \[3\]"):
            list_images(f"{path}[{extension}]")

    def test_a_number_that_is_not_there(self, tmp_path):
        path = chips(tmp_path / "x_flt.fits", ["CHIP"] * 2)
        with pytest.raises(FileError, match=r"no extension \[3\], it has \[0\], \[1\], \[2\]"):
            list_images(f"{path}[3]")

    def test_pictures_of_each(self, tmp_path, mosaic):
        pytest.importorskip("matplotlib")
        path = chips(tmp_path / "x_flt.fits", ["CHIP"] * 3, shape=(80, 90))
        (blot,) = blot_files(mosaic, [f"{path}[2]"], tmp_path, **RAW)
        assert show(f"{path}[2]", tmp_path / "a.png").panels == ("Exposure", "Blot", "Difference")
        assert show(blot.path, tmp_path / "b.png").panels == ("Exposure", "Blot", "Difference")
        assert show(f"{path}[3]", tmp_path / "c.png").panels == ("Image",)


class TestNames:
    @pytest.mark.parametrize("name", OBSERVATORIES)
    @pytest.mark.parametrize("spelled", ["{}", "{},1", " {} "])
    def test_that_observatories_give_are_looked_up_as_they_stand(
        self, tmp_path, mosaic, name, spelled
    ):
        path = chips(tmp_path / "x.fits", OBSERVATORIES)
        where = f"{path}[{spelled.format(name.lower())}]"
        blot_file(mosaic, where, tmp_path / "b.fits", **RAW)
        assert fits.getval(tmp_path / "b.fits", "CRPIX1", "SCI") == 11.5 + OBSERVATORIES.index(name)

    def test_of_blots_hold_no_odd_characters(self, tmp_path, mosaic):
        made = blot_files(mosaic, [chips(tmp_path / "x.fits", OBSERVATORIES)], tmp_path, **RAW)
        assert [each.path.name for each in made] == [
            "x_eso_ccd_65_1_blt.fits", "x_det1_chip1_1_blt.fits", "x_ccd-1_1_blt.fits",
            "x_segment_00_1_blt.fits", "x_1a1_blt.fits", "x_ccd1_1_blt.fits", "x_im_2_b1_blt.fits",
            "x_chip1_int1_1_blt.fits", "x_+x1_blt.fits", "x_3-4-f_sci1_blt.fits",
        ]  # fmt: skip

    def test_that_cannot_stand_in_brackets_go_by_number(self, tmp_path):
        path = chips(tmp_path / "x.fits", ["a[1]", "b,c", "7"])
        assert [each.extension for each in list_images(path)] == [1, 2, 3]

    def test_of_a_name_and_a_version_stay_apart(self):
        assert (
            extension_label(("S30", 1)) != extension_label(("S3", 1)) != extension_label(("S", 30))
        )

    @pytest.mark.parametrize(
        ("name", "root"),
        [
            ("j8c0d1bwq_flc.fits", "j8c0d1bwq"), ("u5780205r_c0m.fits.gz", "u5780205r"),
            ("x_FLT.FITS", "x"), ("jw01234001001_02101_00001_nrcblong_cal.fits",
            "jw01234001001_02101_00001_nrcblong"), ("jw01_nis_rateints.fits", "jw01_nis"),
            ("jw01_nis_i2d.fits", "jw01_nis"), ("r0001_wfi01_f158_cal.asdf", "r0001_wfi01_f158"),
            ("hst_1_acs_wfc_f606w_drc.fits", "hst_1_acs_wfc_f606w"),
            ("c4d_180908_000426_ooi_g_v1.fits.fz", "c4d_180908_000426_ooi_g_v1"),
            ("c4d_1_ooi.fits", "c4d_1"), ("obj_001.fits", "obj_001"),
            ("obj_002.fits.bz2", "obj_002"), ("ngc_r_stack.fits.xz", "ngc_r_stack"),
            ("flt.fits", "flt"), ("_flt.fits", "_flt"), ("a.b.fits", "a.b"),
        ],
    )  # fmt: skip
    def test_keep_what_is_no_product(self, name, root):
        assert root_of(Path(name)) == root

    def test_of_numbered_exposures_stay_two(self, tmp_path, mosaic):
        paths = [
            write_sci(tmp_path / f"obj_00{n}.fits", np.zeros((20, 24), "f4"), moved(n))
            for n in (1, 2)
        ]
        made = blot_files(mosaic, paths, tmp_path, **RAW)
        assert [each.path.name for each in made] == [
            "obj_001_sci1_blt.fits",
            "obj_002_sci1_blt.fits",
        ]

    @pytest.mark.parametrize(
        ("name", "copy"),
        [
            ("x_flc.fits", "x_crdq.fits"), ("x_flc.fits.gz", "x_crdq.fits"),
            ("x_flc.fits.bz2", "x_crdq.fits"), ("x_flc.fits.xz", "x_crdq.fits"),
            ("x_flc.fits.fz", "x_crdq.fits.fz"), ("x.fit", "x_crdq.fit"),
            ("x_cal.asdf", "x_crdq.asdf"), ("obj_001", "obj_001_crdq.fits"),
            ("a.FITS.GZ", "a_crdq.FITS"),
        ],
    )  # fmt: skip
    def test_of_copies_fit_their_content(self, name, copy):
        assert copy_name(parse_name(name), "crdq") == copy

    def test_of_what_is_packed(self):
        assert plain_name(Path("a/x_flc.fits.GZ")) == "x_flc.fits"
        assert blot_name(parse_name("x_flc.fits.bz2[sci,2]")) == "x_sci2_blt.fits"


class TestChips:
    """Which images a file without SCI has."""

    def test_every_image_with_a_sky_and_no_companion(self, tmp_path):
        names = [
            "S29",
            "S30",
            "N4",
            "N4.WHT",
            "ERR",
            "DQ",
            "MASK",
            "S30_VAR",
            "UNCERT",
            "CTX",
            "CON",
            "3-4-F.RMS",
            "D2IMARR",
        ]
        path = chips(tmp_path / "c4d_ooi.fits", names)
        with fits.open(path, mode="update") as hdus:
            hdus.append(fits.ImageHDU(np.zeros((20, 24), "f4"), name="NOSKY"))
            hdus.append(fits.ImageHDU(np.zeros((3, 20, 24), "f4"), moved(1), name="CUBE"))
            hdus.append(fits.ImageHDU(None, moved(1), name="EMPTY"))
        assert [each.extension for each in list_images(path)] == [("S29", 1), ("S30", 1), ("N4", 1)]

    def test_sixty(self, tmp_path):
        path = chips(tmp_path / "c4d.fits", [f"S{n}" for n in range(60)])
        assert len({blot_name(each) for each in list_images(path)}) == 60

    @pytest.mark.parametrize(
        "types",
        [
            ("GLON-CAR", "GLAT-CAR"),
            ("RA---TPV", "DEC--TPV"),
            ("DEC--TAN", "RA---TAN"),
            ("ELON-TAN", "ELAT-TAN"),
        ],
    )
    def test_any_sky(self, tmp_path, types):
        path = chips(tmp_path / "x.fits", ["A", "B"])
        with fits.open(path, mode="update") as hdus:
            for hdu in hdus[1:]:
                hdu.header["CTYPE1"], hdu.header["CTYPE2"] = types
        assert len(list_images(path)) == 2

    @pytest.mark.parametrize(
        "types", [("WAVE", "OFFSET"), ("RA---TAN", "FREQ"), ("", ""), ("LINEAR", "LINEAR")]
    )
    def test_no_sky(self, tmp_path, types):
        path = chips(tmp_path / "x.fits", ["A", "B"])
        with fits.open(path, mode="update") as hdus:
            hdus[1].header["CTYPE1"], hdus[1].header["CTYPE2"] = types
        with open_image(path) as image:
            assert image.name == f"{path}[b,1]"

    def test_the_primary_counts_where_it_has_a_sky(self, tmp_path):
        primary = fits.PrimaryHDU(np.zeros((20, 24), "f4"), moved(0))
        path = chips(tmp_path / "x.fits", ["WEIGHT", "MASK"], primary=primary)
        assert list_images(path) == [ImageName(path)]
        with open_image(path) as image:
            assert image.name == f"{path}[0]"
        both = chips(tmp_path / "y.fits", ["NEXT"], primary=primary)
        assert [each.extension for each in list_images(both)] == [0, ("NEXT", 1)]

    def test_sci_goes_before_all_others(self, tmp_path):
        path = chips(tmp_path / "x.fits", ["A", "SCI", "B"])
        assert [each.extension for each in list_images(path)] == [("SCI", 1)]

    def test_a_source_with_several_is_its_first_and_it_is_said(self, tmp_path, mosaic):
        path = chips(tmp_path / "x.fits", ["A", "B"])
        with pytest.warns(
            SkyblotWarning, match=r"x\.fits: has 2 images, the first, \[a,1\], is used"
        ):
            blot_file(path, mosaic, tmp_path / "b.fits", interp="nearest", **RAW)
        assert fits.getdata(tmp_path / "b.fits", "SCI").max() == 1

    def test_a_reference_of_blot_file_too(self, tmp_path, mosaic):
        path = chips(tmp_path / "x.fits", ["A", "B"])
        with pytest.warns(
            SkyblotWarning, match=r"x\.fits: has 2 images, the first, \[a,1\], is used"
        ):
            blot_file(mosaic, path, tmp_path / "b.fits", **RAW)


PACKED = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


class TestPacked:
    @pytest.mark.parametrize("suffix", PACKED)
    def test_sources_and_references(self, tmp_path, pair, suffix):
        expected = fits.getdata(blot_file(*pair, tmp_path / "a.fits", **RAW), "SCI")
        packed = []
        for path in pair:
            packed.append(path.with_name(path.name + suffix))
            packed[-1].write_bytes(PACKED[suffix](path.read_bytes()))
        (made,) = blot_files(packed[0], [packed[1]], tmp_path, **RAW)
        assert made.path.name == "one_sci1_blt.fits"
        np.testing.assert_array_equal(fits.getdata(made.path, "SCI"), expected)

    @pytest.mark.parametrize("suffix", PACKED)
    @pytest.mark.parametrize("part", [0.2, 0.9, 0.999])
    def test_what_was_cut_off_is_named(self, tmp_path, pair, suffix, part):
        content = PACKED[suffix](pair[1].read_bytes())
        path = pair[1].with_name(f"cut.fits{suffix}")
        path.write_bytes(content[: int(part * len(content))])
        with pytest.raises(
            FileError, match=rf"cut\.fits{suffix}: (truncated|the compressed file is damaged)"
        ):
            blot_file(pair[0], path, tmp_path / "b.fits", **RAW)

    @pytest.mark.parametrize("suffix", PACKED)
    def test_what_is_damaged_is_named(self, tmp_path, pair, suffix):
        content = bytearray(PACKED[suffix](pair[1].read_bytes()))
        middle = len(content) // 2
        content[middle : middle + 8] = bytes(each ^ 0xFF for each in content[middle : middle + 8])
        path = pair[1].with_name(f"bad.fits{suffix}")
        path.write_bytes(content)
        with pytest.raises(FileError, match=rf"bad\.fits{suffix}"):
            blot_file(pair[0], path, tmp_path / "b.fits", **RAW)

    @pytest.mark.parametrize("suffix", PACKED)
    def test_no_output_is_packed(self, tmp_path, pair, suffix):
        with pytest.raises(FileError, match="no blot is compressed as a whole"):
            blot_file(*pair, tmp_path / f"b.fits{suffix}", **RAW)


def test_a_set_of_characters_is_no_extension(tmp_path, mosaic):
    for number in (1, 2):
        (tmp_path / f"visit{number}").mkdir()
        header = tan_header((20, 24), ra=samples.RA + 1e-6 * number, BUNIT="counts/s")
        write_sci(
            tmp_path / f"visit{number}" / f"x{number}_flt.fits", np.zeros((20, 24), "f4"), header
        )
    made = blot_files(mosaic, [tmp_path / "visit[0-9]"], tmp_path, **RAW)
    assert [each.path.name for each in made] == ["x1_sci1_blt.fits", "x2_sci1_blt.fits"]
