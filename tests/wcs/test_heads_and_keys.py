"""Which WCS counts: SCAMP's ``.head`` file, an alternate one, the gwcs or the header's."""

import re
import shutil

import gwcs_files
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from samples import read_wcs, tan_header, texture, write_sci

import skyblot
from skyblot.errors import SkyblotWarning, WCSError
from skyblot.io.images import open_reference

SHAPE = (40, 50)
RAW = {"in_units": "cps", "out_units": "cps", "addsky": False}
MOVED = {"CRVAL1": 53.1001, "CRPIX2": 24.0}
#: What SCAMP writes: distortion as PV terms behind TAN, cards that are no WCS, a comment.
SCAMP = {
    "EQUINOX": 2000.0, "RADESYS": "ICRS", "CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_1": 1.0,
    "PV1_4": 500.0, "PV2_1": 1.0, "FLXSCALE": 0.5, "MAGZEROP": 30.0,
}  # fmt: skip


def head_cards(**more):
    """One header of a ``.head`` file."""
    cards = tan_header(SHAPE)
    cards.update(SCAMP | MOVED | more)
    return cards


def write_head(path, *headers, end="\n"):
    """Write headers as SCAMP does: one card a line, each header with its END."""
    lines = [
        line
        for header in headers
        for line in (*(card.image.rstrip() for card in header.cards), "END")
    ]
    text = "HISTORY Astrometric solution by SCAMP, \xe9t\xe9" + end + end.join(lines) + end
    path.write_bytes(text.encode("latin-1"))


def wcs_of(path, key=""):
    with open_reference(path, key) as image:
        return image.wcs()


def positions(wcs):
    return np.array(wcs.all_pix2world([0.0, 20.0, 49.0], [0.0, 15.0, 39.0], 0))


@pytest.fixture
def mosaic(tmp_path):
    return write_sci(tmp_path / "med.fits", texture((90, 90)), tan_header((90, 90)))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("suffix", [".fits", ".fits.gz", ".fit"])
def test_a_head_file_replaces_the_wcs_and_that_is_said(tmp_path, mosaic, suffix, end):
    sip = {
        "A_ORDER": 2,
        "B_ORDER": 2,
        "A_2_0": 9e-5,
        "CTYPE1": "RA---TAN-SIP",
        "CTYPE2": "DEC--TAN-SIP",
    }
    plain = write_sci(tmp_path / "a_flt.fits", np.zeros(SHAPE, "f4"), tan_header(SHAPE, **sip))
    path = plain.with_name("b_flt" + suffix)
    with fits.open(plain) as hdus:
        hdus.writeto(path)
    head = tmp_path / "b_flt.head"
    write_head(head, head_cards(), end=end)
    with pytest.warns(SkyblotWarning) as caught:
        blot = skyblot.blot_file(mosaic, path, tmp_path / "b.fits", **RAW)
    assert f"{path}[sci,1]: the file {head} beside it replaces its WCS" in {
        str(each.message) for each in caught
    }
    expected = WCS(head_cards())
    np.testing.assert_allclose(positions(read_wcs(blot)), positions(expected), rtol=0, atol=1e-12)
    target = WCS(head_cards())
    target.array_shape = SHAPE
    with fits.open(mosaic) as hdus:
        wanted = skyblot.blot(hdus["SCI"].data.astype("f4"), WCS(hdus["SCI"].header), target)
    area = (skyblot.info(blot)[0].wcs.scale_arcsec / 0.05) ** 2
    np.testing.assert_allclose(fits.getdata(blot, "SCI"), wanted * area, rtol=1e-5)
    assert "FLXSCALE" not in fits.getheader(blot, "SCI")


def test_a_head_file_has_a_header_for_each_chip_or_each_image(tmp_path):
    path = tmp_path / "two_flc.fits"
    names = ["SCI", "ERR", "DQ", "SCI", "ERR", "DQ"]
    images = [fits.ImageHDU(np.zeros(SHAPE, "f4"), tan_header(SHAPE), name=name, ver=1 + k // 3)
              for k, name in enumerate(names)]  # fmt: skip
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(path)
    for count, second in ((2, 1), (6, 3)):
        headers = [head_cards(CRVAL2=-27.8 + k / 1000) for k in range(count)]
        write_head(path.with_suffix(".head"), *headers)
        for version, place in ((1, 0), (2, second)):
            with pytest.warns(SkyblotWarning, match="replaces its WCS"):
                wcs = wcs_of(f"{path}[sci,{version}]")
            assert wcs.wcs.crval[1] == pytest.approx(-27.8 + place / 1000, abs=1e-12)
    write_head(path.with_suffix(".head"), head_cards())
    with pytest.raises(
        WCSError, match=re.escape(f"two_flc.head: holds 1 headers, and {path} has 2")
    ):
        wcs_of(f"{path}[sci,2]")


@pytest.mark.parametrize("text", ["SIMPLE  =                    T\nEND\n", "what is this\n"])
def test_a_head_file_without_a_wcs_is_refused(tmp_path, text):
    path = write_sci(tmp_path / "a_flt.fits", np.zeros(SHAPE, "f4"))
    path.with_suffix(".head").write_text(text)
    with pytest.raises(WCSError, match=r"a_flt\.head: "):
        wcs_of(path)


def test_a_blot_is_made_again_when_its_head_file_has_changed(tmp_path, mosaic):
    path = write_sci(tmp_path / "a_flt.fits", np.zeros(SHAPE, "f4"))
    outcomes = []
    for cards in (head_cards(), head_cards(), head_cards(CRVAL1=53.1002)):
        if len(outcomes) != 1:
            write_head(path.with_suffix(".head"), cards)
        with pytest.warns(SkyblotWarning) if len(outcomes) != 1 else contextless():
            outcomes += skyblot.blot_files(
                mosaic, [path], tmp_path, resume=True, overwrite=True, **RAW
            )
    assert [each.kept for each in outcomes] == [False, True, False]


def contextless():
    from contextlib import nullcontext

    return nullcontext()


# Alternate WCS.


def exposure(path, **more):
    """An exposure with SIP and two alternate WCS, as HST's headers have them."""
    header = tan_header(
        SHAPE, CTYPE1="RA---TAN-SIP", CTYPE2="DEC--TAN-SIP", A_ORDER=2, B_ORDER=2, A_2_0=9e-5
    )
    for key, shift in (("A", 1e-4), ("O", -2e-4)):
        for keyword in ("CTYPE", "CRVAL", "CRPIX", "CUNIT"):
            header.update({f"{keyword}{axis}{key}": header[f"{keyword}{axis}"] for axis in (1, 2)})
        header.update({f"CD{i}_{j}{key}": header[f"CD{i}_{j}"] for i in (1, 2) for j in (1, 2)})
        header[f"CRVAL2{key}"] += shift
        header[f"WCSNAME{key}"] = f"the {key}"
    header.update(more)
    return write_sci(path, np.zeros(SHAPE, "f4"), header)


@pytest.mark.parametrize("key", ["A", "O", "a"])
def test_an_alternate_wcs_is_that_of_astropy(tmp_path, mosaic, key):
    path = exposure(tmp_path / "a_flt.fits")
    blot = skyblot.blot_file(mosaic, path, tmp_path / "b.fits", wcs_key=key, **RAW)
    with fits.open(path) as hdus:
        expected = WCS(hdus["SCI"].header, hdus, key=key.upper())
    np.testing.assert_allclose(positions(read_wcs(blot)), positions(expected), rtol=0, atol=1e-12)
    header = fits.getheader(blot, "SCI")
    assert (header["WCSNAME"], header["WCSNAMEO"]) == (f"the {key.upper()}", "the O")
    first = skyblot.blot_file(mosaic, path, tmp_path / "c.fits", **RAW)
    assert not np.array_equal(fits.getdata(blot, "SCI"), fits.getdata(first, "SCI"))


@pytest.mark.parametrize(("cards", "present"), [({}, "A and O"), ({"CTYPE1O": None}, "A")])
def test_a_key_that_is_not_there_is_refused_with_those_that_are(tmp_path, mosaic, cards, present):
    path = exposure(tmp_path / "a_flt.fits")
    if cards:
        fits.delval(path, "CTYPE1O", "SCI")
    with pytest.raises(
        WCSError,
        match=rf"\[sci,1\]: no alternate WCS with the key C \(--wcs-key\), it has {present}$",
    ):
        skyblot.blot_file(mosaic, path, tmp_path / "b.fits", wcs_key="C", **RAW)


def test_the_option_at_the_prompt(tmp_path, mosaic, run):
    path = exposure(tmp_path / "a_flt.fits")
    code, _, errors = run(
        "blot", mosaic, path, "-o", tmp_path / "b.fits", "--wcs-key", "O", "--no-addsky",
        "--in-units", "cps", "--out-units", "cps",
    )  # fmt: skip
    assert (code, errors) == (0, "")
    assert fits.getval(tmp_path / "b.fits", "WCSNAME", "SCI") == "the O"
    code, _, errors = run("blot", mosaic, path, "-o", tmp_path / "c.fits", "--wcs-key", "AB")
    assert code == 2
    assert "--wcs-key AB: expected a letter A to Z, or nothing" in errors


# JWST: the header was aligned and the gwcs was not, or the other way round.


JWST = {"TELESCOP": "JWST"}
BIG = (96, 128)


def jwst_file(path, dx, *, resampled):
    """A file whose gwcs and header are `dx` pixels apart: an exposure with SIP, or a mosaic."""
    pytest.importorskip("gwcs")
    header = gwcs_files.mosaic_header(BIG) if resampled else None
    exact = gwcs_files.mosaic_gwcs(header, BIG) if resampled else gwcs_files.exposure_gwcs(BIG)
    if header is None:
        gwcs_files.write_cal(path, exact)
    else:
        gwcs_files.write_jwst(path, texture(BIG), exact, header)
    with fits.open(path, mode="update") as hdus:
        hdus["SCI"].header["CRPIX1"] += dx
    return path


@pytest.mark.parametrize("resampled", [False, True])
@pytest.mark.parametrize(("dx", "said"), [(0.0, None), (0.05, None), (0.3, "0.3"), (-2.0, "2")])
def test_a_header_that_is_elsewhere_than_its_gwcs_is_told(tmp_path, resampled, dx, said):
    path = jwst_file(
        tmp_path / ("a_i2d.fits" if resampled else "a_cal.fits"), dx, resampled=resampled
    )
    if said is None:
        wcs_of(path)
        return
    with pytest.warns(
        SkyblotWarning,
        match=rf"its gwcs, which is used, and the WCS in its header are {said} pixels",
    ):
        wcs = wcs_of(path)
    assert not isinstance(wcs, WCS)


def test_the_sip_of_a_real_miri_exposure_is_a_poor_approximation(tmp_path, real_headers):
    pytest.importorskip("gwcs")
    path = tmp_path / "miri_image_cal.fits.gz"
    shutil.copy(real_headers.parent / "real_gwcs" / path.name, path)
    with pytest.warns(
        SkyblotWarning, match=r"0\.9\d pixels apart: .* or the header's is a poor approximation"
    ):
        assert not isinstance(wcs_of(path), WCS)
