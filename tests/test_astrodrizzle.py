"""The contract with AstroDrizzle: what runBlot reads, what it computes, and the files it leaves."""

import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from task_data import F32, IDCSCALE, assert_same, demo_pair, expected, linear_part, read_wcs, scale_of, tangent

from skyblot import ablot, astrodrizzle
from skyblot.errors import ParameterError, SkyblotError

MEDIAN_PSCALE = 0.04
SKY = np.float32(3.5)
STEP = "STEP 5: BLOT BACK THE MEDIAN IMAGE"
TOTALS = {"texptime": 1500.0, "texpstart": 1.0, "texpend": 2.0, "nimages": 3}


class Recorder:
    """An object of AstroDrizzle's: only what it is given can be read, and every read is noted."""

    def __init__(self, label, log, **attributes):
        self.__dict__.update(attributes, _label=label, _log=log)

    def __getattribute__(self, name):
        own = object.__getattribute__(self, "__dict__")
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        own["_log"].append(f"{own['_label']}.{name}")
        return own[name]


class Steps:
    def __init__(self):
        self.calls = []

    def addStep(self, *args, **kwargs):
        self.calls.append(("addStep", args, kwargs))

    def endStep(self, *args, **kwargs):
        self.calls.append(("endStep", args, kwargs))


class Run:
    """A median and exposures of it in the current folder, and stand-ins for AstroDrizzle's objects."""

    def __init__(self, names):
        self.names, self.log, self.saved = names, [], {}
        # Part of the mosaic: the chips' borders are not covered.
        whole, wcs = names.pixels(), names.source_wcs()
        self.part = np.s_[45:-60, 40:-70]
        self.median = whole[self.part].copy()
        self.median_wcs = linear_part(wcs)
        self.median_wcs.wcs.crpix = np.array(wcs.wcs.crpix) - [40, 45]
        self.median_wcs.array_shape = self.median.shape
        self.median_wcs.pscale = MEDIAN_PSCALE
        fits.PrimaryHDU(self.median).writeto("med.fits", overwrite=True)
        self.opened = []

    def chip(self, version, *, sky, conversion, exptime):
        path = self.names.reference.partition("[")[0]
        wcs = read_wcs(f"{path}[sci,{version}]")
        wcs.pscale, wcs.idcscale = 0.0402, IDCSCALE
        names = {
            "data": f"{path}[sci,{version}]",
            "blotImage": f"x_sci{version}_blt.fits",
            "outSci": None,
            "outWeight": None,
            "outContext": None,
        }
        facts = {"_exptime": exptime, "_conversionFactor": conversion, "computedSky": sky}
        return Recorder("chip", self.log, outputNames=names, wcs=wcs, **facts)

    def image(self, chips=1, *, sky=SKY, conversion=2.0, exptime=400.0, inmemory=False, totals=TOTALS):
        every = [self.chip(k + 1, sky=sky, conversion=conversion, exptime=exptime) for k in range(chips)]
        hdus = fits.HDUList([fits.PrimaryHDU(self.median.copy())])

        def median(name):
            assert name == "outMedian"
            self.opened.append(name)
            return hdus if inmemory else "med.fits"

        def all_chips(extname):
            assert extname == "SCI"
            return every

        return Recorder(
            "img", self.log, scienceExt="SCI", returnAllChips=all_chips, inmemory=inmemory, getOutputName=median,
            outputNames={"outMedian": "med.fits"}, outputValues=totals, saveVirtualOutputs=self.saved.update,
        )  # fmt: skip

    @property
    def output_wcs(self):
        return Recorder("output_wcs", self.log, single_wcs=self.median_wcs)

    def wanted(self, version=1, *, sky=3.5, conversion=2.0, exptime=400.0, target=None, **how):
        """The table of the issue: interp(median) * _exptime / (scale ratio)**2 / _conversionFactor + sky."""
        target = target or read_wcs(self.names.reference.replace("sci,1", f"sci,{version}"))
        factor = exptime / (MEDIAN_PSCALE / IDCSCALE) ** 2 / conversion
        return expected(self.median, self.median_wcs, target, factor=factor, sky=sky, **how)


def config(coeffs=True, **section):
    own = {"blot": True, "blot_interp": "poly5", "blot_sinscl": 1.0, "blot_addsky": True, "blot_skyval": 7.0}
    return {"coeffs": coeffs, "stepsize": 10, "STEP 1: STATIC MASK": {"static": True}, STEP: own | section}


def blot_of(version=1):
    return fits.getdata(f"x_sci{version}_blt.fits", 0).astype(np.float32)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("astrodrizzle")
    return folder, demo_pair(folder)


@pytest.fixture
def run(made, monkeypatch):
    folder, names = made
    monkeypatch.chdir(folder)
    for path in folder.glob("*_blt.fits"):
        path.unlink()
    return Run(names)


# Values.


@pytest.mark.parametrize(("conversion", "exptime"), [(1.0, 400.0), (2.0, 400.0), (2.0, 33.0)])
def test_value(run, conversion, exptime):
    image = run.image(conversion=conversion, exptime=exptime)
    assert ablot.runBlot([image], run.output_wcs, config()) is None
    wanted = run.wanted(conversion=conversion, exptime=exptime)
    assert_same(blot_of(), wanted)
    assert 0.1 < (wanted == 3.5).mean() < 0.8  # uncovered pixels, which hold the sky
    assert (blot_of()[wanted == 3.5] == np.float32(3.5)).all()


@pytest.mark.parametrize(
    ("computed", "section", "sky"),
    [
        (np.float32(3.5), {}, 3.5),
        (0.0, {}, 0.0),
        (None, {}, 0.0),
        (3.5, {"blot_addsky": False}, 7.0),
        (None, {"blot_addsky": "no", "blot_skyval": "9"}, 9.0),
        (3.5, {"blot_addsky": False, "blot_skyval": None}, 0.0),
        (3.5, {"blot_addsky": False, "blot_skyval": ""}, 0.0),
    ],
)
def test_sky(run, computed, section, sky):
    ablot.runBlot([run.image(sky=computed)], run.output_wcs, config(**section))
    assert_same(blot_of(), run.wanted(sky=sky))
    assert fits.getval("x_sci1_blt.fits", "BLOTSKY") == sky


@pytest.mark.parametrize(
    ("section", "how"),
    [
        ({"blot_interp": "linear"}, {"interp": "linear"}),
        ({"blot_interp": "sinc", "blot_sinscl": 0.8}, {"interp": "sinc", "sinscl": 0.8}),
    ],
)
def test_interpolant(run, section, how):
    ablot.runBlot([run.image()], run.output_wcs, config(**section))
    assert_same(blot_of(), run.wanted(**how))
    assert np.abs(blot_of() - run.wanted()).max() > 1


def test_geometry_is_exact(run):
    """AstroDrizzle's own `stepsize` is not for the blot."""
    ablot.runBlot([run.image()], run.output_wcs, config())
    assert_same(blot_of(), run.wanted(stepsize=None))
    assert np.abs(run.wanted(stepsize=None) - run.wanted(stepsize=10)).max() > 4 * F32 * run.wanted().max()


def test_coeffs_false_leaves_the_chips_wcs_alone(run):
    image = run.image()
    (chip,) = image.returnAllChips(extname="SCI")
    before = [getattr(chip.wcs, name) for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")]
    ablot.runBlot([image], run.output_wcs, config(coeffs=False))
    assert_same(blot_of(), run.wanted(target=linear_part(chip.wcs)))
    after = [getattr(chip.wcs, name) for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")]
    assert all(new is old and new is not None for new, old in zip(after, before, strict=True))


@pytest.mark.parametrize("inmemory", [False, True])
def test_wcsmap(run, inmemory):
    class Shift:
        def __init__(self, blot_wcs, source_wcs):
            assert blot_wcs.sip is not None
            assert source_wcs.sip is None

        def forward(self, x, y):
            return x + 3, y + 2

    ablot.runBlot([run.image(inmemory=inmemory, sky=0.0)], run.output_wcs, config(), wcsmap=Shift)
    got = run.saved["x_sci1_blt.fits"][0].data if inmemory else blot_of()
    ny, nx = min(96, run.median.shape[0] - 2), min(160, run.median.shape[1] - 3)
    factor = 200 / (MEDIAN_PSCALE / IDCSCALE) ** 2
    wanted = np.zeros((96, 160))
    wanted[:ny, :nx] = factor * run.median[2 : ny + 2, 3 : nx + 3]
    assert_same(got, wanted)


def test_a_plain_wcs_without_scales(run):
    """`single_wcs` has pscale attached in AstroDrizzle; without, the linear terms give it."""
    del run.median_wcs.pscale
    ablot.runBlot([run.image(sky=0.0)], run.output_wcs, config())
    factor = (MEDIAN_PSCALE / scale_of(run.median_wcs)) ** 2
    assert_same(blot_of(), factor * run.wanted(sky=0.0))


@pytest.mark.parametrize("dtype", [">f4", "<f8"])
def test_median_of_any_precision(run, dtype):
    fits.PrimaryHDU(run.median.astype(dtype)).writeto("med.fits", overwrite=True)
    ablot.runBlot([run.image()], run.output_wcs, config())
    assert_same(blot_of(), run.wanted())
    assert fits.getdata("x_sci1_blt.fits").dtype == np.dtype(">f4")


def test_median_in_an_extension(run):
    """The first image with pixels, as theirs."""
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(run.median, name="SCI")]).writeto("med.fits", overwrite=True)
    ablot.runBlot([run.image()], run.output_wcs, config())
    assert_same(blot_of(), run.wanted())


# What is read.


def test_only_the_contract_is_read(run):
    ablot.runBlot([run.image(2)], run.output_wcs, config(), procSteps=Steps())
    assert set(run.log) == {
        "img.scienceExt", "img.returnAllChips", "img.inmemory", "img.getOutputName", "img.outputNames",
        "img.outputValues", "img.saveVirtualOutputs", "chip.outputNames", "chip.wcs", "chip._exptime",
        "chip._conversionFactor", "chip.computedSky", "output_wcs.single_wcs",
    }  # fmt: skip


@pytest.mark.parametrize("inmemory", [False, True])
def test_median_is_read_once(run, monkeypatch, inmemory):
    """Two exposures of two chips: one opening of the median, not four."""
    paths = []
    opened = astrodrizzle.open_image
    monkeypatch.setattr(astrodrizzle, "open_image", lambda name: paths.append(str(name)) or opened(name))
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


@pytest.mark.parametrize("wrap", [lambda image: image, lambda image: [image], lambda image: (image,)])
def test_one_image_or_several(run, wrap):
    ablot.runBlot(wrap(run.image()), run.output_wcs, config())
    assert_same(blot_of(), run.wanted())
    Path("x_sci1_blt.fits").unlink()
    ablot.run_blot(wrap(run.image()), run.median_wcs, ablot.buildBlotParamDict(config()))
    assert_same(blot_of(), run.wanted())


def test_the_parameters_of_step_5():
    assert ablot.buildBlotParamDict(config()) == {
        "blot_interp": "poly5", "blot_sinscl": 1.0, "blot_addsky": True, "blot_skyval": 7.0, "coeffs": True
    }  # fmt: skip
    assert ablot.buildBlotParamDict({STEP: {"blot_addsky": "no", "blot_interp": "LINEAR"}, "coeffs": "no"}) == {
        "blot_interp": "linear", "blot_sinscl": 1.0, "blot_addsky": False, "blot_skyval": 0.0, "coeffs": False
    }  # fmt: skip
    with pytest.raises(ParameterError, match="interp = 'poly6'"):
        ablot.buildBlotParamDict(config(blot_interp="poly6"))


def test_no_step_5_is_an_error(run):
    steps = Steps()
    with pytest.raises(ParameterError, match="configObj: no section whose name contains 'STEP 5', it has none"):
        ablot.runBlot([run.image()], run.output_wcs, procSteps=steps)
    with pytest.raises(ParameterError, match="it has coeffs, STEP 1"):
        ablot.runBlot([run.image()], run.output_wcs, {"coeffs": True, "STEP 1: X": {}}, procSteps=steps)
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
    assert ablot.runBlot([run.image()] * images, run.output_wcs, config(blot=blot), procSteps=steps) is None
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
    assert chip.outputNames["driz_version"] == ablot.getHelpAsString().split("version: ")[1].splitlines()[0]
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
        # What is left is readable: the chip's WCS without its tables, which a single HDU cannot hold.
        chip = read_wcs(run.names.reference.replace("sci,1", f"sci,{version}"))
        chip.cpdis1 = chip.cpdis2 = chip.det2im1 = chip.det2im2 = None
        x, y = np.meshgrid(np.linspace(0, 159, 11), np.linspace(0, 95, 9))
        np.testing.assert_array_equal(WCS(header).all_pix2world(x, y, 0), chip.all_pix2world(x, y, 0))


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


# Threads.


def test_chips_run_at_the_same_time_and_give_the_same_bits(run, monkeypatch):
    """Each chip waits until another one has begun: that is only passed if two are under way."""
    meeting = threading.Barrier(2, timeout=60)

    class Meet:
        def __init__(self, blot_wcs, source_wcs):
            meeting.wait()
            self.blot, self.source = blot_wcs, source_wcs

        def forward(self, x, y):
            return self.source.wcs_world2pix(*self.blot.all_pix2world(x, y, 1), 1)

    monkeypatch.setattr(astrodrizzle, "available_cores", lambda: 2)
    ablot.runBlot([run.image(2)], run.output_wcs, config(), wcsmap=Meet)
    assert not meeting.broken
    for version in (1, 2):
        assert_same(blot_of(version), run.wanted(version))


def test_bits_do_not_depend_on_the_number_of_threads(run, monkeypatch):
    results = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(astrodrizzle, "available_cores", lambda cores=cores: cores)
        ablot.runBlot([run.image(2, inmemory=True)], run.output_wcs, config())
        results.append([run.saved[f"x_sci{version}_blt.fits"][0].data for version in (1, 2)])
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
    assert not np.array_equal(*results[0])


def test_no_thread_is_left(run):
    """drizCR forks afterwards: nothing of ours may be running then."""
    before = threading.active_count()
    ablot.runBlot([run.image(2)], run.output_wcs, config())
    assert threading.active_count() == before


# The patch.

PATCHED = ("blot", "do_blot", "runBlot", "run_blot", "run", "buildBlotParamDict")


@pytest.fixture
def drizzlepac(monkeypatch):
    """A stand-in for DrizzlePac; AstroDrizzle looks runBlot up when it is called."""
    package, module = types.ModuleType("drizzlepac"), types.ModuleType("drizzlepac.ablot")
    package.ablot = module
    for name in PATCHED:
        setattr(module, name, lambda *args, name=name: f"their {name}")
    module.STEP_NUM = 5
    monkeypatch.setitem(sys.modules, "drizzlepac", package)
    monkeypatch.setitem(sys.modules, "drizzlepac.ablot", module)
    return module


def theirs(module):
    return [getattr(module, name)() for name in PATCHED] == [f"their {name}" for name in PATCHED]


def ours(module):
    return all(getattr(module, name) is getattr(ablot, name) for name in PATCHED)


def test_patch_and_undo(drizzlepac):
    assert theirs(drizzlepac)
    patch = ablot.patch_drizzlepac()
    assert ours(drizzlepac)
    patch.undo()
    assert theirs(drizzlepac)
    patch.undo()
    assert theirs(drizzlepac)


def test_patch_in_a_with_block(drizzlepac, run):
    with ablot.patch_drizzlepac() as patch:
        assert ours(drizzlepac)
        assert patch is not None
        drizzlepac.runBlot([run.image()], run.output_wcs, config(), wcsmap=None, procSteps=Steps())
    assert_same(blot_of(), run.wanted())
    assert theirs(drizzlepac)
    with pytest.raises(RuntimeError, match="mine"), ablot.patch_drizzlepac():
        raise RuntimeError("mine")
    assert theirs(drizzlepac)


def test_patch_twice(drizzlepac):
    with ablot.patch_drizzlepac():
        with ablot.patch_drizzlepac():
            assert ours(drizzlepac)
        assert ours(drizzlepac)
    assert theirs(drizzlepac)


def test_patch_without_drizzlepac(monkeypatch):
    monkeypatch.setitem(sys.modules, "drizzlepac", None)
    with pytest.raises(SkyblotError, match="DrizzlePac is not installed"):
        ablot.patch_drizzlepac()


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


def test_flat_median(run):
    """In round numbers: 2 per second, 400 s, twice the scale, 2 electrons per unit, sky 3: 2 400 / 4 / 2 + 3."""
    target, source = tangent((40, 40), scale=0.02), tangent((60, 60), scale=0.04)
    fits.PrimaryHDU(np.full((60, 60), 2, np.float32)).writeto("med.fits", overwrite=True)
    run.median_wcs = source
    image = run.image(sky=3.0)
    image.returnAllChips(extname="SCI")[0].__dict__["wcs"] = target
    ablot.runBlot([image], run.output_wcs, config())
    np.testing.assert_allclose(blot_of(), 103, rtol=4 * F32)
