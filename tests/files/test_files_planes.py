"""Files: images with more axes than two."""

import gzip

import numpy as np
import pytest
import samples
from astropy.io import fits
from samples import CHIP_SHAPE, RAW, read_wcs, rewrite, tan_header, texture, world, write_sci

from skyblot import SkyblotWarning, blot_file
from skyblot.errors import DataError, WCSError
from skyblot.io.fits import open_image

FREQ = {"CTYPE3": "FREQ", "CRVAL3": 1e9, "CRPIX3": 1.0, "CD3_3": 1e6}
PLANES = ["2-D, WCS with 3 axes", "3-D", "4-D", "gzip", "tiles", "scaled", "no CTYPE3"]


def write_plane(path, image, kind):
    """Write a 2-D image as a cube with one plane."""
    data, header = np.asarray(image.data), image.header.copy()
    header.update({} if kind == "no CTYPE3" else FREQ)
    if kind == "2-D, WCS with 3 axes":
        header["WCSAXES"] = 3
    else:
        data = data.reshape((1, 1, *data.shape) if kind == "4-D" else (1, *data.shape))
    hdu = fits.ImageHDU(data, header, name="SCI")
    if kind == "tiles":
        hdu = fits.CompImageHDU(
            data, header, name="SCI", compression_type="GZIP_2", quantize_level=0
        )
    if kind == "scaled":
        hdu.scale("int16", bscale=0.5, bzero=7)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    if kind == "gzip":
        path.write_bytes(gzip.compress(path.read_bytes()))
    return path


@pytest.mark.parametrize("kind", PLANES)
@pytest.mark.parametrize("which", ["source", "reference"])
def test_axes_of_one_pixel_are_dropped_and_that_is_said(pair, tmp_path, kind, which):
    with fits.open(pair[which == "reference"]) as hdus:
        if kind == "scaled":  # values that this storage keeps
            hdus["SCI"].data = np.round(hdus["SCI"].data)
        flat, plane = tmp_path / "flat.fits", tmp_path / "plane.fits"
        write_sci(flat, hdus["SCI"].data, hdus["SCI"].header)
        write_plane(plane, hdus["SCI"], kind)
    names = {
        path: (path, pair[1]) if which == "source" else (pair[0], path) for path in (flat, plane)
    }
    expected = blot_file(*names[flat], tmp_path / "flat_blt.fits", **RAW)
    with pytest.warns(SkyblotWarning) as caught:
        found = blot_file(*names[plane], tmp_path / "plane_blt.fits", **RAW)
    axes = {"no CTYPE3": ["3 (without CTYPE3)"], "4-D": ["3 (FREQ)", "4 (without CTYPE4)"]}.get(
        kind, ["3 (FREQ)"]
    )
    said = [f"{plane}[sci,1]: its axis {axis}, of one pixel, is dropped" for axis in axes]
    assert [str(each.message) for each in caught] == said
    np.testing.assert_array_equal(fits.getdata(found, "SCI"), fits.getdata(expected, "SCI"))
    with fits.open(found) as hdus:
        hdus.verify("exception")
        assert hdus["SCI"].shape == (20, 24)
        assert [key for key in hdus["SCI"].header if key.endswith("3") or "3_3" in key] == []
    np.testing.assert_array_equal(
        world(read_wcs(found), (20, 24)), world(read_wcs(pair[1]), (20, 24))
    )


def test_a_plane_is_found_as_the_first_image_and_a_cube_is_not(pair, tmp_path):
    data = texture((60, 70))
    hdus = [
        fits.PrimaryHDU(),
        *(fits.ImageHDU(np.zeros((size, 60, 70), "f4"), name=f"P{size}") for size in (2, 1)),
    ]
    fits.HDUList(hdus).writeto(tmp_path / "planes.fits")
    with open_image(tmp_path / "planes.fits") as image:
        assert (image.name, image.shape) == (f"{tmp_path}/planes.fits[p1,1]", (60, 70))
    cube = write_sci(tmp_path / "cube.fits", np.stack([data, data]), tan_header(data.shape, **FREQ))
    with pytest.raises(
        DataError, match=r"cube\.fits\[sci,1\]: its shape is \(2, 60, 70\), expected a 2-D image"
    ):
        blot_file(cube, pair[1], tmp_path / "blt.fits")


def test_a_distorted_plane_keeps_its_distortion(demo, chip1, blot1, tmp_path):
    reference = tmp_path / "plane_flc.fits"

    def as_plane(hdus):
        hdus["SCI", 1].header.update({"CTYPE3": "STOKES", "CRVAL3": 1.0})

    rewrite(demo.exposures[0], reference, as_plane)
    with pytest.warns(SkyblotWarning, match=r"axis 3 \(STOKES\), of one pixel, is dropped"):
        path = blot_file(demo.median, f"{reference}[sci,1]", tmp_path / "blt.fits")
    np.testing.assert_array_equal(fits.getdata(path, "SCI"), blot1[1])
    np.testing.assert_array_equal(
        world(read_wcs(path), CHIP_SHAPE), world(read_wcs(demo.exposures[0]), CHIP_SHAPE)
    )


def test_a_plane_whose_axes_of_the_sky_are_not_the_first_two_is_refused(pair, tmp_path):
    header = tan_header(
        (60, 70), CTYPE3="DEC--TAN", CTYPE2="FREQ", CUNIT2="Hz", CRVAL3=samples.DEC, CD3_3=1e-5
    )
    path = write_sci(tmp_path / "odd.fits", texture((60, 70))[None], header)
    with pytest.raises(WCSError, match=r"odd\.fits\[sci,1\]: its WCS cannot be read"):
        blot_file(path, pair[1], tmp_path / "blt.fits")
