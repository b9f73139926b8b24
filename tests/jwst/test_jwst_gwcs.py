"""JWST's files: the exact gwcs where it can be read, and what is said where it cannot."""

import sys
import warnings
from pathlib import Path

import gwcs_files
import numpy as np
import pytest
from astropy.io import fits
from astropy.modeling import models
from astropy.wcs import WCS
from gwcs import WCS as GWCS
from gwcs import coordinate_frames as cf
from gwcs_files import (
    SHAPE,
    exposure_gwcs,
    map_error,
    mosaic_header,
    write_cal,
    write_jwst,
)
from jwst_blots import LINEAR, MOSAIC, expected
from samples import digests, linear_blot, read_wcs, rewrite, texture

from skyblot import SkyblotWarning, blot_file, blot_files
from skyblot.cli import main
from skyblot.errors import WCSError
from skyblot.io.images import open_image


@pytest.fixture
def no_gwcs(monkeypatch):
    """An environment without the package gwcs."""
    monkeypatch.setitem(sys.modules, "gwcs", None)


def stored(path):
    """The WCS that is read from the first SCI extension of a file."""
    with open_image(path) as image:
        return image.wcs()


def positions(shape=SHAPE):
    y, x = np.indices(shape).astype(float)
    return x, y


def wcs_error(i2d, path, match, tmp_path):
    """Blotting onto a file is this `WCSError`, and leaves nothing."""
    with pytest.raises(WCSError, match=match) as caught:
        blot_file(i2d, path, tmp_path / "out.fits")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.fits").exists()


# The exact WCS.


def test_gwcs_is_read_bit_for_bit_with_its_shape_and_bounding_box(cal):
    wcs = stored(cal)
    assert isinstance(wcs, GWCS)
    assert wcs.array_shape == SHAPE
    np.testing.assert_array_equal(wcs(*positions()), exposure_gwcs()(*positions()))
    assert np.isnan(wcs(-1.0, 5.0)).all()


def test_shape_is_that_of_the_image_and_not_what_the_gwcs_says(folder):
    wcs = exposure_gwcs()
    wcs.array_shape = (7, 9)
    path = write_jwst(
        folder / "shape_cal.fits",
        np.zeros(SHAPE, "f4"),
        wcs,
        gwcs_files.sip_header(exposure_gwcs()),
    )
    assert stored(path).array_shape == SHAPE


def test_gwcs_in_an_image_extension_as_in_old_files(cal, tmp_path):
    def as_image(hdus):
        hdus["ASDF"] = fits.ImageHDU(hdus["ASDF"].data["ASDF_METADATA"][0], name="ASDF")

    old = stored(rewrite(cal, tmp_path / "old_cal.fits", as_image))
    np.testing.assert_array_equal(old(*positions()), exposure_gwcs()(*positions()))


def test_blot_is_the_exact_one_and_not_that_of_sip(i2d, cal, tmp_path):
    before = digests(cal.parent)
    path = blot_file(i2d, cal, tmp_path / "blt.fits", **LINEAR)
    data, exact = fits.getdata(path, "SCI"), expected(i2d)
    tolerance = map_error(texture(MOSAIC))
    assert np.abs(data - exact).max() <= tolerance
    sip = linear_blot(texture(MOSAIC), read_wcs(i2d), read_wcs(cal), SHAPE)
    assert np.abs(sip - exact).max() > 5 * tolerance
    assert digests(cal.parent) == before
    header = fits.getheader(path, "SCI")
    assert (header["BLOTFACT"], header["BUNIT"], header["BLOTIN"]) == (
        1.0,
        "MJy/sr",
        "surface brightness",
    )


def test_blot_carries_the_gwcs_of_its_reference(i2d, cal, tmp_path):
    path = blot_file(i2d, cal, tmp_path / "blt.fits")
    np.testing.assert_array_equal(stored(path)(*positions()), exposure_gwcs()(*positions()))
    with fits.open(path) as new, fits.open(cal) as old:
        new.verify("exception")
        np.testing.assert_array_equal(
            new["ASDF"].data["ASDF_METADATA"], old["ASDF"].data["ASDF_METADATA"]
        )
        assert [hdu.name for hdu in new] == ["PRIMARY", "SCI", "ASDF"]
    again = blot_file(i2d, path, tmp_path / "again.fits")
    np.testing.assert_array_equal(fits.getdata(again, "SCI"), fits.getdata(path, "SCI"))


def test_every_kind_of_exposure_is_named_after_it(i2d, cal, tmp_path):
    names = [
        "jw01_nrcb5_cal.fits",
        "jw02_nrcb5_crf.fits",
        "jw03_nrcb5_a3001_crf.fits",
        "jw04_nrcb5_rate.fits",
    ]
    references = [Path(tmp_path / name) for name in names]
    for reference in references:
        reference.write_bytes(cal.read_bytes())
    results = blot_files(i2d, references, tmp_path)
    roots = ["jw01_nrcb5", "jw02_nrcb5", "jw03_nrcb5_a3001", "jw04_nrcb5"]
    assert [result.path.name for result in results] == [f"{root}_sci1_blt.fits" for root in roots]


@pytest.mark.parametrize("how", ["linear terms", "user values"])
def test_an_undistorted_blot_has_a_tangent_wcs_and_no_gwcs(i2d, cal, tmp_path, how):
    values = (
        {"coeffs": False}
        if how == "linear terms"
        else {"outscale": 0.07, "outnx": 100, "outny": 90}
    )
    path = blot_file(i2d, cal, tmp_path / "blt.fits", **values, **LINEAR)
    wcs, data = read_wcs(path), fits.getdata(path, "SCI")
    with fits.open(path) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI"]
    assert not wcs.has_distortion
    exact = linear_blot(texture(MOSAIC), read_wcs(i2d), wcs, data.shape)
    np.testing.assert_allclose(data, exact, rtol=0, atol=map_error(texture(MOSAIC), 1e-7))
    centre = (np.array(SHAPE) - 1)[::-1] / 2
    if how == "linear terms":
        off = wcs.all_world2pix(*exposure_gwcs()(*centre), 0) - centre
        assert np.hypot(*off) < 1e-3


# Mosaics: the WCS in the header will do where it is the same.


def test_a_mosaic_s_header_says_what_its_gwcs_says_and_is_used(i2d):
    assert isinstance(stored(i2d), WCS)


@pytest.mark.parametrize(("shift", "kind"), [(0.0, WCS), (1e-5, GWCS)])
def test_a_mosaic_s_gwcs_is_used_where_its_header_differs(tmp_path, shift, kind):
    header = mosaic_header(MOSAIC)
    gwcs = gwcs_files.mosaic_gwcs(header, MOSAIC)
    header["CRPIX1"] += shift
    path = write_jwst(tmp_path / "odd_i2d.fits", texture(MOSAIC), gwcs, header)
    assert isinstance(stored(path), kind)


@pytest.mark.parametrize(
    "change", [{"RADESYS": "FK5"}, {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, {"CTYPE1": "X"}]
)
def test_a_mosaic_s_gwcs_is_used_where_its_header_is_of_another_kind(tmp_path, change):
    header = mosaic_header(MOSAIC)
    gwcs = gwcs_files.mosaic_gwcs(header, MOSAIC)
    header.update(change)
    assert isinstance(
        stored(write_jwst(tmp_path / "odd_i2d.fits", texture(MOSAIC), gwcs, header)), GWCS
    )


def test_a_mosaic_with_a_gwcs_only_gives_the_same_blot(i2d, cal, tmp_path):
    def strip(hdus):
        for keyword in ("CTYPE1", "CTYPE2"):
            del hdus["SCI"].header[keyword]

    source = rewrite(i2d, tmp_path / "gwcs_i2d.fits", strip)
    assert isinstance(stored(source), GWCS)
    data = fits.getdata(blot_file(source, cal, tmp_path / "blt.fits", **LINEAR), "SCI")
    assert np.abs(data - expected(i2d)).max() <= map_error(texture(MOSAIC))


# Where the gwcs cannot be read.


def test_without_gwcs_the_sip_wcs_is_used_and_the_loss_is_said(no_gwcs, i2d, cal, tmp_path):
    with pytest.warns(SkyblotWarning) as caught:
        path = blot_file(i2d, cal, tmp_path / "blt.fits", **LINEAR)
    assert [str(each.message) for each in caught] == [
        f"{cal}[sci,1]: its gwcs cannot be read without the package gwcs (pip install "
        "gwcs asdf asdf-astropy lz4); the SIP approximation in its header is used, wrong by up to "
        "about 0.01 pixel"
    ]
    sip = linear_blot(texture(MOSAIC), read_wcs(i2d), read_wcs(cal), SHAPE)
    np.testing.assert_allclose(fits.getdata(path, "SCI"), sip, rtol=3e-6)


@pytest.mark.parametrize("package", ["asdf", "asdf_astropy"])
def test_each_package_that_is_missing_is_named(monkeypatch, cal, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.warns(SkyblotWarning, match=f"without the package {package.replace('_', '-')} "):
        stored(cal)


def test_the_loss_is_what_the_header_says(no_gwcs, tmp_path):
    path = write_cal(tmp_path / "a_cal.fits", exposure_gwcs(), SIPMXERR=0.00321)
    with pytest.warns(SkyblotWarning, match=r"wrong by up to about 0\.0032 pixel$"):
        stored(path)


def test_without_gwcs_a_linear_header_is_a_graver_loss(no_gwcs, tmp_path):
    path = write_jwst(
        tmp_path / "a_cal.fits", np.zeros(SHAPE, "f4"), exposure_gwcs(), mosaic_header(SHAPE)
    )
    with pytest.warns(
        SkyblotWarning,
        match="the WCS in its header is used, which has no distortion and may be wrong by",
    ):
        assert isinstance(stored(path), WCS)


def test_without_gwcs_and_without_a_header_the_package_is_named(no_gwcs, i2d, tmp_path):
    path = write_jwst(
        tmp_path / "a_cal.fits",
        np.zeros(SHAPE, "f4"),
        exposure_gwcs(),
        fits.Header({"BUNIT": "MJy/sr"}),
    )
    wcs_error(
        i2d,
        path,
        r"a_cal\.fits\[sci,1\]: no celestial WCS in its header .* package gwcs \(pip install",
        tmp_path,
    )


def test_without_gwcs_nothing_is_lost_for_a_mosaic(no_gwcs, i2d):
    assert isinstance(stored(i2d), WCS)


def test_a_file_before_assign_wcs_has_no_gwcs_and_that_is_said(i2d, tmp_path):
    tree = {"meta": {"telescope": "JWST"}}
    path = write_jwst(
        tmp_path / "a_rate.fits", np.zeros(SHAPE, "f4"), None, mosaic_header(SHAPE), tree
    )
    with pytest.warns(
        SkyblotWarning,
        match=r"a_rate\.fits\[sci,1\]: its ASDF extension holds no gwcs .*no distortion",
    ):
        blot_file(i2d, path, tmp_path / "blt.fits")


@pytest.mark.filterwarnings("ignore::asdf.exceptions.AsdfWarning")
@pytest.mark.parametrize(
    ("tag", "need"),
    [
        (
            b"!<tag:stsci.edu:jwst_pipeline/mirror-0.7.0>",
            r"package stdatamodels: pip install stdatamodels$",
        ),
        (
            b"!<asdf://example.org/tags/mirror-1.0.0>",
            r"no installed package knows asdf://example.org/tags/mirror-1.0.0$",
        ),
    ],
)
def test_a_transformation_of_another_package_names_it(i2d, cal, tmp_path, tag, need):
    def retag(hdus):
        content = hdus["ASDF"].data["ASDF_METADATA"][0].tobytes()
        start = content.index(b"!transform/rotate_sequence_3d")
        changed = content[:start] + tag + content[content.index(b"\n", start) :]
        column = fits.Column(
            "ASDF_METADATA", f"{len(changed)}B", array=np.frombuffer(changed, "u1")[None]
        )
        hdus["ASDF"] = fits.BinTableHDU.from_columns([column], name="ASDF")

    path = rewrite(cal, tmp_path / "odd_cal.fits", retag)
    wcs_error(
        i2d, path, rf"odd_cal\.fits\[sci,1\]: its meta/wcs cannot be read: .*{need}", tmp_path
    )


def spectral_gwcs():
    """A slit's WCS: two pixel axes to the sky and a wavelength."""
    from astropy import units

    frame = gwcs_files.frames()
    wave = cf.SpectralFrame(name="wave", axes_order=(2,), unit=(units.um,))
    transform = models.Mapping((0, 1, 0)) | (
        models.Pix2Sky_TAN() | models.RotateNative2Celestial(5, 6, 180)
    ) & models.Scale(1)
    world = cf.CompositeFrame([frame["world"], wave], name="both")
    return GWCS([(frame["detector"], transform), (world, None)])


def test_spectra_are_refused(i2d, tmp_path):
    path = write_jwst(
        tmp_path / "s_cal.fits", np.zeros(SHAPE, "f4"), spectral_gwcs(), fits.Header()
    )
    wcs_error(
        i2d, path, r"s_cal\.fits\[sci,1\]: its meta/wcs gives .*spectra cannot be blotted", tmp_path
    )


def test_slits_are_refused(i2d, tmp_path):
    tree = {"slits": [{"meta": {"wcs": exposure_gwcs()}}], "meta": {}}
    path = write_jwst(tmp_path / "s_cal.fits", np.zeros(SHAPE, "f4"), None, fits.Header(), tree)
    wcs_error(i2d, path, r"s_cal\.fits\[sci,1\]: no WCS at meta/wcs .*one for each slit", tmp_path)


@pytest.mark.parametrize("damage", ["tree", "blocks"])
def test_a_damaged_asdf_extension_is_an_error(i2d, cal, tmp_path, damage):
    def cut(hdus):
        content = hdus["ASDF"].data["ASDF_METADATA"]
        text = content[0].tobytes()
        start = (
            text.index(b"transform/polynomial") if damage == "tree" else text.index(b"\xd3BLK") + 8
        )
        content[0][start:] = ord("\t")

    path = rewrite(cal, tmp_path / "bad_cal.fits", cut)
    with pytest.raises(
        (WCSError, OSError), match=r"bad_cal\.fits\[(sci,1|asdf)\]: .*(readable|cannot be read)"
    ):
        blot_file(i2d, path, tmp_path / "out.fits")
    assert not (tmp_path / "out.fits").exists()


# The command line.


def run(capsys, *arguments):
    with warnings.catch_warnings(), pytest.raises(SystemExit) as caught:
        main([str(each) for each in arguments])
    return caught.value.code, capsys.readouterr()


def test_command(i2d, cal, tmp_path, capsys):
    code, shown = run(capsys, "blot", i2d, cal, "--output-dir", tmp_path, "--interp", "linear")
    assert (code, shown.err) == (0, "")
    data = fits.getdata(tmp_path / "jw01_nrcb5_sci1_blt.fits", "SCI")
    assert np.abs(data - expected(i2d)).max() <= map_error(texture(MOSAIC))


def test_command_with_spectra_is_exit_code_2_and_no_file(i2d, tmp_path, capsys):
    write_jwst(tmp_path / "s_cal.fits", np.zeros(SHAPE, "f4"), spectral_gwcs(), fits.Header())
    code, shown = run(capsys, "blot", i2d, tmp_path / "s_cal.fits", "-o", tmp_path / "out.fits")
    assert code == 2
    assert shown.err.startswith("skyblot: error: ")
    assert shown.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["s_cal.fits"]


def test_command_shows_the_warning_of_the_loss(no_gwcs, i2d, cal, tmp_path, capsys):
    code, shown = run(capsys, "blot", i2d, cal, "--output-dir", tmp_path)
    assert code == 0
    assert shown.err.startswith(f"warning: {cal}[sci,1]: its gwcs cannot be read without")
