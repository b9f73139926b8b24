"""Copies of exposures: of packed files, under names that fit, with pixels of any type, and all else
as it was.
"""

import bz2
import gzip
import lzma

import camera
import numpy as np
import pytest
from astropy.io import fits
from mask_files import changed, read

import skyblot
from skyblot import reject_files
from skyblot.errors import FileError, ParameterError
from skyblot.io.bad_pixels import BadPixels
from skyblot.io.images import write_clean
from skyblot.io.names import parse_name

pytestmark = pytest.mark.filterwarnings("ignore:.*its pixels have no flags")
PACKED = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def tiled(path, new_path, **how):
    """A copy with every image compressed tile by tile."""
    with fits.open(path) as hdus:
        packed = [
            fits.CompImageHDU(h.data, h.header, name=h.name, **how) if h.data is not None else h
            for h in hdus
        ]
        for one, other in zip(packed, hdus, strict=True):
            one.ver = other.ver
        fits.HDUList(packed).writeto(new_path)
    return new_path


def stored(path):
    """The bytes of each HDU, without its header."""
    content = path.read_bytes()
    with fits.open(path, disable_image_compression=True) as hdus:
        places = [hdu.fileinfo() for hdu in hdus]
    return [content[each["datLoc"] : each["datLoc"] + each["datSpan"]] for each in places]


@pytest.fixture(scope="module")
def expected(demo, tmp_path_factory):
    """The copies of a plain exposure."""
    folder = tmp_path_factory.mktemp("plain")
    reject_files(demo.median, demo.exposures[:1], folder, update_dq=True, clean=True)
    root = demo.exposures[0].name.removesuffix("_flc.fits")
    return folder / f"{root}_crdq.fits", folder / f"{root}_crclean.fits"


class TestPacked:
    @pytest.mark.parametrize("suffix", PACKED)
    def test_as_a_whole(self, demo, out, expected, suffix):
        path = out / f"{demo.exposures[0].name}{suffix}"
        path.write_bytes(PACKED[suffix](demo.exposures[0].read_bytes()))
        reject_files(demo.median, [path], out, update_dq=True, clean=True)
        for copy in expected:
            assert stored(out / copy.name) == stored(copy)
            assert read(out / copy.name, ("SCI", 1)).shape == read(copy, ("SCI", 1)).shape

    def test_tile_by_tile(self, demo, out, expected):
        path = tiled(
            demo.exposures[0],
            out / f"{demo.exposures[0].name}.fz",
            compression_type="GZIP_2",
            quantize_level=0,
        )
        reject_files(demo.median, [path], out, update_dq=True, clean=True)
        for copy, plane in zip(expected, ("DQ", "SCI"), strict=True):
            made = out / f"{copy.name}.fz"
            assert made.is_file()
            with fits.open(made) as hdus, fits.open(path) as before, fits.open(copy) as plain:
                for one, other, wanted in zip(hdus, before, plain, strict=True):
                    assert type(one) is type(other)
                    assert (one.name, one.ver) == (other.name, other.ver)
                    if wanted.data is not None and wanted.is_image:
                        np.testing.assert_array_equal(one.data, wanted.data)
                untouched = [k for k, hdu in enumerate(before) if hdu.name != plane]
            assert [stored(made)[k] for k in untouched] == [stored(path)[k] for k in untouched]

    def test_quantised_pixels_that_are_good_keep_their_values(self, demo, out):
        path = tiled(
            demo.exposures[0], out / "x_flc.fits.fz", compression_type="RICE_1", quantize_level=16
        )
        (first, _) = reject_files(demo.median, [path], out, update_dq=True, clean=True)
        good = read(first.path) == 1
        np.testing.assert_array_equal(
            read(out / "x_crclean.fits.fz", ("SCI", 1))[good], read(path, ("SCI", 1))[good]
        )
        np.testing.assert_array_equal(
            read(out / "x_crdq.fits.fz", ("SCI", 1)), read(path, ("SCI", 1))
        )

    def test_behind_a_url(self, demo, out, expected):
        fsspec = pytest.importorskip("fsspec")
        name = demo.exposures[0].name
        for packed, content in (
            (name, demo.exposures[0].read_bytes()),
            (f"a{name}.gz", gzip.compress(demo.exposures[0].read_bytes())),
        ):
            with fsspec.open(f"memory://copies/{packed}", "wb") as stream:
                stream.write(content)
        reject_files(
            demo.median,
            [f"memory://copies/{name}", f"memory://copies/a{name}.gz"],
            out,
            update_dq=True,
            clean=True,
            exposures=2,
        )
        for copy in expected:
            with fits.open(copy) as hdus:
                for made in (out / copy.name, out / f"a{copy.name}"):
                    with fits.open(made) as found:
                        assert [each.name for each in found] == [each.name for each in hdus]
                        np.testing.assert_array_equal(found["ERR", 2].data, hdus["ERR", 2].data)

    def test_roman_behind_a_url(self, tmp_path):
        pytest.importorskip("gwcs")
        fsspec = pytest.importorskip("fsspec")
        made = skyblot.make_demo(tmp_path, "roman", exposures=2, chip_shape=(120, 130))
        with fsspec.open("memory://copies/r0_cal.asdf", "wb") as stream:
            stream.write(made.exposures[0].read_bytes())
        reject_files(made.median, ["memory://copies/r0_cal.asdf"], tmp_path, update_dq=True)
        assert (tmp_path / "r0_crdq.asdf").is_file()


class TestTypes:
    """Whole numbers are rounded, stay in their type's range, and never become undefined."""

    @pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8"])
    def test_whole_numbers(self, tmp_path, out, mosaic, dtype):
        level = 100.0 if dtype == "u1" else camera.SKY
        data = camera.pixels(0, "f8", 150.0) - camera.SKY + level
        path = tmp_path / "x.fits"
        fits.PrimaryHDU(np.rint(data).astype(dtype), camera.header(0)).writeto(path)
        (result,) = reject_files(mosaic, [path], out, clean=True, save_blots=True, **camera.NOISE)
        before, after, bad = read(path), read(out / "x_crclean.fits"), read(result.path) == 0
        assert after.dtype == before.dtype
        assert bad[camera.HITS].mean() > (0.3 if dtype == "u1" else 0.99)
        np.testing.assert_array_equal(after[~bad], before[~bad])
        blot = read(out / "x_sci1_blt.fits", ("SCI", 1))
        np.testing.assert_array_equal(
            after[bad], np.rint(blot[bad] + np.float32(result.background)).astype(dtype)
        )

    @pytest.mark.parametrize(
        ("dtype", "value", "written"),
        [
            ("i2", 40000.0, 32767), ("i2", -40000.0, -32768), ("u2", 70000.0, 65535),
            ("u2", -3.0, 0), ("u1", 256.4, 255), ("i4", 3e9, 2**31 - 1), ("u4", 5e9, 2**32 - 1),
            ("u4", -1.0, 0), ("i2", 7.4, 7), ("i2", -7.6, -8),
        ],
    )  # fmt: skip
    def test_the_range_ends_where_it_does(self, tmp_path, dtype, value, written):
        path = tmp_path / "x.fits"
        fits.PrimaryHDU(np.full((4, 5), 3, dtype), camera.header(0)).writeto(path)
        bad = BadPixels(parse_name(path), np.array([7]), np.array([value], "f4"), (4, 5))
        write_clean(tmp_path / "y.fits", [bad], overwrite=False)
        after = read(tmp_path / "y.fits")
        assert after.dtype == read(path).dtype
        assert int(after[1, 2]) == written
        assert (np.delete(after, 7) == 3).all()

    @pytest.mark.parametrize("blank", [200, 199, 201])
    def test_what_is_replaced_is_never_blank(self, tmp_path, out, mosaic, blank):
        data = camera.pixels(0, "i2")
        data[3, 3] = blank
        hdu = fits.PrimaryHDU(
            np.where(np.abs(data - blank) < 0.5, blank, data).astype("i2"), camera.header(0)
        )
        hdu.header["BLANK"] = blank
        hdu.writeto(tmp_path / "x.fits")
        (result,) = reject_files(mosaic, [tmp_path / "x.fits"], out, clean=True, **camera.NOISE)
        bad = read(result.path) == 0
        assert fits.getheader(out / "x_crclean.fits")["BLANK"] == blank
        after = read(out / "x_crclean.fits")
        assert np.isfinite(after[bad]).all()
        np.testing.assert_array_equal(np.isnan(after), np.isnan(read(tmp_path / "x.fits")))

    @pytest.mark.parametrize(("bscale", "bzero"), [(0.25, 0.0), (2.0, 100.0), (1.0, 32768.0)])
    def test_scaled_pixels_are_stored_as_before(self, tmp_path, out, mosaic, bscale, bzero):
        hdu = fits.PrimaryHDU(camera.pixels(0, "f8"), camera.header(0))
        hdu.scale("int16", bscale=bscale, bzero=bzero)
        hdu.writeto(tmp_path / "x.fits")
        (result,) = reject_files(
            mosaic, [tmp_path / "x.fits"], out, clean=True, save_blots=True, **camera.NOISE
        )
        good = read(result.path) == 1
        with (
            fits.open(tmp_path / "x.fits", do_not_scale_image_data=True) as one,
            fits.open(out / "x_crclean.fits", do_not_scale_image_data=True) as other,
        ):
            assert [
                other[0].header.get(k, one[0].header.get(k)) for k in ("BITPIX", "BSCALE", "BZERO")
            ] == [one[0].header.get(k) for k in ("BITPIX", "BSCALE", "BZERO")]
            np.testing.assert_array_equal(one[0].data[good], other[0].data[good])
        blot = read(out / "x_sci1_blt.fits", ("SCI", 1)) + result.background
        np.testing.assert_allclose(
            read(out / "x_crclean.fits")[~good], blot[~good], atol=0.5001 * bscale
        )


class TestChecksums:
    @pytest.mark.parametrize("packed", [False, True])
    def test_are_made_anew_where_they_were(self, demo, out, packed):
        def sign(hdus):
            for hdu in hdus:
                hdu.add_checksum()

        path = changed(demo, out / "x_flc.fits", sign)
        if packed:
            with fits.open(path) as hdus:
                images = [
                    fits.CompImageHDU(h.data, h.header, name=h.name) if h.data is not None else h
                    for h in hdus
                ]
                for one, other in zip(images, hdus, strict=True):
                    one.ver = other.ver
                fits.HDUList(images).writeto(path := out / "x_flc.fits.fz", checksum=True)
        reject_files(demo.median, [path], out, update_dq=True, clean=True)
        for label in ("crdq", "crclean"):
            with fits.open(
                out / f"x_{label}.fits{'.fz' if packed else ''}",
                checksum=True,
                disable_image_compression=True,
            ) as hdus:
                for hdu in hdus:  # a wrong one is a warning, which is an error here
                    assert "CHECKSUM" in hdu.header
                    _ = hdu.data

    def test_are_not_where_they_were_not(self, made):
        with fits.open(next(made[0].glob("*_crclean.fits"))) as hdus:
            assert not any("CHECKSUM" in hdu.header for hdu in hdus)


class TestNames:
    def test_keep_name_writes_into_another_folder(self, demo, out, made):
        path = demo.exposures[0]
        reject_files(demo.median, [path], out, update_dq=True, keep_name=True, exposures=2)
        (usual,) = made[0].glob(f"{path.name.removesuffix('_flc.fits')}_crdq.fits")
        for chip in (1, 2):
            np.testing.assert_array_equal(
                read(out / path.name, ("DQ", chip)), read(usual, ("DQ", chip))
            )
        assert fits.getheader(out / path.name)["FILENAME"] == path.name

    def test_keep_name_of_a_packed_file_says_what_it_is(self, demo, out, tmp_path):
        path = tmp_path / "x_flc.fits.gz"
        path.write_bytes(gzip.compress(demo.exposures[0].read_bytes()))
        reject_files(demo.median, [path], out, clean=True, keep_name=True)
        assert (out / "x_flc.fits").is_file()

    @pytest.mark.parametrize("folder", [".", "x/.."])
    def test_keep_name_is_refused_in_the_exposures_folder(self, demo, out, folder):
        path = changed(demo, out / "x_flc.fits", lambda hdus: None)
        (out / "x").mkdir()
        with pytest.raises(FileError, match=r"x_flc\.fits: --keep-name needs another folder"):
            reject_files(
                demo.median, [path], out / folder, update_dq=True, keep_name=True, overwrite=True
            )
        assert {each.name for each in out.iterdir()} == {"x", "x_flc.fits"}

    @pytest.mark.parametrize("both", [True, False])
    def test_keep_name_names_one_copy(self, demo, out, both):
        with pytest.raises(ParameterError, match="give either --update-dq or --clean"):
            reject_files(
                demo.median, demo.exposures, out, update_dq=both, clean=both, keep_name=True
            )

    def test_at_the_prompt(self, demo, out, run):
        code, *_ = run(
            "reject",
            demo.median,
            demo.exposures[0],
            "--output-dir",
            out,
            "--update-dq",
            "--keep-name",
        )
        assert code == 0
        assert (out / demo.exposures[0].name).is_file()
