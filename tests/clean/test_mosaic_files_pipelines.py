"""Mosaics in the layouts of the pipelines of JWST and Roman, read without their data models."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from builders import tangent
from mosaic_data import DRIZZLE, SHAPE, inputs_of, new_mosaic

from skyblot import SkyblotWarning
from skyblot.demo import make_demo
from skyblot.headers.wcs_facts import EQUINOX_2000, STATED, with_statement
from skyblot.io import jwst_mosaic
from skyblot.io.images import open_image
from skyblot.io.mosaics import write_mosaic

asdf = pytest.importorskip("asdf")
pytest.importorskip("gwcs")

#: Roman's tags are unknown without its data models.
pytestmark = pytest.mark.filterwarnings("ignore:.*is not recognized, converting")
#: A second of arc in radians.
ARCSEC = np.pi / 180 / 3600
EXPOSURES = 3
POSITIONS = np.meshgrid(np.linspace(0, SHAPE[1] - 1, 5), np.linspace(0, SHAPE[0] - 1, 5))


@pytest.fixture(scope="module", params=["jwst", "roman"])
def demo(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return make_demo(folder, request.param, exposures=EXPOSURES, chip_shape=(64, 64))


@pytest.fixture(scope="module")
def jwst(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jwst")
    return make_demo(folder, "jwst", exposures=EXPOSURES, chip_shape=(64, 64)).exposures


@pytest.fixture(scope="module")
def roman(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roman")
    return make_demo(folder, "roman", exposures=EXPOSURES, chip_shape=(64, 64)).exposures


def variances():
    return {kind: np.full(SHAPE, k, "f4") for k, kind in enumerate(("poisson", "rnoise", "flat"))}


def written(path, exposures, sky=1.0, **changes):
    with inputs_of(exposures, sky=sky, mask="m.fits") as inputs:
        new = new_mosaic(path, inputs, **{"bunit": "MJy/sr", **changes})
        write_mosaic(new)
    return new


# JWST.


def test_extensions_of_jwst(jwst, tmp_path):
    new = written(tmp_path / "m_i2d.fits", jwst, variances=variances())
    with fits.open(new.path) as hdus:
        names = ["SCI", "ERR", "CON", "WHT", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "ASDF"]
        assert [hdu.name for hdu in hdus[1:]] == names
        assert hdus["CON"].data.shape == (1, *SHAPE)
        assert hdus["CON"].data.dtype == ">i4"
        np.testing.assert_array_equal(hdus["SCI"].data, new.data)
        np.testing.assert_array_equal(hdus["VAR_FLAT"].data, new.variances["flat"])
        units = [hdu.header.get("BUNIT") for hdu in hdus]
        assert units == [None, "MJy/sr", "MJy/sr", *[None] * 6]


def test_what_is_not_there_is_not_written(jwst, tmp_path):
    new = written(tmp_path / "m_med.fits", jwst, drizzle=None, context=None, errors=None)
    with fits.open(new.path) as hdus:
        assert [hdu.name for hdu in hdus[1:]] == ["SCI", "WHT", "ASDF"]
        assert hdus[0].header["S_RESAMP"] == "COMPLETE"
        assert not {"PIXFRAC", "RESWHT", "PXSCLRT", "KERNEL"} & set(hdus[0].header)


@pytest.mark.parametrize("scale", [1e-5, 3e-5])
def test_area_of_a_pixel_is_the_mosaics(jwst, tmp_path, scale):
    new = written(tmp_path / "m_i2d.fits", jwst, wcs=tangent(shape=SHAPE, scale=scale))
    with fits.open(new.path) as hdus:
        header = hdus["SCI"].header
        assert header["PIXAR_A2"] == pytest.approx((3600 * scale) ** 2, rel=1e-9)
        assert header["PIXAR_SR"] == pytest.approx(header["PIXAR_A2"] * ARCSEC**2, rel=1e-9)
        assert hdus[0].header["PXSCLRT"] == pytest.approx(3600 * scale / 0.036, rel=1e-9)


@pytest.mark.parametrize(
    ("weight", "word"), [("exptime", "exptime"), ("ivm", "ivm"), ("err", "ivm")]
)
def test_keywords_of_jwst(jwst, tmp_path, weight, word):
    new = written(tmp_path / "m_i2d.fits", jwst, drizzle=replace(DRIZZLE, weight=weight))
    with fits.open(new.path) as hdus:
        header = hdus[0].header
        facts = {"DATAMODL": "ImageModel", "S_RESAMP": "COMPLETE", "S_SKYMAT": "COMPLETE"}
        facts |= {"NDRIZ": EXPOSURES, "RESWHT": word, "PIXFRAC": 0.8, "KERNEL": "square"}
        facts |= {"TELESCOP": "JWST", "INSTRUME": "NIRCAM", "DETECTOR": "NRCBLONG"}
        assert {keyword: header[keyword] for keyword in facts} == facts
        total = pytest.approx(3 * 311.366, abs=1e-9)
        assert (header["EFFEXPTM"], hdus["SCI"].header["XPOSURE"]) == (total, total)
        assert header["D001OUCO"] == "m_i2d.fits[CON]"
        assert hdus["SCI"].header["PHOTMJSR"] == 0.361
        assert not {"S_WCS", "SUBSIZE1", "VISITGRP", "EXPOSURE"} & set(header)


def test_skymatch_was_skipped_where_no_sky_was_subtracted(jwst, roman, tmp_path):
    new = written(tmp_path / "m_i2d.fits", jwst, sky=0.0)
    assert fits.getval(new.path, "S_SKYMAT") == "SKIPPED"
    new = written(tmp_path / "m_coadd.asdf", roman, sky=0.0)
    with asdf.open(new.path) as file:
        assert file["roman"]["meta"]["cal_step"]["skymatch"] == "SKIPPED"


@pytest.mark.parametrize("orient", [0.0, 33.0, 251.0])
def test_both_wcs_are_the_mosaics(demo, tmp_path, orient):
    wcs = tangent(shape=SHAPE, orient=orient)
    path = tmp_path / f"m{demo.exposures[0].suffix}"
    written(path, demo.exposures, wcs=wcs)
    expected = wcs.wcs_pix2world(*POSITIONS, 0)
    if path.suffix == ".fits":
        with fits.open(path) as hdus:
            header = hdus["SCI"].header
            np.testing.assert_allclose(
                WCS(header).wcs_pix2world(*POSITIONS, 0), expected, rtol=1e-14
            )
            content = hdus["ASDF"].data["ASDF_METADATA"][0].tobytes()
        path = tmp_path / "tree.asdf"
        path.write_bytes(content)
        with asdf.open(path) as file:
            stored = file["meta"]["wcs"]
            assert stored.array_shape == SHAPE
            np.testing.assert_allclose(stored(*POSITIONS), expected, rtol=1e-13)
        return
    with asdf.open(path) as file:
        stored = file["roman"]["meta"]["wcs"]
        assert stored.array_shape == SHAPE
        np.testing.assert_allclose(stored(*POSITIONS), expected, rtol=1e-13)
        info = file["roman"]["meta"]["wcsinfo"]
        assert info["orientation_ref"] % 360 == pytest.approx(orient, abs=1e-9)
        assert info["orientation"] % 360 == pytest.approx(orient, abs=0.01)
        assert [info["ra_ref"], info["dec_ref"]] == list(wcs.wcs.crval)
        middle = wcs.wcs_pix2world((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2, 0)
        np.testing.assert_allclose([info["ra"], info["dec"]], middle, rtol=1e-14)


def test_without_gwcs_it_is_said(jwst, tmp_path, monkeypatch):
    monkeypatch.setattr(jwst_mosaic, "missing_package", lambda: "gwcs")
    with pytest.warns(SkyblotWarning, match="has no extension ASDF, and so no meta.wcs"):
        new = written(tmp_path / "m_i2d.fits", jwst)
    with fits.open(new.path) as hdus:
        assert "ASDF" not in hdus
        assert hdus["SCI"].header["CTYPE1"] == "RA---TAN"


# Roman.


def test_arrays_of_roman(roman, tmp_path):
    new = written(tmp_path / "m_coadd.asdf", roman, variances=variances())
    with asdf.open(new.path) as file:
        tree = file["roman"]
        names = {"data", "err", "weight", "context", "var_poisson", "var_rnoise", "var_flat"}
        assert set(tree) == {"meta", *names}
        np.testing.assert_array_equal(tree["data"], new.data)
        np.testing.assert_array_equal(tree["context"], new.context)
        assert tree["context"].dtype == np.uint32
        np.testing.assert_array_equal(tree["var_rnoise"], new.variances["rnoise"])


def test_what_nobody_knows_is_nan(roman, tmp_path):
    new = written(tmp_path / "m_med.asdf", roman, drizzle=None, context=None, errors=None)
    with asdf.open(new.path) as file:
        tree = file["roman"]
        for name in ("err", "var_poisson", "var_rnoise"):
            assert np.isnan(tree[name]).all()
        assert not np.any(tree["context"])
        assert "var_flat" not in tree
        assert tree["meta"]["resample"]["pixfrac"] == -999999


@pytest.mark.parametrize(("bunit", "flux"), [("MJy/sr", "COMPLETE"), ("DN/s", "INCOMPLETE")])
def test_metadata_of_roman(roman, tmp_path, bunit, flux):
    """Its model knows one unit: that another was left as it is is said by the step that is not."""
    cards = [("CRKEY", "0123456789abcdef", "key"), ("MYCARD", 3, "")]
    new = written(tmp_path / "m_coadd.asdf", roman, bunit=bunit, cards=cards)
    with asdf.open(new.path) as file:
        meta = file["roman"]["meta"]
        assert meta["cal_step"]["flux"] == flux
        assert meta["skyblot"]["bunit"] == bunit
        assert (meta["skyblot"]["mycard"], file["crkey"]) == (3, "0123456789abcdef")
        assert meta["coadd_info"]["exposure_time"] == pytest.approx(3 * 139.8)
        first, last, mean = (
            meta["coadd_info"][f"time_{name}"] for name in ("first", "last", "mean")
        )
        assert first < mean < last
        assert meta["resample"]["members"] == [path.name for path in roman]
        assert meta["resample"]["pointings"] == EXPOSURES
        assert meta["instrument"]["optical_element"] == "F158"
        assert meta["observation"]["visit"] is None


def test_exposures_without_times_give_no_data_model(roman, tmp_path):
    """Their place is not filled with a time of no exposure: only as plain values it is a mosaic."""
    path = tmp_path / "x_cal.asdf"
    with asdf.open(roman[0], memmap=False) as file:
        tree = {"roman": dict(file["roman"])}
        tree["roman"]["meta"]["exposure"].pop("start_time")
        asdf.AsdfFile(tree).write_to(path)
    new = written(tmp_path / "m_coadd.asdf", [path])
    content = new.path.read_bytes()
    assert b"wfi_mosaic" not in content
    assert b"time_first" not in content


@pytest.mark.parametrize("compress", [False, True])
def test_the_same_bytes_whenever_it_is_written(demo, tmp_path, monkeypatch, compress):
    contents = []
    path = tmp_path / f"m{demo.exposures[0].suffix}"
    for time in (1e9, 2e9):
        monkeypatch.setattr("time.time", lambda time=time: time)
        written(path, demo.exposures, compress=compress, overwrite=True)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("frame", "statement", "icrs"),
    [
        ({"radesys": "FK5", "equinox": 2000.0}, EQUINOX_2000, True),
        ({"radesys": "FK5", "equinox": 2000.0}, STATED, False),
        ({"radesys": "", "ctype": ("GLON-TAN", "GLAT-TAN")}, None, False),
    ],
)
def test_frame(demo, tmp_path, frame, statement, icrs):
    """What is not stated is ICRS, in every place; what is not ICRS is not said to be."""
    wcs = tangent(shape=SHAPE, **frame)
    if statement is not None:
        wcs = with_statement(wcs, statement)
    new = written(tmp_path / f"m{demo.exposures[0].suffix}", demo.exposures, wcs=wcs)
    with open_image(new.path) as image:
        stored = image.wcs()
        found = getattr(stored, "output_frame", None)
        name = stored.wcs.radesys if found is None else found.reference_frame.name.upper()
    assert (name == "ICRS") is icrs
    assert (b"POLYGON ICRS" in new.path.read_bytes()) is icrs
