"""AstroDrizzle: what runBlot reads, the steps it reports, and the files it leaves."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from drizzle_run import STEP, Steps, blot_of, config
from task_data import assert_same, read_wcs

from skyblot import ablot
from skyblot.ablot import astrodrizzle
from skyblot.errors import ParameterError, SkyblotError

# What is read.


def test_only_the_contract_is_read(run):
    ablot.runBlot([run.image(2)], run.output_wcs, config(), procSteps=Steps())
    assert set(run.log) == {
        "img.scienceExt", "img.returnAllChips", "img.inmemory", "img.getOutputName",
        "img.outputNames", "img.outputValues", "img.saveVirtualOutputs", "chip.outputNames",
        "chip.wcs", "chip._exptime", "chip._conversionFactor", "chip.computedSky",
        "output_wcs.single_wcs",
    }  # fmt: skip


@pytest.mark.parametrize("inmemory", [False, True])
def test_median_is_read_once(run, monkeypatch, inmemory):
    """Two exposures of two chips: one opening of the median, not four."""
    paths = []
    opened = astrodrizzle.open_image
    monkeypatch.setattr(
        astrodrizzle, "open_image", lambda name: paths.append(str(name)) or opened(name)
    )
    images = [run.image(2, inmemory=inmemory), run.image(2, inmemory=inmemory)]
    ablot.runBlot(images, run.output_wcs, config())
    assert paths.count("med.fits") == (0 if inmemory else 1)
    assert run.opened == ["outMedian"]
    assert sum("flc" in path for path in paths) == 4


def test_median_and_configuration_are_not_changed(run):
    before, given = Path("med.fits").read_bytes(), config()
    image = run.image(inmemory=True)
    hdus = image.getOutputName("outMedian")
    ablot.runBlot([image], run.output_wcs, given)
    ablot.runBlot([run.image()], run.output_wcs, given)
    assert given == config()
    assert Path("med.fits").read_bytes() == before
    np.testing.assert_array_equal(hdus[0].data, run.median)
    assert hdus[0].data.flags.writeable


@pytest.mark.parametrize(
    "wrap", [lambda image: image, lambda image: [image], lambda image: (image,)]
)
def test_one_image_or_several(run, wrap):
    ablot.runBlot(wrap(run.image()), run.output_wcs, config())
    assert_same(blot_of(), run.wanted())
    Path("x_sci1_blt.fits").unlink()
    ablot.run_blot(wrap(run.image()), run.median_wcs, ablot.buildBlotParamDict(config()))
    assert_same(blot_of(), run.wanted())


def test_the_parameters_of_step_5():
    assert ablot.buildBlotParamDict(config()) == {
        "blot_interp": "poly5", "blot_sinscl": 1.0, "blot_addsky": True, "blot_skyval": 7.0,
        "coeffs": True
    }  # fmt: skip
    assert ablot.buildBlotParamDict({STEP: {"blot_addsky": "no", "blot_interp": "LINEAR"},
        "coeffs": "no"}) == {
        "blot_interp": "linear", "blot_sinscl": 1.0, "blot_addsky": False, "blot_skyval": 0.0,
        "coeffs": False
    }  # fmt: skip
    with pytest.raises(ParameterError, match="interp = 'poly6'"):
        ablot.buildBlotParamDict(config(blot_interp="poly6"))


def test_no_step_5_is_an_error(run):
    steps = Steps()
    with pytest.raises(
        ParameterError, match="configObj: no section whose name contains 'STEP 5', it has none"
    ):
        ablot.runBlot([run.image()], run.output_wcs, procSteps=steps)
    with pytest.raises(ParameterError, match="it has coeffs, STEP 1"):
        ablot.runBlot(
            [run.image()], run.output_wcs, {"coeffs": True, "STEP 1: X": {}}, procSteps=steps
        )
    assert steps.calls == []


# Steps.


@pytest.mark.parametrize(
    ("images", "blot", "calls"),
    [
        (1, True, [("addStep", ("Blot",), {}), ("endStep", ("Blot",), {})]),
        (1, False, [("addStep", ("Blot",), {})]),
        (1, "no", [("addStep", ("Blot",), {})]),
        (
            0, True,
            [
                ("addStep", ("Blot",), {}),
                ("endStep", ("Blot",), {"reason": "skipped", "delay_msg": True}),
                ("endStep", ("Blot",), {}),
            ],
        ),
        (0, False, [("addStep", ("Blot",), {})]),
    ],
)  # fmt: skip
def test_steps(run, images, blot, calls):
    steps = Steps()
    assert (
        ablot.runBlot([run.image()] * images, run.output_wcs, config(blot=blot), procSteps=steps)
        is None
    )
    assert steps.calls == calls
    assert Path("x_sci1_blt.fits").exists() == (images > 0 and blot is True)
    assert bool(run.saved) == (images > 0 and blot is True)


# What is written.


def test_the_file(run):
    Path("x_sci1_blt.fits").write_text("old")
    image = run.image()
    ablot.runBlot([image], run.output_wcs, config())
    with fits.open("x_sci1_blt.fits") as hdus:
        hdus.verify("exception")
        assert [type(hdu) for hdu in hdus] == [fits.PrimaryHDU]
        assert hdus[0].data.dtype == np.dtype(">f4")
        assert hdus[0].data.shape == (96, 160)
    assert run.saved == {"x_sci1_blt.fits": None}
    (chip,) = image.returnAllChips(extname="SCI")
    assert (
        chip.outputNames["driz_version"]
        == ablot.getHelpAsString().split("version: ")[1].splitlines()[0]
    )
    assert not [path.name for path in Path().iterdir() if path.suffix == ".tmp"]


def test_in_memory(run):
    """The same pixels and header; drizCR multiplies the pixels in place."""
    ablot.runBlot([run.image(2, inmemory=True)], run.output_wcs, config())
    virtual = dict(run.saved)
    assert not list(Path().glob("*_blt.fits"))
    ablot.runBlot([run.image(2)], run.output_wcs, config())
    assert set(virtual) == {"x_sci1_blt.fits", "x_sci2_blt.fits"}
    for name, hdus in virtual.items():
        assert isinstance(hdus, fits.HDUList)
        assert [type(hdu) for hdu in hdus] == [fits.PrimaryHDU]
        data = hdus[0].data
        np.testing.assert_array_equal(data, fits.getdata(name))
        assert data.dtype == np.float32
        assert data.flags.writeable
        once = data.copy()
        data *= 2.0  # as drizCR does
        np.testing.assert_array_equal(hdus[0].data, 2 * once)
        header = fits.getheader(name)
        for keyword in ("EXPTIME", "TEXPTIME", "FILENAME", "BLOTSKY", "CRVAL1"):
            assert hdus[0].header[keyword] == header[keyword]


def test_header(run):
    ablot.runBlot([run.image(2, exptime=412.5)], run.output_wcs, config())
    for version in (1, 2):
        header = fits.getheader(f"x_sci{version}_blt.fits")
        # EXPTIME is the exposure's, where theirs is the mosaic's; drizCR reads neither.
        assert header["EXPTIME"] == 412.5
        assert header["TEXPTIME"] == 1500
        assert header["NCOMBINE"] == 3
        assert header["FILENAME"] == f"x_sci{version}_blt.fits"
        assert header["BUNIT"] == "ELECTRONS"
        assert header["INSTRUME"] == "WFC3"  # of the primary header
        assert header["CCDCHIP"] == 3 - version  # of the extension
        tables = ("CPDIS", "CPERR", "DP1", "DP2", "D2IM")
        assert not [keyword for keyword in header if keyword.startswith(tables)]
        assert not {"EXTNAME", "EXTVER", "NEXTEND", "XTENSION"} & set(header)
        # What is left is readable: the chip's WCS without its tables, which a single HDU cannot
        # hold.
        chip = read_wcs(run.names.reference.replace("sci,1", f"sci,{version}"))
        chip.cpdis1 = chip.cpdis2 = chip.det2im1 = chip.det2im2 = None
        x, y = np.meshgrid(np.linspace(0, 159, 11), np.linspace(0, 95, 9))
        np.testing.assert_array_equal(
            WCS(header).all_pix2world(x, y, 0), chip.all_pix2world(x, y, 0)
        )


@pytest.mark.parametrize("missing", ["nofile.fits[sci,1]", "med.fits[sci,9]"])
def test_a_reference_that_cannot_be_read_leaves_the_header_short(run, missing):
    image = run.image()
    image.returnAllChips(extname="SCI")[0].outputNames["data"] = missing
    ablot.runBlot([image], run.output_wcs, config())
    assert_same(blot_of(), run.wanted())
    assert fits.getval("x_sci1_blt.fits", "EXPTIME") == 400


def test_totals_may_be_missing(run):
    ablot.runBlot([run.image(totals={})], run.output_wcs, config())
    assert "TEXPTIME" not in fits.getheader("x_sci1_blt.fits")


def test_a_failed_write_leaves_the_old_file(run, monkeypatch):
    Path("x_sci1_blt.fits").write_text("old")

    def torn(self, stream, *args, **kwargs):
        stream.write(b"SIMPLE")
        raise OSError("No space left on device")

    monkeypatch.setattr(fits.HDUList, "writeto", torn)
    with pytest.raises(SkyblotError, match=r"x_sci1_blt\.fits: cannot be written: No space"):
        ablot.runBlot([run.image()], run.output_wcs, config())
    assert Path("x_sci1_blt.fits").read_text() == "old"
    assert not [path.name for path in Path().iterdir() if ".tmp" in path.name]
    assert run.saved == {}


# Errors.


def test_a_median_that_is_missing(run):
    Path("med.fits").unlink()
    with pytest.raises(SkyblotError, match=r"med\.fits: no such file"):
        ablot.runBlot([run.image()], run.output_wcs, config())


def test_a_wcs_that_is_no_sky(run):
    image = run.image()
    chip = image.returnAllChips(extname="SCI")[0]
    chip.__dict__["wcs"] = WCS(naxis=2)
    chip.__dict__["wcs"].array_shape = (5, 5)
    with pytest.raises(SkyblotError, match="no celestial WCS"):
        ablot.runBlot([image], run.output_wcs, config())
