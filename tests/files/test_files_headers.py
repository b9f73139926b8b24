"""Files: what the blot's header says."""

import numpy as np
import pytest
from astropy.io import fits
from samples import rewrite

from skyblot import __version__, blot_file


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
    values = {
        "interp": "sinc",
        "sinscl": 0.9,
        "stepsize": 10,
        "out_units": "cps",
        "addsky": False,
        "skyval": 2.5,
    }
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
    # a wrong checksum is a warning, and warnings are errors here
    with fits.open(path, checksum=True) as hdus:
        for hdu in hdus:
            assert hdu.header is not None
            assert hdu.data is None or hdu.data.size
        assert [
            key for hdu in hdus[:2] for key in ("CHECKSUM", "DATASUM") if key in hdu.header
        ] == []


def hdu_bytes(path, name):
    """The cards of an extension, whose order astropy may change, and its data, byte for byte."""
    with fits.open(path) as hdus:
        place = hdus[name].fileinfo()
        header, end = (
            path.read_bytes()[place["hdrLoc"] : place["datLoc"]],
            place["datLoc"] + place["datSpan"],
        )
        cards = sorted(header[at : at + 80] for at in range(0, len(header), 80))
        return cards, path.read_bytes()[place["datLoc"] : end]


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
