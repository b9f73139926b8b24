"""Files: what is read, what is written, and that nothing else changes, whatever fails."""

import errno
import gzip
import os
import signal
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import samples
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from numpy.lib.stride_tricks import sliding_window_view
from samples import CHIP_SHAPE, digests, linear_blot, read_wcs, rewrite, tan_header, texture, world, write_sci

from skyblot import SkyblotWarning, __version__, blot_file, blot_files
from skyblot.demo import DemoPlan, chip_frame, demo_scene, exposure_facts, make_demo, mosaic_hdulist
from skyblot.errors import DataError, FileError, ParameterError, SkyblotError, WCSError
from skyblot.files import plan_outputs
from skyblot.io.fits import open_image

RAW = {"in_units": "cps", "out_units": "cps", "addsky": False}  # only the area ratio is applied
CHIPS = pytest.mark.parametrize("chip", [1, 2])
TABLES = ("det2im1", "det2im2", "cpdis1", "cpdis2")


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo"), exposures=2, chip_shape=CHIP_SHAPE)


@pytest.fixture(scope="session")
def chip1(demo):
    return f"{demo.exposures[0]}[sci,1]"


@pytest.fixture(scope="session")
def blot1(demo, chip1, tmp_path_factory):
    """Blot onto chip 1 with the defaults: file name, and the pixels."""
    path = blot_file(demo.median, chip1, tmp_path_factory.mktemp("blot") / "one_blt.fits")
    return path, fits.getdata(path, "SCI")


@pytest.fixture
def pair(tmp_path):
    """A source with texture and a plain reference inside it, same scale, shifted by a fraction of a pixel."""
    source = write_sci(tmp_path / "med.fits", texture((60, 70)), tan_header((60, 70), BUNIT="counts/s"))
    header = tan_header((20, 24), ra=samples.RA + 3.3e-5, BUNIT="counts/s", MDRIZSKY=0.0)
    return source, write_sci(tmp_path / "one_flt.fits", np.zeros((20, 24), "f4"), header)


# The blot's WCS is the reference's.


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
    """Write a TAN source of the reference's size on the sky and a quarter more; its pixels are 1 + texture."""
    ny, nx = shape
    centre = [float(value) for value in wcs.all_pix2world((nx - 1) / 2, (ny - 1) / 2, 0)]
    scale = np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))) * 3600
    big = (int(1.7 * max(shape)),) * 2
    frame = wcs.wcs.radesys or "ICRS"
    return write_sci(path, texture(big), tan_header(big, ra=centre[0], dec=centre[1], scale=scale, RADESYS=frame))


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
@pytest.mark.parametrize(
    ("name", "chip", "tables"),
    [("wfc3_uvis_flc", 1, 4), ("wfc3_uvis_flc", 2, 4), ("wfc3_ir_flt", 1, 0), ("acs_hrc_flt", 1, 0), ("nircam", 1, 0)],
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
    path = blot_file(source, f"{reference}[sci,{chip}]", tmp_path / "blt.fits", interp="linear", **RAW)
    found = read_wcs(path)
    np.testing.assert_array_equal(world(found, (64, 64)), world(expected, (64, 64)))
    assert sum(getattr(found, each) is not None for each in TABLES) == tables
    assert [str(each)[-4:] for each in found.wcs.ctype] == ["-SIP"] * 2
    assert {key: value for key, value in digests(tmp_path).items() if key != "blt.fits"} == before
    expected_pixels = linear_blot(fits.getdata(source), read_wcs(source), expected, (64, 64))
    header = fits.getheader(path, "SCI")
    np.testing.assert_allclose(fits.getdata(path, "SCI"), header["BLOTFACT"] * expected_pixels, rtol=3e-6)


def test_image_in_the_primary_hdu(tmp_path):
    data = texture((60, 70))
    fits.PrimaryHDU(data, tan_header(data.shape)).writeto(tmp_path / "med.fits")
    header = tan_header((20, 24), ra=samples.RA + 3.3e-5, FILENAME="simple.fits", OBJECT="M 31")
    fits.PrimaryHDU(np.zeros((20, 24), "f4"), header).writeto(tmp_path / "simple.fits")
    path = blot_file(tmp_path / "med.fits", tmp_path / "simple.fits", tmp_path / "blt.fits", interp="linear", **RAW)
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
        header.update({"CTYPE1O": "RA---TAN", "CTYPE2O": "DEC--TAN", "CRVAL1O": 53.0, "CD1_1O": 1e-5, "CD2_2O": 1e-5})

    reference = rewrite(demo.exposures[0], tmp_path / "one_flc.fits", decorate)
    path = blot_file(demo.median, f"{reference}[sci,1]", tmp_path / "blt.fits", interp="linear", coeffs=False, **RAW)
    linear = read_wcs(reference)
    for name in ("sip", *TABLES):
        setattr(linear, name, None)
    linear.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    found = read_wcs(path)
    assert not found.has_distortion
    np.testing.assert_allclose(world(found, CHIP_SHAPE), world(linear, CHIP_SHAPE), rtol=0, atol=1e-13)
    header = fits.getheader(path, "SCI")
    pixels = linear_blot(fits.getdata(demo.median, "SCI"), read_wcs(demo.median), linear, CHIP_SHAPE)
    blot = fits.getdata(path, "SCI") / header["BLOTFACT"]
    np.testing.assert_allclose(blot, pixels, rtol=3e-6, atol=3e-6 * np.abs(pixels).max())
    kept = {key: header.get(key) for key in ("PCTEFRAC", "CDBSFILE", "PVALUE", "B_NUMBER", "CTYPE1O", "CD1_1O")}
    assert kept == dict(zip(kept, (0.9, "NONE", 3, 7, "RA---TAN", 1e-5), strict=True))
    gone = ("A_ORDER", "B_0_2", "CPDIS1", "D2IMDIS1", "DP1", "D2IM1", "CPERR1", "IDCSCALE", "ORIENTAT")
    assert [key for key in gone if key in header] == []
    assert header["BLOTCOEF"] is False
    with fits.open(path) as hdus:
        assert len(hdus) == 2


def test_coeffs_no_keeps_the_terms_of_a_projection(tmp_path):
    """ZPN is defined by its PV terms; a file without them would be another WCS."""
    source = write_sci(tmp_path / "med.fits", texture((60, 70)))
    zpn = {"CTYPE1": "RA---ZPN", "CTYPE2": "DEC--ZPN", "PV2_1": 1.0, "PV2_3": 2000.0}
    reference = write_sci(tmp_path / "one.fits", np.zeros((20, 24), "f4"), tan_header((20, 24), scale=0.06, **zpn))
    path = blot_file(source, reference, tmp_path / "blt.fits", interp="linear", coeffs=False, **RAW)
    expected = read_wcs(reference)
    np.testing.assert_allclose(world(read_wcs(path), (20, 24)), world(expected, (20, 24)), rtol=0, atol=1e-13)


def test_user_values_make_the_tan_image_they_describe(demo, chip1, tmp_path):
    """Oracle: angles and positions on the sky by astropy.coordinates."""
    ra, dec = 53.162, -27.791
    values = {"outscale": 0.05, "orient": 33.0, "raref": ra, "decref": dec, "xrefpix": 30.5, "yrefpix": 20}
    values |= {"outnx": 60, "outny": 40, "interp": "linear"}
    path = blot_file(demo.median, chip1, tmp_path / "blt.fits", **values, **RAW)
    wcs, header, pixels = read_wcs(path), fits.getheader(path, "SCI"), fits.getdata(path, "SCI")
    assert pixels.shape == (40, 60)
    assert not wcs.has_distortion
    centre, up, right = (
        SkyCoord(*wcs.all_pix2world(29.5 + dx, 19.0 + dy, 0), unit="deg") for dx, dy in ((0, 0), (0, 1e-2), (1e-2, 0))
    )
    assert centre.separation(SkyCoord(ra, dec, unit="deg")) < 1e-9 * units.arcsec
    assert centre.position_angle(up).deg == pytest.approx(33.0, abs=1e-3)
    assert centre.position_angle(right).deg == pytest.approx(33.0 - 90 + 360, abs=1e-3)
    assert centre.separation(up).arcsec == pytest.approx(0.05e-2, rel=1e-5)
    assert centre.separation(right).arcsec == pytest.approx(0.05e-2, rel=1e-5)
    expected = linear_blot(fits.getdata(demo.median, "SCI"), read_wcs(demo.median), wcs, (40, 60))
    np.testing.assert_allclose(pixels, expected * (0.05 / 0.0396) ** 2, rtol=3e-6, atol=3e-6 * pixels.max())
    assert header["BLOTCOEF"] is False
    assert "IDCSCALE" not in header


@pytest.mark.parametrize(
    ("name", "value"),
    [("outscale", 0.07), ("orient", 0.0), ("raref", 53.1625), ("decref", -27.7905), ("xrefpix", 70.25), ("yrefpix", 0)],
)
def test_each_user_value_replaces_that_value_of_the_reference(demo, chip1, tmp_path, name, value):
    blot_file(demo.median, chip1, tmp_path / "blt.fits", **{name: value}, **RAW)
    found, reference = read_wcs(tmp_path / "blt.fits"), read_wcs(demo.exposures[0])

    def values(wcs):
        matrix = wcs.pixel_scale_matrix
        names = ("outscale", "orient", "raref", "decref", "xrefpix", "yrefpix")
        angle = np.degrees(np.arctan2(matrix[0, 1], matrix[1, 1]))
        numbers = (3600 * np.sqrt(abs(np.linalg.det(matrix))), angle, *wcs.wcs.crval, *wcs.wcs.crpix)
        return dict(zip(names, map(float, numbers), strict=True))

    assert values(found) == pytest.approx(values(reference) | {name: value}, rel=1e-12, abs=1e-12)
    assert found.array_shape == CHIP_SHAPE


@pytest.mark.parametrize(("name", "shape"), [("outnx", (96, 33)), ("outny", (33, 160))])
def test_user_size(demo, chip1, tmp_path, name, shape):
    blot_file(demo.median, chip1, tmp_path / "blt.fits", **{name: 33}, **RAW)
    assert fits.getdata(tmp_path / "blt.fits", "SCI").shape == shape


# What the header says.


def test_keywords_of_the_blot(demo, chip1, blot1):
    header = fits.getheader(blot1[0], "SCI")
    exptime = fits.getval(demo.exposures[0], "EXPTIME")
    ratio = 0.0396 / fits.getval(demo.exposures[0], "IDCSCALE", ("SCI", 1))
    expected = {
        "BLOTVER": __version__,
        "BLOTSRC": f"{demo.median}[sci,1]",
        "BLOTREF": chip1,
        "BLOTINT": "poly5",
        "BLOTSSCL": 1.0,
        "BLOTSTEP": 1,
        "BLOTCOEF": True,
        "BLOTIN": "cps",
        "BLOTOUT": "counts",
        "BLOTSKY": fits.getval(demo.exposures[0], "MDRIZSKY", ("SCI", 1)),
        "BLOTFILL": "0.0",
        "BLOTEXP": exptime,
        "BUNIT": "ELECTRONS",
        "EXTNAME": "SCI",
        "EXTVER": 1,
    }
    assert {key: header[key] for key in expected} == expected
    assert header["BLOTFACT"] == pytest.approx(exptime / ratio**2, rel=1e-9)
    assert any("skyblot" in line and demo.exposures[0].name in line for line in header["HISTORY"])


def test_keywords_of_the_reference_are_kept(demo, blot1):
    with fits.open(blot1[0]) as hdus, fits.open(demo.exposures[0]) as reference:
        primary, old = hdus[0].header, reference[0].header
        assert primary["FILENAME"] == "one_blt.fits"
        assert primary["NEXTEND"] == len(hdus) - 1 == 5
        changed = {key for key in old if key not in primary or primary[key] != old[key]}
        assert changed == {"FILENAME", "NEXTEND"}
        header, old = hdus["SCI"].header, reference["SCI", 1].header
        assert {key for key in old if key not in header or header[key] != old[key]} == set()


def test_options_are_recorded(demo, chip1, tmp_path):
    values = {"interp": "sinc", "sinscl": 0.9, "stepsize": 10, "out_units": "cps", "addsky": False, "skyval": 2.5}
    header = fits.getheader(
        blot_file(demo.median, chip1, tmp_path / "b.fits", fill_value=float("nan"), **values), "SCI"
    )
    assert (header["BLOTINT"], header["BLOTSSCL"], header["BLOTSTEP"]) == ("sinc", 0.9, 10)
    assert (header["BLOTOUT"], header["BLOTSKY"], header["BLOTFILL"]) == ("cps", 2.5, "nan")
    assert header["BUNIT"] == "ELECTRONS/S"
    assert "BLOTEXP" not in header


def test_long_names_are_recorded_in_full(pair, tmp_path):
    folder = tmp_path / ("a long folder name, " * 8)
    folder.mkdir()
    source = pair[0].rename(folder / "med.fits")
    path = blot_file(source, pair[1], tmp_path / "blt.fits")
    assert fits.getval(path, "BLOTSRC", "SCI") == f"{source}[sci,1]"


def test_checksums_of_the_reference_are_gone_and_none_is_wrong(demo, tmp_path):
    reference = tmp_path / "one_flc.fits"
    with fits.open(demo.exposures[0]) as hdus:
        hdus.writeto(reference, checksum=True)
    path = blot_file(demo.median, f"{reference}[sci,2]", tmp_path / "blt.fits")
    with fits.open(path, checksum=True) as hdus:  # a wrong checksum is a warning, and warnings are errors here
        for hdu in hdus:
            assert hdu.header is not None
            assert hdu.data is None or hdu.data.size
        assert [key for hdu in hdus[:2] for key in ("CHECKSUM", "DATASUM") if key in hdu.header] == []


def hdu_bytes(path, name):
    with fits.open(path) as hdus:
        place = hdus[name].fileinfo()
        return path.read_bytes()[place["hdrLoc"] : place["datLoc"] + place["datSpan"]]


@pytest.mark.parametrize("kind", ["table", "image"])
def test_asdf_extension_is_kept_byte_for_byte(demo, tmp_path, kind):
    content = np.frombuffer(np.random.default_rng(1).bytes(5000), "u1")
    if kind == "table":  # as JWST's pipeline writes it now; an image is its older form
        column = fits.Column(name="ASDF_METADATA", format=f"{content.size}B", array=content[None])
        hdu = fits.BinTableHDU.from_columns([column], name="ASDF")
    else:
        hdu = fits.ImageHDU(content, name="ASDF")
    reference = rewrite(demo.exposures[0], tmp_path / "one_cal.fits", lambda hdus: hdus.append(hdu))
    path = blot_file(demo.median, f"{reference}[sci,1]", tmp_path / "blt.fits")
    assert hdu_bytes(path, "ASDF") == hdu_bytes(reference, "ASDF")
    undistorted = blot_file(demo.median, f"{reference}[sci,1]", tmp_path / "lin.fits", coeffs=False)
    with fits.open(undistorted) as hdus:  # its gwcs is not the WCS of that blot
        assert "ASDF" not in hdus


# The pixels.


@CHIPS
def test_blot_is_the_truth_plus_the_noise_of_the_median(demo, tmp_path, chip):
    """chip: CCDCHIP; its SCI extension has version 3 - chip. Sigma is what the demo drew the noise from."""
    plan = DemoPlan(exposures=2, chip_shape=CHIP_SHAPE)
    path = blot_file(demo.median, f"{demo.exposures[0]}[sci,{3 - chip}]", tmp_path / "blt.fits")
    truth = fits.getdata(demo.truth[0], ("CLEAN", 3 - chip)).astype(float)
    facts = [exposure_facts(plan, index) for index in range(2)]
    mean_time = np.mean([each.exptime_s for each in facts])
    rate = (truth - facts[0].sky[chip]) / facts[0].exptime_s
    background = np.mean([each.sky[1] for each in facts]) + 3.08**2
    sigma = facts[0].exptime_s * np.sqrt((rate * mean_time + background) / 2) / mean_time
    normal = ((fits.getdata(path, "SCI") - truth) / sigma).ravel()
    # Weights of poly5 squared sum to 0.5 ... 1 over the fractional shifts, 0.75 on average; stars' peaks add a few.
    assert abs(np.median(normal)) < 5 / np.sqrt(normal.size)
    assert 0.6 < np.percentile(np.abs(normal), 68.27) < 1.0


@CHIPS
@pytest.mark.parametrize("interp", ["linear", "poly5"])
def test_blot_without_noise_is_the_truth_within_the_error_of_the_interpolant(demo, tmp_path, chip, interp):
    plan = DemoPlan(exposures=2, chip_shape=CHIP_SHAPE)
    scene = demo_scene(plan)
    mosaic_hdulist(plan, scene, noise=False).writeto(tmp_path / "med.fits")
    reference = f"{demo.exposures[0]}[sci,{3 - chip}]"
    path = blot_file(tmp_path / "med.fits", reference, tmp_path / "blt.fits", interp=interp)
    truth = chip_frame(plan, 0, chip, scene).clean.astype(float)
    blot = fits.getdata(path, "SCI")
    # One dimension: the worst error of the interpolant on the narrowest profile, a Gaussian of sigma 0.845.
    # Two dimensions: at most that error in x, amplified by the sum of |weights| in y, and that in y.
    taps = np.arange(-2, 4) if interp == "poly5" else np.arange(2)
    shifts, centres = np.linspace(0, 1, 41), np.linspace(-6, 6, 481)
    weights = np.array([[np.prod([(s - k) / (j - k) for k in taps if k != j]) for j in taps] for s in shifts])
    profile, exact = (np.exp(-((x[:, None] - centres) ** 2) / (2 * 0.845**2)) for x in (taps, shifts))
    bound = np.abs(weights @ profile - exact).max() * (1 + np.abs(weights).sum(axis=1).max())
    peak = sliding_window_view(truth - truth.min(), (9, 9)).max(axis=(2, 3))
    inside = (slice(4, -4), slice(4, -4))  # beyond the edge there may be stars
    assert (np.abs(blot - truth)[inside] <= bound * peak + 1e-3).all()
    for axis in (0, 1):  # and a shift by one pixel would show
        assert (np.abs(blot - np.roll(truth, 1, axis))[inside] > bound * peak + 1e-3).any()


def test_result_is_that_of_blotting_arrays(demo, chip1, blot1):
    """The bilinear blot against astropy's coordinates, with the demo's exposure time and sky."""
    exptime = fits.getval(demo.exposures[0], "EXPTIME")
    sky = fits.getval(demo.exposures[0], "MDRIZSKY", ("SCI", 1))
    path = blot1[0].with_name("linear_blt.fits")
    blot = fits.getdata(blot_file(demo.median, chip1, path, interp="linear", overwrite=True), "SCI")
    rate = linear_blot(fits.getdata(demo.median, "SCI"), read_wcs(demo.median), read_wcs(demo.exposures[0]), CHIP_SHAPE)
    np.testing.assert_allclose(blot, rate * exptime + sky, rtol=3e-6)


def test_sources_in_every_storage_give_the_same_blot(demo, chip1, blot1, tmp_path):
    with fits.open(demo.median) as hdus:
        primary, data, header = hdus[0], hdus["SCI"].data, hdus["SCI"].header
        (tmp_path / "med.fits.gz").write_bytes(gzip.compress(demo.median.read_bytes()))
        (tmp_path / "gzip_without_suffix.fits").write_bytes(gzip.compress(demo.median.read_bytes()))
        tiles = fits.CompImageHDU(data, header, name="SCI", compression_type="GZIP_2", quantize_level=0)
        fits.HDUList([primary, tiles]).writeto(tmp_path / "tiles.fits.fz")
        write_sci(tmp_path / "double.fits", data.astype("f8"), header, primary.header)
    for source in sorted(tmp_path.glob("*.f*")):
        pixels = fits.getdata(blot_file(source, chip1, tmp_path / "out.fit", overwrite=True), "SCI")
        tolerance = 1e-6 if source.name == "double.fits" else 0
        np.testing.assert_allclose(pixels, blot1[1], rtol=tolerance, err_msg=source.name)


def test_references_in_every_storage_give_the_same_blot(demo, chip1, blot1, tmp_path):
    raw = demo.exposures[0].read_bytes()
    (tmp_path / "one_flc.fits.gz").write_bytes(gzip.compress(raw))
    (tmp_path / "gzip_without_suffix.fits").write_bytes(gzip.compress(raw))

    def compress(hdus):
        hdus["SCI", 1] = fits.CompImageHDU(hdus["SCI", 1].data, hdus["SCI", 1].header, name="SCI")

    def scale(hdus):
        hdus["SCI", 1].scale("int16", bscale=0.5, bzero=7)
        hdus["SCI", 1].header["BLANK"] = -32768

    rewrite(demo.exposures[0], tmp_path / "tiles.fits.fz", compress)
    rewrite(demo.exposures[0], tmp_path / "scaled.fits", scale)
    for reference in sorted(tmp_path.glob("*.f*")):
        path = blot_file(demo.median, f"{reference}[sci,1]", tmp_path / "out.fit", overwrite=True)
        np.testing.assert_array_equal(fits.getdata(path, "SCI"), blot1[1], err_msg=reference.name)
        found, expected = read_wcs(path), read_wcs(demo.exposures[0])
        np.testing.assert_array_equal(world(found, CHIP_SHAPE), world(expected, CHIP_SHAPE), err_msg=reference.name)
        header = fits.getheader(path, "SCI")
        storage = ("ZIMAGE", "BSCALE", "BZERO", "BLANK", "ZCMPTYPE", "TFORM1")
        assert [key for key in storage if key in header] == []


@pytest.mark.parametrize(("dtype", "bscale", "bzero"), [("int16", 0.01, 3.0), ("int32", 1e-4, 0.0), ("uint8", 0.1, -1)])
def test_scaled_integers_are_the_numbers_they_stand_for(pair, tmp_path, dtype, bscale, bzero):
    image = fits.ImageHDU(texture((60, 70)), tan_header((60, 70)), name="SCI")
    image.scale(dtype, bscale=bscale, bzero=bzero)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "scaled.fits")
    numbers = fits.getdata(tmp_path / "scaled.fits", "SCI")
    assert numbers.dtype.kind == "f"
    write_sci(tmp_path / "floats.fits", numbers)
    blots = [
        fits.getdata(blot_file(tmp_path / name, pair[1], tmp_path / f"blt_{name}", **RAW), "SCI")
        for name in ("scaled.fits", "floats.fits")
    ]
    np.testing.assert_array_equal(*blots)
    assert np.abs(blots[0]).max() > 5


def test_blank_pixels_are_nan(pair, tmp_path):
    data = np.full((60, 70), 8, "i4")
    data[30, 35] = -99
    write_sci(tmp_path / "blank.fits", data, tan_header(data.shape, BLANK=-99))
    blot = fits.getdata(blot_file(tmp_path / "blank.fits", pair[1], tmp_path / "b.fits", interp="linear", **RAW), "SCI")
    assert np.isnan(blot).sum() == 4
    np.testing.assert_allclose(blot[np.isfinite(blot)], 8, rtol=1e-6)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32"])
def test_integers_keep_type_and_values_with_nearest(pair, tmp_path, dtype, compressed):
    data = (np.arange(60 * 70).reshape(60, 70) % 251).astype(dtype)
    data += np.iinfo(dtype).max - 250
    make = fits.CompImageHDU if compressed else fits.ImageHDU
    image = make(data, tan_header(data.shape), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "labels.fits")
    path = blot_file(tmp_path / "labels.fits", pair[1], tmp_path / "blt.fits", interp="nearest", fill_value=1)
    blot = fits.getdata(path, "SCI")
    assert blot.dtype.newbyteorder("=") == np.dtype(dtype)
    # Concentric, its first pixel would be (23, 20) of the source; it is 2.1 pixels further east, that is left.
    np.testing.assert_array_equal(blot, data[20:40, 21:45])
    assert fits.getval(path, "BLOTFACT", "SCI") == 1


def test_segmentation_ids_beyond_float32_through_an_area_ratio(pair, tmp_path):
    labels = 2**24 + np.arange(120 * 140, dtype="i4").reshape(120, 140)
    write_sci(tmp_path / "seg.fits", labels, tan_header(labels.shape, scale=0.031))
    path = blot_file(tmp_path / "seg.fits", pair[1], tmp_path / "blt.fits", interp="nearest")
    blot = fits.getdata(path, "SCI")
    assert blot.dtype.kind == "i"
    assert np.isin(blot, labels).all()
    assert len(np.unique(blot)) == blot.size


# Axes of one pixel.

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
        hdu = fits.CompImageHDU(data, header, name="SCI", compression_type="GZIP_2", quantize_level=0)
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
    names = {path: (path, pair[1]) if which == "source" else (pair[0], path) for path in (flat, plane)}
    expected = blot_file(*names[flat], tmp_path / "flat_blt.fits", **RAW)
    with pytest.warns(SkyblotWarning) as caught:
        found = blot_file(*names[plane], tmp_path / "plane_blt.fits", **RAW)
    axes = {"no CTYPE3": ["3 (without CTYPE3)"], "4-D": ["3 (FREQ)", "4 (without CTYPE4)"]}.get(kind, ["3 (FREQ)"])
    said = [f"{plane}[sci,1]: its axis {axis}, of one pixel, is dropped" for axis in axes]
    assert [str(each.message) for each in caught] == said
    np.testing.assert_array_equal(fits.getdata(found, "SCI"), fits.getdata(expected, "SCI"))
    with fits.open(found) as hdus:
        hdus.verify("exception")
        assert hdus["SCI"].shape == (20, 24)
        assert [key for key in hdus["SCI"].header if key.endswith("3") or "3_3" in key] == []
    np.testing.assert_array_equal(world(read_wcs(found), (20, 24)), world(read_wcs(pair[1]), (20, 24)))


def test_a_plane_is_found_as_the_first_image_and_a_cube_is_not(pair, tmp_path):
    data = texture((60, 70))
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(np.zeros((size, 60, 70), "f4"), name=f"P{size}") for size in (2, 1))]
    fits.HDUList(hdus).writeto(tmp_path / "planes.fits")
    with open_image(tmp_path / "planes.fits") as image:
        assert (image.name, image.shape) == (f"{tmp_path}/planes.fits[p1,1]", (60, 70))
    cube = write_sci(tmp_path / "cube.fits", np.stack([data, data]), tan_header(data.shape, **FREQ))
    with pytest.raises(DataError, match=r"cube\.fits\[sci,1\]: its shape is \(2, 60, 70\), expected a 2-D image"):
        blot_file(cube, pair[1], tmp_path / "blt.fits")


def test_a_distorted_plane_keeps_its_distortion(demo, chip1, blot1, tmp_path):
    reference = tmp_path / "plane_flc.fits"

    def as_plane(hdus):
        hdus["SCI", 1].header.update({"CTYPE3": "STOKES", "CRVAL3": 1.0})

    rewrite(demo.exposures[0], reference, as_plane)
    with pytest.warns(SkyblotWarning, match=r"axis 3 \(STOKES\), of one pixel, is dropped"):
        path = blot_file(demo.median, f"{reference}[sci,1]", tmp_path / "blt.fits")
    np.testing.assert_array_equal(fits.getdata(path, "SCI"), blot1[1])
    np.testing.assert_array_equal(world(read_wcs(path), CHIP_SHAPE), world(read_wcs(demo.exposures[0]), CHIP_SHAPE))


def test_a_plane_whose_axes_of_the_sky_are_not_the_first_two_is_refused(pair, tmp_path):
    header = tan_header((60, 70), CTYPE3="DEC--TAN", CTYPE2="FREQ", CUNIT2="Hz", CRVAL3=samples.DEC, CD3_3=1e-5)
    path = write_sci(tmp_path / "odd.fits", texture((60, 70))[None], header)
    with pytest.raises(WCSError, match=r"odd\.fits\[sci,1\]: its WCS cannot be read"):
        blot_file(path, pair[1], tmp_path / "blt.fits")


# Only the window is read.


@pytest.mark.parametrize("bitpix", [-32, 16])
def test_only_the_window_of_a_huge_mosaic_is_read(pair, tmp_path, bitpix):
    size, scaling = 20000, {"BSCALE": 0.01, "BZERO": 5.0} if bitpix == 16 else {}
    header = fits.Header({"SIMPLE": True, "BITPIX": bitpix, "NAXIS": 2, "NAXIS1": size, "NAXIS2": size})
    header.update(tan_header((size, size), **scaling))
    huge = tmp_path / "huge.fits"
    block = header.tostring().encode()
    pixel = abs(bitpix) // 8
    with open(huge, "wb") as stream:
        stream.write(block)
        stream.truncate(len(block) + size * size * pixel + -(size * size * pixel) % 2880)
    if huge.stat().st_blocks * 512 > 1e8:
        pytest.skip("no sparse files here")
    patch = texture((60, 70)) if bitpix == -32 else np.arange(4200).reshape(60, 70).astype("i2")
    stored = np.memmap(huge, patch.dtype.newbyteorder(">"), "r+", len(block), (size, size))
    stored[9970:10030, 9965:10035] = patch
    stored.flush()
    del stored
    small = fits.PrimaryHDU(patch if bitpix == -32 else patch * np.float32(0.01) + 5, tan_header(patch.shape))
    small.writeto(tmp_path / "small.fits")
    expected = fits.getdata(blot_file(tmp_path / "small.fits", pair[1], tmp_path / "small_blt.fits", **RAW), "SCI")
    tracemalloc.start()
    try:
        path = blot_file(huge, pair[1], tmp_path / "huge_blt.fits", **RAW)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30e6  # a hundredth of the pixels are 8e6 or 16e6 bytes
    np.testing.assert_allclose(fits.getdata(path, "SCI"), expected, rtol=3e-6)


def test_the_reference_s_pixels_are_not_read(pair, tmp_path):
    """Only its headers: the pixels may even be NaN or nonsense."""
    reference = rewrite(pair[1], tmp_path / "nan.fits", lambda hdus: hdus["SCI"].data.fill(np.nan))
    blots = [blot_file(pair[0], each, tmp_path / f"b{k}.fits") for k, each in enumerate((pair[1], reference))]
    np.testing.assert_array_equal(*[fits.getdata(each, "SCI") for each in blots])


# Names.


@pytest.mark.parametrize("source", ["", "[1]", "[sci]", "[SCI,1]"])
@pytest.mark.parametrize("reference", ["[1]", "[sci]", "[sci,1]", "[SCI, 1]"])
def test_every_way_to_name_an_extension(demo, blot1, tmp_path, source, reference):
    path = blot_file(f"{demo.median}{source}", f"{demo.exposures[0]}{reference}", tmp_path / "blt.fits")
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
    with pytest.warns(SkyblotWarning, match=r"has 2 SCI extensions, \[sci,1\] is used"):
        path = blot_file(demo.median, demo.exposures[0], tmp_path / "blt.fits")
    np.testing.assert_array_equal(fits.getdata(path, "SCI"), blot1[1])


def test_blot_files(demo, blot1, tmp_path):
    seen = []
    references = [demo.exposures[0], f"{demo.exposures[1]}[sci,2]"]
    results = blot_files(demo.median, references, tmp_path, on_result=seen.append)
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
        plan_outputs([demo.exposures[0], twin], tmp_path)
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


# Outputs and inputs.


def test_an_existing_output_is_replaced_only_with_overwrite(pair, tmp_path):
    path = tmp_path / "blt.fits"
    path.write_text("precious")
    with pytest.raises(FileError, match=r"blt\.fits: exists already.*overwrite=True"):
        blot_file(*pair, path)
    assert path.read_text() == "precious"
    assert blot_file(*pair, path, overwrite=True) == path
    assert fits.getdata(path, "SCI").shape == (20, 24)
    with pytest.raises(FileError, match="exists already"):
        blot_file(*pair, path)


def test_an_existing_output_is_refused_before_any_work(demo, tmp_path):
    last = plan_outputs(demo.exposures, tmp_path)[-1][1]
    last.write_text("precious")
    with pytest.raises(FileError, match="exists already"):
        blot_files(demo.median, demo.exposures, tmp_path)
    assert os.listdir(tmp_path) == [last.name]


@pytest.mark.parametrize("which", [0, 1], ids=["source", "reference"])
@pytest.mark.parametrize("link", ["itself", "symlink", "hardlink", "dotted"])
def test_an_output_that_is_an_input_is_refused(pair, tmp_path, which, link):
    output = {
        "itself": pair[which],
        "symlink": tmp_path / "link.fits",
        "hardlink": tmp_path / "link.fits",
        "dotted": tmp_path / ".." / tmp_path.name / pair[which].name,
    }[link]
    if link == "symlink":
        output.symlink_to(pair[which])
    if link == "hardlink":
        output.hardlink_to(pair[which])
    before = digests(tmp_path)
    with pytest.raises(FileError, match="is an input file"):
        blot_file(*pair, output, overwrite=True)
    assert digests(tmp_path) == before


def test_inputs_do_not_change(demo, chip1, tmp_path):
    before = digests(demo.folder)
    blot_file(demo.median, chip1, tmp_path / "a.fits")
    blot_file(demo.median, chip1, tmp_path / "b.fits", coeffs=False, interp="spline3")
    blot_file(demo.median, chip1, tmp_path / "c.fits", outscale=0.1, interp="nearest")
    for bad in ({"interp": "poly9"}, {"stepsize": -3}, {"expkey": "NOSUCH"}, {"threads": 0}):
        with pytest.raises(SkyblotError):
            blot_file(demo.median, chip1, tmp_path / "d.fits", **bad)
    with pytest.raises(FileError):
        blot_file(demo.median, chip1, tmp_path / "nowhere" / "d.fits")
    assert digests(demo.folder) == before
    assert sorted(os.listdir(tmp_path)) == ["a.fits", "b.fits", "c.fits"]


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def partial_writeto(self, stream, **_):
    stream.write(b"SIMPLE  =                    T" * 1000)
    no_space()


def broken_writeto(self, stream, **_):
    stream.write(b"SIMPLE  =                    T" * 1000)
    raise RuntimeError("not an OSError")


FAILURES = {
    "replace": (os, "replace", no_space, FileError),
    "fsync": (os, "fsync", no_space, FileError),
    "disk full": (fits.HDUList, "writeto", partial_writeto, FileError),
    "bug": (fits.HDUList, "writeto", broken_writeto, RuntimeError),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("old", [None, b"the old blot"], ids=["new", "overwrite"])
def test_a_failure_while_writing_leaves_no_trace(pair, tmp_path, monkeypatch, failure, old):
    owner, name, replacement, expected = FAILURES[failure]
    path = tmp_path / "blt.fits"
    if old is not None:
        path.write_bytes(old)
    before = digests(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, replacement)
        with pytest.raises(expected) as caught:
            blot_file(*pair, path, overwrite=True)
    if expected is FileError:
        assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    assert digests(tmp_path) == before
    blot_file(*pair, path, overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["blt.fits", "med.fits", "one_flt.fits"]


def test_an_output_that_appears_meanwhile_is_not_replaced(pair, tmp_path, monkeypatch):
    path, fsync = tmp_path / "blt.fits", os.fsync

    def another_process(descriptor):
        path.write_text("someone else's")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", another_process)
    with pytest.raises(FileError, match="exists already"):
        blot_file(*pair, path)
    assert path.read_text() == "someone else's"
    assert sorted(os.listdir(tmp_path)) == ["blt.fits", "med.fits", "one_flt.fits"]


KILLED = """
import os, signal, sys
import skyblot
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
skyblot.blot_file(*sys.argv[1:], overwrite=True)
"""


@pytest.mark.parametrize("old", [None, b"the old blot"], ids=["new", "overwrite"])
def test_a_process_killed_while_writing_leaves_no_partial_blot(pair, tmp_path, old):
    path = tmp_path / "blt.fits"
    if old is not None:
        path.write_bytes(old)
    done = subprocess.run([sys.executable, "-c", KILLED, *pair, path], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (path.read_bytes() if path.exists() else None) == old
    visible = [name for name in os.listdir(tmp_path) if not name.startswith(".")]
    assert sorted(visible) == sorted(["med.fits", "one_flt.fits", *([] if old is None else ["blt.fits"])])
    assert fits.getdata(blot_file(*pair, path, overwrite=True), "SCI").shape == (20, 24)


@pytest.mark.parametrize("interp", ["linear", "poly5"])
def test_float64_source_is_written_as_float32(pair, tmp_path, interp):
    write_sci(tmp_path / "double.fits", texture((60, 70), "f8"))
    path = blot_file(tmp_path / "double.fits", pair[1], tmp_path / "blt.fits", interp=interp, **RAW)
    assert fits.getval(path, "BITPIX", "SCI") == -32
    single = fits.getdata(blot_file(*pair, tmp_path / "single.fits", interp=interp, **RAW), "SCI")
    np.testing.assert_allclose(fits.getdata(path, "SCI"), single, rtol=2e-6)


# Errors that only the library shows; those of the command line are in test_cli.py.


def test_first_image_is_taken_where_none_is_named(tmp_path):
    data = texture((60, 70))
    other = fits.ImageHDU(np.zeros((5, 5), "f4"), name="WHT")
    science = fits.ImageHDU(data, tan_header(data.shape), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), other, science]).writeto(tmp_path / "a.fits")
    with open_image(tmp_path / "a.fits") as image:
        assert image.name == f"{tmp_path / 'a.fits'}[sci,1]"
        assert image.shape == (60, 70)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros(3, "f4")), other]).writeto(tmp_path / "b.fits")
    with open_image(tmp_path / "b.fits") as image:
        assert image.name == f"{tmp_path / 'b.fits'}[wht,1]"


def test_a_table_is_not_an_image(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=np.zeros(3))], name="CAT")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "cat.fits")
    with pytest.raises(DataError, match=r"cat\.fits\[cat,1\]: is a table"), open_image(f"{tmp_path}/cat.fits[cat]"):
        pass
    with pytest.raises(DataError, match=r"cat\.fits: holds no image"), open_image(tmp_path / "cat.fits"):
        pass


@pytest.mark.parametrize("cut", ["pixels", "tables", "tiles", "gzip"])
def test_truncated_files(demo, tmp_path, cut):
    raw = demo.exposures[0].read_bytes()
    path = tmp_path / "cut_flc.fits"
    if cut == "pixels":
        path.write_bytes(raw[:40000])
    elif cut == "tables":
        path.write_bytes(raw[:-50000])
    elif cut == "gzip":
        path.write_bytes(gzip.compress(raw)[:100000])
    else:
        with fits.open(demo.exposures[0]) as hdus:
            fits.HDUList([hdus[0], fits.CompImageHDU(hdus[1].data, hdus[1].header, name="SCI")]).writeto(path)
        path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises((FileError, WCSError), match=r"cut_flc\.fits.*(truncated|its WCS cannot be read)"):
        blot_file(demo.median, f"{path}[sci,1]", tmp_path / "blt.fits")
    assert os.listdir(tmp_path) == ["cut_flc.fits"]


def test_a_file_without_permission(pair, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(fits, "open", refuse)
    with pytest.raises(FileError, match=r"med\.fits: no permission to read it"):
        blot_file(pair[0], f"{pair[1]}[sci,1]", tmp_path / "blt.fits")


def test_user_values_need_right_ascension_first(pair, tmp_path):
    def swap(hdus):
        header = hdus["SCI"].header
        header.update({"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": samples.DEC, "CRVAL2": samples.RA})
        header.update({"CD1_1": 0.0, "CD1_2": 1.4e-5, "CD2_1": 1.4e-5, "CD2_2": 0.0})

    reference = rewrite(pair[1], tmp_path / "swap.fits", swap)
    with pytest.raises(ParameterError, match="right ascension first"):
        blot_file(pair[0], reference, tmp_path / "blt.fits", outscale=0.1)
    path = blot_file(pair[0], reference, tmp_path / "blt.fits", **RAW)
    np.testing.assert_array_equal(world(read_wcs(path), (20, 24)), world(read_wcs(reference), (20, 24)))


def test_messages_are_not_paths_only(tmp_path):
    with pytest.raises(FileError, match=r"nowhere\.fits: no such file"):
        blot_file(Path(tmp_path) / "nowhere.fits", tmp_path / "nowhere.fits", tmp_path / "blt.fits")
