"""AstroDrizzle's step 6 by this project's rejection: what counts, and the products it leaves."""

import logging
import re
import sys
import types
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from drizzle_run import Steps
from scipy import ndimage

import skyblot
from skyblot import ablot
from skyblot.errors import FileError, ParameterError

SHAPE, SKY, READ_NOISE, CRBIT, BAD, KEPT = (90, 110), 40.0, 3.0, 4096, 4, 64
STEP = "STEP 6: REMOVE COSMIC RAYS WITH DERIV, DRIZ_CR"
DEFAULTS = {
    "driz_cr": True, "driz_cr_corr": False, "driz_cr_snr": "3.5 3.0", "driz_cr_grow": 1,
    "driz_cr_ctegrow": 0, "driz_cr_scale": "1.2 0.7",
}  # fmt: skip
GONE = np.s_[60:64, 5:10]  # not covered by the median


def config(*, bits="0", gain="", rdnoise="", **own):
    return {
        "crbit": CRBIT,
        "num_cores": None,
        "INSTRUMENT PARAMETERS": {"gain": gain, "rdnoise": rdnoise, "gnkeyword": ""},
        "STEP 3: DRIZZLE SEPARATE IMAGES": {"driz_sep_bits": bits},
        STEP: DEFAULTS | own,
        "STEP 7: DRIZZLE FINAL COMBINED IMAGE": {"final_bits": "0"},
    }


def images_of(seed):
    """An exposure with cosmic rays, its errors, and its blot."""
    rng = np.random.default_rng(seed)
    points = np.zeros(SHAPE)
    points[rng.integers(0, SHAPE[0], 60), rng.integers(0, SHAPE[1], 60)] = rng.uniform(500, 9e4, 60)
    blot = ndimage.gaussian_filter(points, 1.2) + SKY
    data = rng.poisson(blot) + READ_NOISE * rng.standard_normal(SHAPE)
    hit = rng.random(SHAPE) < 0.01
    data[hit] += rng.exponential(200, hit.sum())
    blot += 2 * rng.standard_normal(SHAPE)
    blot[GONE] = SKY
    data[GONE] += 500
    errors = np.sqrt(np.maximum(data, 0) + READ_NOISE**2)
    return data.astype("f4"), errors.astype("f4"), blot.astype("f4")


class Image:
    """An exposure of chips as AstroDrizzle has it, in the current folder, with its blots."""

    scienceExt, maskExt = "SCI", "DQ"

    def __init__(self, chips=1, *, inmemory=False, errors=True, detector=("WFC3", "UVIS")):
        self.inmemory, self._filename = inmemory, "x_flc.fits"
        self.outputNames = {"crcorImage": "x_crclean.fits"}
        self.virtualOutputs, self.chips, self.planes = {}, [], []
        cards = {"TELESCOP": "HST", "INSTRUME": detector[0], "DETECTOR": detector[1]}
        hdus = [fits.PrimaryHDU(header=fits.Header(cards | {"EXPTIME": 100.0}))]
        for number in range(1, chips + 1):
            data, sigma, blot = images_of(number)
            flags = np.zeros(SHAPE, "i2")
            flags[20, 30:33], flags[21, 30:33] = BAD, KEPT
            data[20:22, 30:33] += 300
            self.planes.append((data, sigma, blot, flags))
            header = fits.Header({"BUNIT": "ELECTRONS"})
            for name, plane in (("SCI", data), ("ERR", sigma if errors else 0 * sigma)):
                hdus.append(fits.ImageHDU(plane, header, name=name, ver=number))
            hdus.append(fits.ImageHDU(flags, name="DQ", ver=number))
            self.chips.append(self.chip(number, blot))
        fits.HDUList(hdus).writeto(self._filename, overwrite=True)

    def chip(self, number, blot):
        names = {"blotImage": f"x_sci{number}_blt.fits", "crmaskImage": f"x_sci{number}_crm.fits"}
        names["data"] = f"x_flc.fits[sci,{number}]"
        hdus = fits.HDUList([fits.PrimaryHDU(blot, fits.Header({"BLOTSKY": SKY}))])
        self.virtualOutputs[names["blotImage"]] = hdus
        if not self.inmemory:
            hdus.writeto(names["blotImage"], overwrite=True)
        return SimpleNamespace(
            outputNames=names, group_member=True, _chip=number, computedSky=np.float32(SKY),
            subtractedSky=SKY, cte_dir=1,
        )  # fmt: skip

    def returnAllChips(self, extname):
        assert extname == "SCI"
        return self.chips

    def buildMask(self, chip, bits):
        flags = self.planes[chip - 1][3]
        return ((flags & ~np.int16(int(bits))) == 0).astype(np.uint8)

    def saveVirtualOutputs(self, outputs):
        self.virtualOutputs.update(outputs)

    def mask(self, number=1):
        name = self.chips[number - 1].outputNames["crmaskImage"]
        if self.inmemory:
            hdus = self.virtualOutputs[name]
            return hdus[0].data == 0
        with fits.open(name) as hdus:
            assert len(hdus) == 1
            assert hdus[0].data.dtype == np.uint8
            return hdus[0].data == 0

    def wanted(self, number=1, **criteria):
        """What `skyblot.reject` finds where pixels are good and covered."""
        data, sigma, blot, flags = self.planes[number - 1]
        valid = ((flags & BAD) == 0) & (blot != SKY)
        if "flags" in criteria:
            valid = (blot != SKY) & (flags & criteria.pop("flags") == 0)
        return skyblot.reject(
            data, blot, criteria.pop("noise", sigma), gain=1.0, valid=valid, **criteria
        )


@pytest.fixture
def theirs(monkeypatch, tmp_path):
    """A stand-in for DrizzlePac, patched; what its own `_driz_cr` is called with."""
    monkeypatch.chdir(tmp_path)
    package = types.ModuleType("drizzlepac")
    calls = []
    for name in ("ablot", "drizCR"):
        module = types.ModuleType(f"drizzlepac.{name}")
        setattr(package, name, module)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in ("blot", "do_blot", "runBlot", "run_blot", "run", "buildBlotParamDict"):
        setattr(package.ablot, name, None)
    package.drizCR.rundrizCR = lambda *args, **keywords: "theirs"
    package.drizCR._driz_cr = lambda *args: calls.append(args)
    monkeypatch.setitem(sys.modules, "drizzlepac", package)
    with ablot.patch_drizzlepac(driz_cr=True):
        yield SimpleNamespace(module=package.drizCR, calls=calls)
    assert package.drizCR.rundrizCR() == "theirs"


def run(theirs, image, settings=None, **more):
    theirs.module.rundrizCR([image], config() if settings is None else settings, **more)
    return image


def test_without_the_word_the_step_is_theirs(theirs):
    with ablot.patch_drizzlepac():
        assert theirs.module.rundrizCR.__module__ == "skyblot.ablot.patch"
    theirs.module.rundrizCR, before = "plain", theirs.module.rundrizCR
    with ablot.patch_drizzlepac():
        assert theirs.module.rundrizCR == "plain"
    theirs.module.rundrizCR = before


@pytest.mark.parametrize("inmemory", [False, True])
@pytest.mark.parametrize("chips", [1, 2])
def test_masks_are_those_of_reject(theirs, tmp_path, chips, inmemory):
    image = run(theirs, Image(chips, inmemory=inmemory))
    for number in range(1, chips + 1):
        wanted = image.wanted(number, flags=BAD | KEPT).mask
        assert 30 < wanted.sum() < 600
        np.testing.assert_array_equal(image.mask(number), wanted)
        assert not image.mask(number)[GONE].any()
        np.testing.assert_array_equal(
            image.virtualOutputs[f"x_sci{number}_blt.fits"][0].data, image.planes[number - 1][2]
        )
    written = sorted(path.name for path in tmp_path.glob("*_crm.fits"))
    assert written == ([] if inmemory else [f"x_sci{k}_crm.fits" for k in range(1, chips + 1)])
    assert not theirs.calls


def test_the_steps_are_reported_as_theirs(theirs):
    steps = Steps()
    run(theirs, Image(), procSteps=steps)
    assert steps.calls == [("addStep", ("Driz_CR",), {}), ("endStep", ("Driz_CR",), {})]
    steps = Steps()
    image = run(theirs, Image(), config(driz_cr=False), procSteps=steps)
    assert steps.calls[1] == ("endStep", ("Driz_CR",), {"reason": "off", "delay_msg": True})
    assert "x_sci1_crm.fits" not in image.virtualOutputs
    run(theirs, Image(), config(driz_cr=False))


@pytest.mark.parametrize(
    ("detector", "snr", "used"),
    [
        (("WFC3", "UVIS"), "3.5 3.0", None),
        (("WFC3", "UVIS"), "6.0, 5.0", (6.0, 5.0)),
        (("WFC3", "UVIS"), "5.0 4.0", (5.0, 4.0)),
        (("WFC3", "IR"), "5.0 4.0", None),
        (("WFC3", "IR"), "3.5 3.0", None),
    ],
)
def test_thresholds_count_where_they_are_no_default(theirs, detector, snr, used):
    image = run(theirs, Image(detector=detector), config(driz_cr_snr=snr))
    wanted = image.wanted(flags=BAD | KEPT, snr=used).mask
    np.testing.assert_array_equal(image.mask(), wanted)
    assert used is None or wanted.sum() < image.wanted(flags=BAD | KEPT).mask.sum()


def test_what_counts_is_said_once_a_run_and_of_each_chip(theirs, caplog):
    with caplog.at_level(logging.INFO, "skyblot"):
        run(theirs, Image(2))
    assert caplog.text.count("driz_cr_scale not at all") == 1
    assert caplog.text.count("seeds above 4.1 and members above 2.4 sigma") == 2


@pytest.mark.parametrize(("width", "grow"), [(2, 1.42), (3, 1.42), (5, 2.84)])
def test_masks_grow_by_the_next_square_with_a_middle(theirs, width, grow):
    image = run(theirs, Image(), config(driz_cr_grow=width))
    single = image.wanted(flags=BAD | KEPT).mask
    square = 2 * (width // 2) + 1
    inside = ndimage.binary_dilation(single, np.ones((square, square)))
    np.testing.assert_array_equal(image.mask(), image.wanted(flags=BAD | KEPT, grow=grow).mask)
    assert not (inside & ~image.mask()).any()


@pytest.mark.parametrize("direction", [1, -1, 0])
def test_tails_run_away_from_the_amplifier(theirs, direction):
    """drizCR's cte_dir 1 means tails to smaller y; 0 means none."""
    image = Image()
    image.chips[0].cte_dir = direction
    run(theirs, image, config(driz_cr_ctegrow=4))
    tails = {"cte_tail": 4, "cte_direction": -direction} if direction else {}
    np.testing.assert_array_equal(image.mask(), image.wanted(flags=BAD | KEPT, **tails).mask)


def test_pixels_count_that_either_mosaic_takes(theirs):
    image = run(theirs, Image(), config(bits=str(KEPT)))
    np.testing.assert_array_equal(image.mask(), image.wanted(flags=BAD).mask)
    assert image.mask()[21, 30:33].all()
    assert not image.mask()[20, 30:33].any()


def test_what_an_earlier_run_has_flagged_is_found_again(theirs):
    image = Image()
    image.planes[0][3][image.wanted(flags=BAD | KEPT).mask] |= CRBIT
    run(theirs, image)
    np.testing.assert_array_equal(image.mask(), image.wanted(flags=BAD | KEPT).mask)


@pytest.mark.parametrize("user", [{}, {"gain": "2.0", "rdnoise": 9.0}])
def test_noise_without_errors_is_that_of_gain_and_read_noise(theirs, user):
    """Of the header, or what the user says in its place."""
    image = Image(errors=False)
    with fits.open("x_flc.fits", mode="update") as hdus:
        for amplifier in "ABCD":
            hdus[0].header[f"READNSE{amplifier}"] = READ_NOISE
    run(theirs, image, config(**user))
    noise = skyblot.Noise(float(user.get("gain", 1.0)), user.get("rdnoise", READ_NOISE))
    np.testing.assert_array_equal(image.mask(), image.wanted(flags=BAD | KEPT, noise=noise).mask)


def test_a_read_noise_of_the_user_counts_instead_of_errors(theirs):
    image = run(theirs, Image(), config(rdnoise="9.0"))
    wanted = image.wanted(flags=BAD | KEPT, noise=skyblot.Noise(1.0, 9.0)).mask
    np.testing.assert_array_equal(image.mask(), wanted)


def test_the_photons_of_a_sky_that_the_blot_lacks_make_noise(theirs):
    """The user took it off the exposure before, or off the blot alone."""
    image = Image(errors=False)
    image.chips[0].computedSky, image.chips[0].subtractedSky = None, 400.0
    with fits.open("x_sci1_blt.fits", mode="update") as hdus:
        del hdus[0].header["BLOTSKY"]
    run(theirs, image, config(gain="1", rdnoise="3"))
    noise = skyblot.Noise(1.0, 3.0, 400.0)
    data, _, blot, flags = image.planes[0]
    wanted = skyblot.reject(data, blot, noise, valid=(flags == 0) & (blot != 0)).mask
    np.testing.assert_array_equal(image.mask(), wanted)


@pytest.mark.parametrize("chips", [1, 2])
def test_the_clean_copy_has_the_blot_in_bad_pixels(theirs, chips):
    image = run(theirs, Image(chips), config(driz_cr_corr=True))
    with fits.open("x_crclean.fits") as hdus, fits.open("x_flc.fits") as before:
        assert [hdu.name for hdu in hdus] == [hdu.name for hdu in before]
        for number in range(1, chips + 1):
            rejection = image.wanted(number, flags=BAD | KEPT)
            data, sigma, blot, flags = image.planes[number - 1]
            bad = rejection.mask | (flags != 0)
            np.testing.assert_array_equal(hdus["DQ", number].data, np.where(bad, CRBIT, 0))
            wanted = np.where(bad, rejection.expected(blot), data)
            np.testing.assert_array_equal(hdus["SCI", number].data, wanted)
            np.testing.assert_array_equal(hdus["ERR", number].data, sigma)
            np.testing.assert_array_equal(before["SCI", number].data, data)


def test_an_exposure_that_cannot_be_compared_is_left_to_drizzlepac(theirs, caplog):
    """Nobody knows its noise here."""
    image = Image(errors=False)
    run(theirs, image, config(driz_cr_corr=True))
    ((given, outputs, parameters),) = theirs.calls
    assert given is image
    assert outputs is image.virtualOutputs
    wanted = DEFAULTS | {"driz_cr_corr": True, "crbit": CRBIT, "inmemory": False}
    assert parameters == wanted
    assert "its masks are DrizzlePac's own: x_flc.fits[sci,1]: no value above 0" in caplog.text


def test_doubts_are_told(theirs, caplog):
    image = Image()
    with fits.open("x_sci1_blt.fits", mode="update") as hdus:
        hdus[0].data = SKY + (hdus[0].data - SKY) / 1.4
    run(theirs, image)
    assert re.search(r"x_flc.fits\[sci,1\]: its sources are 1\.\d+ \+- .* as bright", caplog.text)


def test_chips_of_another_group_are_left_out(theirs):
    image = Image(2)
    image.chips[0].group_member = False
    run(theirs, image)
    np.testing.assert_array_equal(image.mask(2), image.wanted(2, flags=BAD | KEPT).mask)
    with pytest.raises(FileNotFoundError):
        image.mask(1)


@pytest.mark.parametrize("cores", [1, 2, "3"])
def test_any_number_of_cores_gives_the_same(theirs, cores):
    image = run(theirs, Image(), config() | {"num_cores": cores})
    np.testing.assert_array_equal(image.mask(), image.wanted(flags=BAD | KEPT).mask)


def test_the_configuration_of_the_task_alone_suffices(theirs):
    """drizCR's own parameters are one section; masks of an earlier run are replaced."""
    image = Image()
    for _ in range(2):
        run(theirs, image, {STEP: DEFAULTS})
    np.testing.assert_array_equal(image.mask(), image.wanted(flags=BAD | KEPT).mask)


def test_a_blot_that_is_missing_is_named(theirs):
    image = Image()
    image.chips[0].outputNames["blotImage"] = "none_blt.fits"
    with pytest.raises(FileError, match=r"none_blt\.fits"):
        run(theirs, image)


def test_a_configuration_without_the_step_is_refused(theirs):
    with pytest.raises(ParameterError, match="no section whose name contains 'STEP 6'"):
        run(theirs, Image(), {"crbit": CRBIT})
