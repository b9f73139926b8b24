"""Mosaics in FITS as AstroDrizzle lays them out: extensions, keywords, and what stays behind."""

import re
import shutil
import subprocess
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from builders import tangent
from mosaic_data import DRIZZLE, HST, SHAPE, inputs_of, new_mosaic, write_exposure, write_exposures

from skyblot.errors import FileError
from skyblot.headers.wcs_facts import UNSTATED, with_statement
from skyblot.io.mosaics import write_mosaic

#: What AstroDrizzle writes for each image, without the number: drizzlepac.outputimage.
ASTRODRIZZLE = [
    "VER",
    "GEOM",
    "DATA",
    "DEXP",
    "OUDA",
    "OUWE",
    "OUCO",
    "MASK",
    "WTSC",
    "KERN",
    "PIXF",
    "COEF",
    "OUUN",
    "FVAL",
    "WKEY",
    "SCAL",
    "ISCL",
]
#: What no mosaic has of its exposures.
STALE = re.compile(
    r"(A|B|AP|BP)_\d_\d|[AB]P?_ORDER|D2IM.*|CPDIS.*|DP\d.*|NPOL.*|IDC.*|OC[XY]\d+|VAFACTOR|MDRIZ.*"
    r"|CHECKSUM|DATASUM|WCS.*|(CRVAL|CRPIX|CTYPE|CD\d_)\d?[A-Z]|LT[VM].*|CCDCHIP|.*GAIN.*|ATOD.*"
    r"|READN.*|INHERIT|EXPNAME"
)


@pytest.fixture
def two(tmp_path):
    """Two exposures of two chips each."""
    return write_exposures(tmp_path, [{}, {"EXPTIME": 60.0}], label="flc", chips=2)


def written(path, exposures, **changes):
    """Write a mosaic of exposures; return its HDUs, read."""
    with inputs_of(exposures, mask="m.fits", sky=1.25, factor=2.0) as inputs:
        new = new_mosaic(path, inputs, **changes)
        write_mosaic(new)
    with fits.open(path, memmap=False) as hdus:
        for hdu in hdus:
            _ = hdu.data
        return new, hdus


def test_extensions_are_those_of_astrodrizzle(two, tmp_path):
    new, hdus = written(tmp_path / "m_drc.fits", two)
    assert [(hdu.name, hdu.ver) for hdu in hdus[1:]] == [
        ("SCI", 1),
        ("WHT", 1),
        ("CTX", 1),
        ("ERR", 1),
    ]
    assert hdus[0].data is None
    assert hdus[0].header["NEXTEND"] == 4
    for name, plane in (("SCI", new.data), ("WHT", new.weights), ("ERR", new.errors)):
        assert hdus[name].header["BITPIX"] == -32
        np.testing.assert_array_equal(hdus[name].data, plane)
    assert hdus["CTX"].header["BITPIX"] == 32
    assert "BZERO" not in hdus["CTX"].header
    np.testing.assert_array_equal(hdus["CTX"].data, new.context[0])


@pytest.mark.parametrize("count", [32, 33])
def test_bits_of_many_exposures(tmp_path, count):
    """The 32nd bit is the sign of an int32, and the 33rd is in a plane of its own."""
    paths = write_exposures(tmp_path, [{}] * count)
    new, hdus = written(tmp_path / "m_drz.fits", paths)
    stored = hdus["CTX"].data.reshape(new.context.shape)
    assert hdus["CTX"].data.ndim == (2 if count == 32 else 3)
    for exposure in range(count):
        assert (stored[exposure // 32, 1:] >> exposure % 32 & 1 == 1).all()
    assert (stored[:, 0] == 0).all()
    assert hdus[0].header["NDRIZIM"] == count


def test_a_stack_has_no_record_of_drizzling(two, tmp_path):
    _, hdus = written(tmp_path / "m_med.fits", two, drizzle=None, context=None, errors=None)
    assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI", "WHT"]
    assert not [word for word in hdus[0].header if re.match(r"D\d{3}|NDRIZIM|RMSFACT", word)]
    assert hdus["WHT"].header["WHTTYPE"] == "exposures"
    assert "stacked from 4 images of 2 exposures" in str(hdus[0].header["HISTORY"])


def test_keywords_of_each_image(two, tmp_path):
    _, hdus = written(tmp_path / "m_drc.fits", two)
    header = hdus[0].header
    assert header["NDRIZIM"] == 4
    for number in range(1, 5):
        assert {f"D{number:03d}{word}" for word in ASTRODRIZZLE} <= set(header)
    assert "D005DATA" not in header
    third = {word: header[f"D003{word}"] for word in (*ASTRODRIZZLE, "BIT", "SKY", "FACT")}
    scale = third.pop("SCAL")
    assert scale == pytest.approx(0.036, rel=1e-12)
    assert third.pop("VER").startswith("skyblot ")
    assert third == {
        "GEOM": "wcs",
        "DATA": "x1_flc.fits[sci,1]",
        "DEXP": 60.0,
        "OUDA": "m_drc.fits",
        "OUWE": "m_drc.fits[WHT]",
        "OUCO": "m_drc.fits[CTX]",
        "MASK": "m.fits",
        "WTSC": 1.0,
        "KERN": "square",
        "PIXF": 0.8,
        "COEF": "wcs",
        "OUUN": "cps",
        "FVAL": "NaN",
        "WKEY": "",
        "ISCL": 0.036,
        "BIT": 1,
        "SKY": 1.25,
        "FACT": 2.0,
    }


@pytest.mark.parametrize(
    ("bunit", "word"), [("DN/s", "cps"), ("DN", "counts"), ("MJy/sr", "MJy/sr"), ("", "")]
)
def test_unit(two, tmp_path, bunit, word):
    _, hdus = written(tmp_path / "m_drc.fits", two, bunit=bunit)
    assert [hdus[name].header.get("BUNIT", "") for name in ("SCI", "ERR")] == [bunit, bunit]
    assert "BUNIT" not in hdus["WHT"].header
    assert hdus[0].header["D001OUUN"] == word


def test_totals(two, tmp_path):
    _, hdus = written(tmp_path / "m_drc.fits", two)
    header = hdus[0].header
    assert (header["EXPTIME"], header["TEXPTIME"]) == (160.0, 160.0)
    assert hdus["SCI"].header["NCOMBINE"] == 2
    assert header["RMSFACT"] == DRIZZLE.correlation
    assert (header["FILENAME"], header["ROOTNAME"]) == ("m_drc.fits", "m")


def test_no_exposure_time_where_one_is_not_known(tmp_path):
    paths = write_exposures(tmp_path, [{}, {"EXPTIME": None}])
    _, hdus = written(tmp_path / "m_drz.fits", paths)
    assert not {"EXPTIME", "TEXPTIME", "D002DEXP"} & set(hdus[0].header)
    assert hdus[0].header["D001DEXP"] == 100.0


def test_no_more_than_999_sets_of_keywords(tmp_path):
    path = write_exposure(tmp_path / "x_flt.fits")
    with inputs_of([path]) as inputs:
        write_mosaic(new_mosaic(tmp_path / "m_drz.fits", inputs * 1001))
    header = fits.getheader(tmp_path / "m_drz.fits")
    assert header["NDRIZIM"] == 1001
    assert "D999DATA" in header
    assert not [word for word in header if word.startswith("D1000")]


def test_own_cards(two, tmp_path):
    cards = [("CRKEY", "0123456789abcdef", "key"), ("NOTHING", None, ""), ("ODD", np.nan, "")]
    _, hdus = written(tmp_path / "m_drc.fits", two, cards=cards)
    assert hdus[0].header["CRKEY"] == "0123456789abcdef"
    assert not {"NOTHING", "ODD"} & set(hdus[0].header)


@pytest.mark.parametrize(
    ("frame", "statement", "cards"),
    [
        ({"radesys": "ICRS"}, None, {"RADESYS": "ICRS"}),
        ({"radesys": "FK5", "equinox": 1975.0}, None, {"RADESYS": "FK5", "EQUINOX": 1975.0}),
        ({"radesys": ""}, UNSTATED, {}),
    ],
)
def test_wcs(two, tmp_path, frame, statement, cards):
    """Every extension has the same, to the 14 digits of a card; what is not stated stays so."""
    wcs = tangent(shape=SHAPE, scale=1.1e-5 / 3, orient=33.3, **frame)
    if statement is not None:
        wcs = with_statement(wcs, statement)
    _, hdus = written(tmp_path / "m_drc.fits", two, wcs=wcs)
    for hdu in hdus[1:]:
        found = WCS(hdu.header)
        np.testing.assert_allclose(found.wcs.cd, wcs.wcs.cd, rtol=5e-14)
        np.testing.assert_array_equal(found.wcs.crval, wcs.wcs.crval)
        np.testing.assert_array_equal(found.wcs.crpix, wcs.wcs.crpix)
        stated = {word: hdu.header[word] for word in ("RADESYS", "EQUINOX") if word in hdu.header}
        assert stated == cards
        assert hdu.header["ORIENTAT"] == pytest.approx(33.3, abs=1e-9)
    assert not {"RADESYS", "EQUINOX"} & set(hdus[0].header)


@pytest.mark.parametrize("name", ["wfc3_uvis_flc.fits", "wfc3_ir_flt.fits"])
def test_nothing_of_an_exposures_distortion_or_calibration_stays(real_headers, tmp_path, name):
    _, hdus = written(tmp_path / "m_drz.fits", [real_headers / name])
    for hdu in hdus:
        assert [word for word in hdu.header if STALE.fullmatch(word)] == []
    header = hdus[0].header
    assert len(header["HISTORY"]) == 1
    assert "COMMENT" not in header
    assert (header["TELESCOP"], header["INSTRUME"]) == ("HST", "WFC3")
    assert header["DRIZCORR"] == "COMPLETE"
    assert header["PHOTFLAM"] > 0
    assert header["NEXTEND"] == len(hdus) - 1


def test_arrays_are_as_before(two, tmp_path):
    """Their bytes are swapped while they are written; those of a read-only one are copied."""
    with inputs_of(two) as inputs:
        new = new_mosaic(tmp_path / "m_drc.fits", inputs)
        new.weights.flags.writeable = False
        before = [plane.copy() for plane in (new.data, new.weights, new.context, new.errors)]
        write_mosaic(new)
    for plane, old in zip((new.data, new.weights, new.context, new.errors), before, strict=True):
        np.testing.assert_array_equal(plane, old)
    np.testing.assert_array_equal(fits.getdata(new.path, "WHT"), new.weights)


@pytest.mark.parametrize("compress", [False, True])
def test_the_same_bytes_whenever_it_is_written(two, tmp_path, monkeypatch, compress):
    contents = []
    for time in (1e9, 2e9):
        monkeypatch.setattr("time.time", lambda time=time: time)
        written(tmp_path / "m_drc.fits", two, compress=compress, overwrite=True)
        contents.append((tmp_path / "m_drc.fits").read_bytes())
    assert contents[0] == contents[1]


def test_compressed_without_loss(two, tmp_path):
    new, hdus = written(tmp_path / "m_drc.fits", two, compress=True)
    assert all(isinstance(hdu, fits.CompImageHDU) for hdu in hdus[1:])
    np.testing.assert_array_equal(hdus["SCI"].data, new.data)
    np.testing.assert_array_equal(hdus["CTX"].data, new.context[0])


def test_an_old_file_stays_where_it_may_not_be_replaced(two, tmp_path):
    path = tmp_path / "m_drc.fits"
    path.write_bytes(b"old")
    with pytest.raises(FileError, match="exists already"):
        written(path, two)
    assert path.read_bytes() == b"old"
    assert not [each for each in tmp_path.iterdir() if each.suffix == ".tmp"]


def test_names_that_no_header_holds(tmp_path):
    """Characters that are not ASCII are written out; long names go on in CONTINUE cards."""
    path = write_exposure(tmp_path / f"{'é' * 20}_flt.fits", {"TARGNAME": "x" * 68})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, hdus = written(tmp_path / "m_drz.fits", [path])
    assert hdus[0].header["D001DATA"] == f"{chr(92)}xe9" * 20 + "_flt.fits[sci,1]"
    assert hdus[0].header["TARGNAME"] == "x" * 68
    assert hdus[0].header["LONGSTRN"] == "OGIP 1.0"


@pytest.mark.skipif(shutil.which("fitsverify") is None, reason="no fitsverify here")
@pytest.mark.parametrize("count", [1, 33])
def test_fitsverify_has_nothing_to_complain_of(tmp_path, count):
    paths = write_exposures(tmp_path, [HST] * count)
    written(tmp_path / "m_drz.fits", paths)
    done = subprocess.run(
        ["fitsverify", "-q", tmp_path / "m_drz.fits"], capture_output=True, text=True, check=False
    )
    assert "verification OK" in done.stdout
    assert done.returncode == 0
