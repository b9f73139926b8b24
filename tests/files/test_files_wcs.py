"""Files: the blot's WCS is the reference's, or the one that was asked for."""

import warnings

import numpy as np
import pytest
import samples
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from samples import (
    CHIP_SHAPE,
    CHIPS,
    RAW,
    digests,
    linear_blot,
    read_wcs,
    rewrite,
    tan_header,
    texture,
    world,
    write_sci,
)

from skyblot import blot_file

TABLES = ("det2im1", "det2im2", "cpdis1", "cpdis2")


@CHIPS
def test_blot_of_the_demo_reads_back_to_the_wcs_of_its_reference(demo, tmp_path, chip):
    reference = demo.exposures[1]
    path = blot_file(demo.median, f"{reference}[sci,{chip}]", tmp_path / "blt.fits")
    expected, found = read_wcs(reference, ("SCI", chip)), read_wcs(path)
    assert [getattr(expected, name) is None for name in TABLES] == [False] * 4
    assert [getattr(found, name) is None for name in TABLES] == [False] * 4
    np.testing.assert_array_equal(world(found, CHIP_SHAPE), world(expected, CHIP_SHAPE))
    assert list(found.wcs.ctype) == ["RA---TAN-SIP", "DEC--TAN-SIP"]
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert [(hdu.name, hdu.shape) for hdu in hdus[:2]] == [("PRIMARY", ()), ("SCI", CHIP_SHAPE)]
        assert hdus["SCI"].header["BITPIX"] == -32
        versions = [2 * chip - 1, 2 * chip]
        assert [(hdu.name, hdu.ver) for hdu in hdus[2:]] == [
            (name, ver) for name in ("WCSDVARR", "D2IMARR") for ver in versions
        ]


def enlarged(path, new_path, shape=(64, 64)):
    """Copy a real file with image planes of `shape`; tables and headers as they are."""
    with warnings.catch_warnings(), fits.open(path) as hdus:
        warnings.simplefilter("ignore")
        images = []
        for hdu in hdus:
            if hdu.name == "SCI":
                hdu = fits.ImageHDU(np.zeros(shape, "f4"), hdu.header, name="SCI", ver=hdu.ver)
            if hdu.name not in ("ERR", "DQ"):
                images.append(hdu.copy())
        fits.HDUList(images).writeto(new_path, output_verify="silentfix+ignore")
    return new_path


def source_around(path, wcs, shape=(64, 64)):
    """Write a TAN source of the reference's size on the sky and a quarter more; its pixels are 1 +
    texture.
    """
    ny, nx = shape
    centre = [float(value) for value in wcs.all_pix2world((nx - 1) / 2, (ny - 1) / 2, 0)]
    scale = np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))) * 3600
    big = (int(1.7 * max(shape)),) * 2
    frame = wcs.wcs.radesys or "ICRS"
    return write_sci(
        path, texture(big), tan_header(big, ra=centre[0], dec=centre[1], scale=scale, RADESYS=frame)
    )


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
@pytest.mark.parametrize(
    ("name", "chip", "tables"),
    [
        ("wfc3_uvis_flc", 1, 4),
        ("wfc3_uvis_flc", 2, 4),
        ("wfc3_ir_flt", 1, 0),
        ("acs_hrc_flt", 1, 0),
        ("nircam", 1, 0),
    ],
)
def test_blot_of_a_real_header_reads_back(real_headers, tmp_path, name, chip, tables):
    reference = tmp_path / f"{name}.fits"
    if name == "nircam":
        text = real_headers / "nrcb5_sip_wcs.hdr"
        header = fits.Header.fromfile(text, sep="\n", endcard=False, padding=False)
        write_sci(reference, np.zeros((64, 64), "f4"), header)
    else:
        enlarged(real_headers / f"{name}.fits", reference)
    expected = read_wcs(reference, ("SCI", chip))
    source = source_around(tmp_path / "med.fits", expected)
    before = digests(tmp_path)
    path = blot_file(
        source, f"{reference}[sci,{chip}]", tmp_path / "blt.fits", interp="linear", **RAW
    )
    found = read_wcs(path)
    np.testing.assert_array_equal(world(found, (64, 64)), world(expected, (64, 64)))
    assert sum(getattr(found, each) is not None for each in TABLES) == tables
    assert [str(each)[-4:] for each in found.wcs.ctype] == ["-SIP"] * 2
    assert {key: value for key, value in digests(tmp_path).items() if key != "blt.fits"} == before
    expected_pixels = linear_blot(fits.getdata(source), read_wcs(source), expected, (64, 64))
    header = fits.getheader(path, "SCI")
    np.testing.assert_allclose(
        fits.getdata(path, "SCI"), header["BLOTFACT"] * expected_pixels, rtol=3e-6
    )


def test_image_in_the_primary_hdu(tmp_path):
    data = texture((60, 70))
    fits.PrimaryHDU(data, tan_header(data.shape)).writeto(tmp_path / "med.fits")
    header = tan_header((20, 24), ra=samples.RA + 3.3e-5, FILENAME="simple.fits", OBJECT="M 31")
    fits.PrimaryHDU(np.zeros((20, 24), "f4"), header).writeto(tmp_path / "simple.fits")
    path = blot_file(
        tmp_path / "med.fits",
        tmp_path / "simple.fits",
        tmp_path / "blt.fits",
        interp="linear",
        **RAW,
    )
    expected = read_wcs(tmp_path / "simple.fits", 0)
    np.testing.assert_array_equal(world(read_wcs(path), (20, 24)), world(expected, (20, 24)))
    pixels = linear_blot(data, WCS(tan_header(data.shape)), expected, (20, 24))
    np.testing.assert_allclose(fits.getdata(path, "SCI"), pixels, rtol=3e-6)
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI"]
        assert hdus[0].header["FILENAME"] == "blt.fits"
        assert hdus["SCI"].header["OBJECT"] == "M 31"


def test_coeffs_no_writes_the_linear_wcs_that_was_used(demo, tmp_path):
    def decorate(hdus):
        header = hdus["SCI", 1].header
        header.update({"PCTEFRAC": 0.9, "CDBSFILE": "NONE", "PVALUE": 3, "B_NUMBER": 7})
        header.update({"CTYPE1O": "RA---TAN", "CTYPE2O": "DEC--TAN"})
        header.update({"CRVAL1O": 53.0, "CD1_1O": 1e-5, "CD2_2O": 1e-5})

    reference = rewrite(demo.exposures[0], tmp_path / "one_flc.fits", decorate)
    how = {"interp": "linear", "coeffs": False, **RAW}
    path = blot_file(demo.median, f"{reference}[sci,1]", tmp_path / "blt.fits", **how)
    linear = read_wcs(reference)
    for name in ("sip", *TABLES):
        setattr(linear, name, None)
    linear.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    found = read_wcs(path)
    assert not found.has_distortion
    np.testing.assert_allclose(
        world(found, CHIP_SHAPE), world(linear, CHIP_SHAPE), rtol=0, atol=1e-13
    )
    header = fits.getheader(path, "SCI")
    pixels = linear_blot(
        fits.getdata(demo.median, "SCI"), read_wcs(demo.median), linear, CHIP_SHAPE
    )
    blot = fits.getdata(path, "SCI") / header["BLOTFACT"]
    np.testing.assert_allclose(blot, pixels, rtol=3e-6, atol=3e-6 * np.abs(pixels).max())
    kept = {
        key: header.get(key)
        for key in ("PCTEFRAC", "CDBSFILE", "PVALUE", "B_NUMBER", "CTYPE1O", "CD1_1O")
    }
    assert kept == dict(zip(kept, (0.9, "NONE", 3, 7, "RA---TAN", 1e-5), strict=True))
    gone = "A_ORDER B_0_2 CPDIS1 D2IMDIS1 DP1 D2IM1 CPERR1 IDCSCALE ORIENTAT"
    assert [key for key in gone.split() if key in header] == []
    assert header["BLOTCOEF"] is False
    with fits.open(path) as hdus:
        assert len(hdus) == 2


def test_coeffs_no_keeps_the_terms_of_a_projection(tmp_path):
    """ZPN is defined by its PV terms; a file without them would be another WCS."""
    source = write_sci(tmp_path / "med.fits", texture((60, 70)))
    zpn = {"CTYPE1": "RA---ZPN", "CTYPE2": "DEC--ZPN", "PV2_1": 1.0, "PV2_3": 2000.0}
    reference = write_sci(
        tmp_path / "one.fits", np.zeros((20, 24), "f4"), tan_header((20, 24), scale=0.06, **zpn)
    )
    path = blot_file(source, reference, tmp_path / "blt.fits", interp="linear", coeffs=False, **RAW)
    expected = read_wcs(reference)
    np.testing.assert_allclose(
        world(read_wcs(path), (20, 24)), world(expected, (20, 24)), rtol=0, atol=1e-13
    )


def test_user_values_make_the_tan_image_they_describe(demo, chip1, tmp_path):
    """Oracle: angles and positions on the sky by astropy.coordinates."""
    ra, dec = 53.162, -27.791
    values = {
        "outscale": 0.05,
        "orient": 33.0,
        "raref": ra,
        "decref": dec,
        "xrefpix": 30.5,
        "yrefpix": 20,
    }
    values |= {"outnx": 60, "outny": 40, "interp": "linear"}
    path = blot_file(demo.median, chip1, tmp_path / "blt.fits", **values, **RAW)
    wcs, header, pixels = read_wcs(path), fits.getheader(path, "SCI"), fits.getdata(path, "SCI")
    assert pixels.shape == (40, 60)
    assert not wcs.has_distortion
    centre, up, right = (
        SkyCoord(*wcs.all_pix2world(29.5 + dx, 19.0 + dy, 0), unit="deg")
        for dx, dy in ((0, 0), (0, 1e-2), (1e-2, 0))
    )
    assert centre.separation(SkyCoord(ra, dec, unit="deg")) < 1e-9 * units.arcsec
    assert centre.position_angle(up).deg == pytest.approx(33.0, abs=1e-3)
    assert centre.position_angle(right).deg == pytest.approx(33.0 - 90 + 360, abs=1e-3)
    assert centre.separation(up).arcsec == pytest.approx(0.05e-2, rel=1e-5)
    assert centre.separation(right).arcsec == pytest.approx(0.05e-2, rel=1e-5)
    expected = linear_blot(fits.getdata(demo.median, "SCI"), read_wcs(demo.median), wcs, (40, 60))
    np.testing.assert_allclose(
        pixels, expected * (0.05 / 0.0396) ** 2, rtol=3e-6, atol=3e-6 * pixels.max()
    )
    assert header["BLOTCOEF"] is False
    assert "IDCSCALE" not in header


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outscale", 0.07),
        ("orient", 0.0),
        ("raref", 53.1625),
        ("decref", -27.7905),
        ("xrefpix", 70.25),
        ("yrefpix", 0),
    ],
)
def test_each_user_value_replaces_that_value_of_the_reference(demo, chip1, tmp_path, name, value):
    blot_file(demo.median, chip1, tmp_path / "blt.fits", **{name: value}, **RAW)
    found, reference = read_wcs(tmp_path / "blt.fits"), read_wcs(demo.exposures[0])

    def values(wcs):
        matrix = wcs.pixel_scale_matrix
        names = ("outscale", "orient", "raref", "decref", "xrefpix", "yrefpix")
        angle = np.degrees(np.arctan2(matrix[0, 1], matrix[1, 1]))
        numbers = (
            3600 * np.sqrt(abs(np.linalg.det(matrix))),
            angle,
            *wcs.wcs.crval,
            *wcs.wcs.crpix,
        )
        return dict(zip(names, map(float, numbers), strict=True))

    assert values(found) == pytest.approx(values(reference) | {name: value}, rel=1e-12, abs=1e-12)
    assert found.array_shape == CHIP_SHAPE


@pytest.mark.parametrize(("name", "shape"), [("outnx", (96, 33)), ("outny", (33, 160))])
def test_user_size(demo, chip1, tmp_path, name, shape):
    blot_file(demo.median, chip1, tmp_path / "blt.fits", **{name: 33}, **RAW)
    assert fits.getdata(tmp_path / "blt.fits", "SCI").shape == shape
