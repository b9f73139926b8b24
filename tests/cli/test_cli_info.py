"""``skyblot info``: what is said of files of all kinds."""

import contextlib
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.data import get_pkg_data_filenames
from builders import tangent
from samples import rewrite, tan_header, texture, write_sci
from web import serve

import skyblot
from skyblot.pixelmap.types import ADAPTIVE, CLOSED_FORM, EVERY_PIXEL

CHIP = (96, 160)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    made = skyblot.make_demo(tmp_path_factory.mktemp("hst"), exposures=2, chip_shape=CHIP)
    skyblot.blot_files(made.median, made.exposures[:1], made.folder)
    return made


def infrared(kind, tmp_path_factory):
    pytest.importorskip("gwcs")
    return skyblot.make_demo(tmp_path_factory.mktemp(kind), kind, exposures=1)


@pytest.fixture(scope="module")
def jwst(tmp_path_factory):
    return infrared("jwst", tmp_path_factory)


@pytest.fixture(scope="module")
def roman(tmp_path_factory):
    return infrared("roman", tmp_path_factory)


def written(path, **cards):
    return write_sci(path, texture((40, 50)), tan_header((40, 50), **cards))


# Kinds.


def test_an_exposure_of_hst(demo):
    first, second = skyblot.info(demo.exposures[0])
    with fits.open(demo.exposures[0]) as hdus:
        header, primary = hdus["SCI", 1].header, hdus[0].header
    assert (first.name, second.name) == tuple(f"{demo.exposures[0]}[sci,{chip}]" for chip in (1, 2))
    assert (first.kind, first.instrument) == ("exposure", "HST WFC3 UVIS")
    assert (first.shape, first.dtype) == (CHIP, "float32")
    assert (first.unit, first.unit_kind) == ("ELECTRONS", "counts")
    assert (first.exptime, first.exptime_keyword) == (primary["EXPTIME"], "EXPTIME")
    assert (first.sky, first.sky_keyword) == (header["MDRIZSKY"], "MDRIZSKY")
    assert first.planes == ("ERR", "DQ")
    assert first.wcs.distortion == ("SIP of order 4", "CPDIS 32 x 64", "D2IM 32 x 64")
    assert (first.wcs.map_onto.way, first.wcs.map_onto.error_pixels) == (CLOSED_FORM, 1e-8)
    assert (first.wcs.map_from.way, first.wcs.map_from.error_pixels) == (CLOSED_FORM, 1e-8)
    assert first.pair is None


def test_a_mosaic_and_a_blot_and_a_mask(demo, tmp_path):
    with pytest.warns(skyblot.SkyblotWarning):  # so small a chip has few cosmic rays, or many
        skyblot.reject_files(
            demo.median, demo.exposures[:1], tmp_path, rule="plain", snr=(0.5, 0.5), scale=(0, 0)
        )
    (mosaic,) = skyblot.info(demo.median)
    assert (mosaic.kind, mosaic.unit_kind, mosaic.planes) == ("mosaic", "cps", ())
    assert mosaic.wcs.distortion == ()
    assert mosaic.wcs.map_onto.way == mosaic.wcs.map_from.way == CLOSED_FORM
    (blot,) = skyblot.info(next(demo.folder.glob("*sci2_blt.fits")))
    assert blot.kind == "blot"
    assert blot.record["BLOTREF"] == f"{demo.exposures[0]}[sci,2]"
    assert blot.wcs == skyblot.info(f"{demo.exposures[0]}[sci,2]")[0].wcs
    (mask,) = skyblot.info(next(tmp_path.glob("*sci1_crmask.fits")))
    assert (mask.kind, mask.dtype, mask.wcs.distortion) == ("mask", "uint8", ("SIP of order 4",))
    assert mask.record["CREXP"] == f"{demo.exposures[0]}[sci,1]"


def test_files_of_jwst(jwst):
    (exposure,) = skyblot.info(jwst.exposures[0], jwst.median)
    assert (exposure.kind, exposure.instrument) == ("exposure", "JWST NIRCAM NRCBLONG")
    assert (exposure.unit_kind, exposure.exptime_keyword) == ("surface brightness", "EFFEXPTM")
    assert (exposure.wcs.kind, exposure.wcs.projection, exposure.wcs.distortion) == ("gwcs", "", ())
    ny, nx = exposure.shape
    assert exposure.wcs.bounding_box == ((-0.5, nx - 0.5), (-0.5, ny - 0.5))
    assert exposure.wcs.map_onto.way == exposure.pair.map.way == ADAPTIVE
    assert exposure.pair.overlap == 1.0
    (mosaic,) = skyblot.info(jwst.median)
    assert (mosaic.kind, mosaic.wcs.kind, mosaic.wcs.map_onto.way) == (
        "mosaic",
        "FITS",
        CLOSED_FORM,
    )


def test_files_of_roman(roman):
    (exposure,) = skyblot.info(roman.exposures[0])
    assert (exposure.kind, exposure.instrument) == ("exposure", "ROMAN WFI WFI01")
    assert (exposure.unit, exposure.unit_kind, exposure.planes) == ("DN/s", "cps", ("ERR", "DQ"))
    assert exposure.sky_keyword == "BKGLEVEL"
    assert exposure.wcs.kind == "gwcs"
    (mosaic,) = skyblot.info(roman.median)
    assert (mosaic.kind, mosaic.unit_kind, mosaic.planes) == ("mosaic", "surface brightness", ())


@pytest.mark.parametrize(
    ("cards", "kind"),
    [
        ({}, "image"),
        ({"NCOMBINE": 1}, "image"),
        ({"NCOMBINE": 3}, "mosaic"),
        ({"NDRIZIM": 2}, "mosaic"),
        ({"S_RESAMP": "COMPLETE"}, "mosaic"),
        ({"EXPSTART": 59000.5}, "exposure"),
    ],
)
def test_the_kind_is_what_the_header_tells(tmp_path, cards, kind):
    (found,) = skyblot.info(written(tmp_path / "x.fits", **cards))
    assert (found.kind, found.instrument, found.unit, found.unit_kind) == (kind, "", "", "")
    assert (found.exptime, found.exptime_keyword, found.sky, found.sky_keyword) == (
        None,
        "",
        None,
        "",
    )


# WCS.


@pytest.mark.parametrize("orient", [0.0, 28.0, 200.0])
@pytest.mark.parametrize("frame", ["ICRS", "FK5"])
def test_place_scale_and_orientation(tmp_path, orient, frame):
    wcs = tangent(scale=2e-5, orient=orient, shape=(40, 50), crpix=(25.5, 20.5), radesys=frame)
    path = write_sci(tmp_path / "x.fits", texture((40, 50)), wcs.to_header())
    (found,) = skyblot.info(path)
    assert found.wcs.scale_arcsec == pytest.approx(0.072)
    assert found.wcs.centre_deg == pytest.approx((10.0, 20.0))
    assert found.wcs.orientation_deg == pytest.approx(orient, abs=1e-3)
    assert (found.wcs.kind, found.wcs.projection, found.wcs.frame) == ("FITS", "TAN", frame)


def test_tables_of_two_sizes_are_both_named(tmp_path, demo):
    def shrink(hdus):
        hdus["D2IMARR", 1].data = hdus["D2IMARR", 1].data[:4, :6]

    (first, _) = skyblot.info(rewrite(demo.exposures[0], tmp_path / "x_flc.fits", shrink))
    assert first.wcs.distortion == ("SIP of order 4", "CPDIS 32 x 64", "D2IM 4 x 6", "D2IM 32 x 64")


def test_other_projections_have_no_closed_form(tmp_path):
    path = written(tmp_path / "x.fits", CTYPE1="RA---ZEA", CTYPE2="DEC--ZEA")
    (found,) = skyblot.info(path)
    assert (found.wcs.projection, found.wcs.distortion, found.wcs.map_onto.way) == (
        "ZEA",
        (),
        ADAPTIVE,
    )


@pytest.mark.parametrize("ctype", ["TPV", "TAN"])
def test_polynomials_of_the_projection_are_a_distortion(tmp_path, ctype):
    cards = {
        "CTYPE1": f"RA---{ctype}",
        "CTYPE2": f"DEC--{ctype}",
        "PV1_1": 1.0,
        "PV2_1": 1.0,
        "PV1_7": 1e3,
        "PV2_7": 1e3,
    }
    (found,) = skyblot.info(written(tmp_path / "x.fits", **cards))
    assert found.wcs.distortion == (("TPV",) if ctype == "TPV" else ("polynomials",))
    assert found.wcs.map_onto.way == ADAPTIVE


def test_a_small_image_is_exact_at_every_pixel(tmp_path):
    header = tan_header((9, 8), CTYPE1="RA---SIN", CTYPE2="DEC--SIN")
    (found,) = skyblot.info(write_sci(tmp_path / "x.fits", texture((9, 8)), header))
    assert found.wcs.map_onto.way == EVERY_PIXEL


@pytest.mark.parametrize(
    ("cards", "problem"),
    [
        ({"CTYPE1": "X", "CTYPE2": "Y"}, "no celestial WCS"),
        ({"CD1_1": 0.0, "CD1_2": 0.0}, "singular"),
        ({"CTYPE1": "RA---XYZ"}, "cannot be read"),
    ],
)
def test_a_wcs_that_cannot_be_used_is_no_error(tmp_path, cards, problem):
    (found,) = skyblot.info(written(tmp_path / "x.fits", **cards))
    assert found.wcs is None
    assert problem in found.wcs_problem


def test_the_wcs_of_real_headers(real_headers, recwarn):
    for name in ("wfc3_uvis_flc.fits", "wfc3_ir_flt.fits"):
        for found in skyblot.info(real_headers / name):
            assert found.instrument.startswith("HST WFC3")
            assert found.wcs.distortion[0] == "SIP of order 4"
            assert found.wcs.map_onto.way == CLOSED_FORM


def test_nothing_fails_but_for_what_cannot_be_read():
    """astropy's own test data: odd WCS, tables, files without images."""
    seen = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in get_pkg_data_filenames("data", "astropy.wcs.tests", "*.fits*"):
            with contextlib.suppress(skyblot.FileError, skyblot.DataError):
                seen += len(skyblot.info(path))
    assert seen >= 4


def test_of_a_url_little_is_fetched(tmp_path):
    pytest.importorskip("fsspec")
    pytest.importorskip("aiohttp")
    wide = write_sci(tmp_path / "wide.fits", np.ones((3000, 3000), "f4"), tan_header((3000, 3000)))
    with serve(tmp_path) as server:
        (found,) = skyblot.info(f"{server.url}/wide.fits[sci,1]")
        assert server.sent < 1_000_000
    (same,) = skyblot.info(wide)
    assert (found.shape, found.wcs, found.dtype) == (same.shape, same.wcs, same.dtype)


# Pairs.


def test_the_pair_is_the_blot_that_will_be_made(demo, tmp_path):
    first, second = skyblot.info(demo.exposures[0], demo.median)
    made = skyblot.blot_files(demo.median, demo.exposures[:1], tmp_path)
    for found, blot in zip((first, second), made, strict=True):
        assert found.pair.source == blot.source
        assert found.pair.map.way == CLOSED_FORM
        assert found.pair.overlap == pytest.approx(blot.covered, abs=0.02)
        assert found.pair.memory_bytes > CHIP[0] * CHIP[1] * 4
        assert found.pair.seconds > 0


def test_a_pair_the_other_way_round_has_a_closed_form_too(demo):
    (found,) = skyblot.info(demo.median, f"{demo.exposures[0]}[sci,1]")
    assert found.pair.map.way == CLOSED_FORM
    assert found.pair.overlap < 0.9


def test_labels_make_a_pair_too(demo, tmp_path):
    labels = rewrite(
        demo.median,
        tmp_path / "seg.fits",
        lambda hdus: setattr(hdus[1], "data", hdus[1].data.astype("i4")),
    )
    assert skyblot.info(demo.exposures[0], labels)[0].pair.map.way == CLOSED_FORM


def test_a_pair_that_cannot_be_made_says_why(demo, tmp_path):
    lost = written(tmp_path / "x.fits", CTYPE1="X", CTYPE2="Y")
    pair = skyblot.info(lost, demo.median)[0].pair
    assert pair.map.way == ""
    assert "no celestial WCS" in pair.map.problem
    assert pair.overlap is None


def test_a_mosaic_that_cannot_be_read_is_an_error(demo):
    with pytest.raises(skyblot.FileError, match=r"no_such\.fits: no such file"):
        skyblot.info(demo.exposures[0], "no_such.fits")


# The command.


def test_the_text_of_an_exposure(run, demo, monkeypatch):
    monkeypatch.chdir(demo.folder)
    code, text, errors = run("info", f"{demo.exposures[0].name}[sci,1]", "--with", demo.median.name)
    assert (code, errors) == (0, "")
    lines = dict(
        line.strip().split("  ", 1) for line in text.splitlines()[1:] if "map " not in line
    )
    assert text.splitlines()[0] == f"{demo.exposures[0].name}[sci,1]"
    assert lines["kind"].strip() == "exposure of HST WFC3 UVIS"
    assert lines["pixels"].strip() == "96 x 160, float32"
    assert (
        "  map onto it closed form, within 1e-08 pixel\n  map from it closed form, within 1e-08 "
        "pixel\n" in text
    )
    assert (
        lines["with"]
        .strip()
        .startswith("skydemo_med.fits[sci,1]: closed form, within 1e-08 pixel; overlap 100.0 %;")
    )


def test_the_text_of_everything_else(run, demo, roman, jwst, tmp_path):
    bare = written(tmp_path / "x.fits", CTYPE1="X", CTYPE2="Y", BUNIT="furlong")
    files = [*demo.folder.glob("*_blt.fits"), *roman.exposures, *jwst.exposures, bare]
    code, text, errors = run("info", *files)
    assert (code, errors) == (0, "")
    assert "poly5, cps to counts, times " in text
    assert "distortion  what the gwcs has" in text
    assert "defined     x -0.5 to 511.5" in text
    assert "unit        furlong: not known" in text
    assert "WCS         none: " in text


def test_json_is_the_same_for_programs(run, demo):
    code, text, errors = run(
        "info", demo.exposures[0], demo.median, "--json", "--with", demo.median
    )
    assert (code, errors) == (0, "")
    first, _, mosaic = json.loads(text)
    found = skyblot.info(demo.exposures[0])[0]
    assert (first["name"], first["shape"], first["planes"]) == (
        found.name,
        [96, 160],
        ["ERR", "DQ"],
    )
    assert first["wcs"]["scale_arcsec"] == found.wcs.scale_arcsec
    assert first["wcs"]["map_onto"] == {"way": CLOSED_FORM, "error_pixels": 1e-8, "problem": ""}
    assert mosaic["pair"]["overlap"] == 1.0


def test_json_has_null_for_what_is_not_finite(run, tmp_path):
    path = write_sci(
        tmp_path / "x.fits", np.ones((4, 5), "f4"), tan_header((4, 5)), {"FILENAME": "x"}
    )
    with fits.open(path, mode="update") as hdus:
        hdus["SCI"].header["BLOTFILL"], hdus["SCI"].header["BLOTSKY"] = "nan", 0.0
    code, text, _ = run("info", path, "--json")
    assert code == 0
    assert json.loads(text)[0]["record"] == {"BLOTFILL": "nan", "BLOTSKY": 0.0}


def test_one_file_that_cannot_be_read_is_exit_code_2(run, tmp_path):
    (tmp_path / "text.fits").write_text("no FITS")
    for name in (tmp_path / "gone.fits", tmp_path / "text.fits"):
        code, text, errors = run("info", name)
        assert (code, text) == (2, "")
        assert errors.startswith(f"skyblot: error: {name}: ")
        assert errors.count("\n") == 1


@pytest.mark.parametrize("as_json", [False, True])
def test_of_several_files_the_others_are_told(run, demo, tmp_path, as_json):
    code, text, errors = run(
        "info", tmp_path / "gone.fits", demo.median, *(["--json"] if as_json else [])
    )
    assert code == 1
    assert errors == f"skyblot: error: {tmp_path / 'gone.fits'}: no such file\n"
    assert str(demo.median) in text
    assert not as_json or len(json.loads(text)) == 1


def test_a_mosaic_that_is_not_there_ends_the_command(run, demo):
    code, text, errors = run("info", demo.exposures[0], demo.median, "--with", "gone.fits")
    assert (code, text, errors) == (2, "", "skyblot: error: gone.fits: no such file\n")


def test_help_loads_nothing_heavy():
    code = "import atexit, sys; atexit.register(lambda: print('@', *sys.modules)); "
    code += "from skyblot.cli import main; main(['info', '--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--with MOSAIC" in done.stdout
    assert not {"numpy", "astropy", "numba"} & set(done.stdout.rpartition("@")[2].split())
