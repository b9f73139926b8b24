"""Exposures of the ground: weights in files beside them, saturated stars, coadds that are 0 where
nothing is.
"""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from samples import digests, tan_header
from star_fields import stars

from skyblot import FileError, ParameterError, SkyblotWarning, reject_files
from skyblot.errors import SkyblotError
from skyblot.io.inputs import expand_references
from skyblot.rejection.saturation import saturated

SHAPE, GAIN, READ_NOISE, SKY = (120, 130), 2.0, 6.0, 400.0
SIGMA = float(np.sqrt(SKY / GAIN + (READ_NOISE / GAIN) ** 2))
BAD = np.zeros(SHAPE, bool)
BAD[40:44, 50:60] = True
STAR = (80, 40)  # y, x


def write(folder, weights=None, light=0.0, name="obj_001", known=True, **cards):
    """A coadd, an exposure with hits in BAD, and its weights."""
    rng = np.random.default_rng([4, len(list(folder.iterdir()))])
    electronics = {"GAIN": GAIN, "RDNOISE": READ_NOISE} if known else {}
    header = tan_header(SHAPE, BUNIT="adu", EXPTIME=60.0, **electronics, **cards)
    if not (folder / "coadd.fits").exists():
        pixels = rng.normal(0, 0.5, SHAPE) + np.minimum(light, 20000.0)
        fits.PrimaryHDU(pixels.astype("f4"), header).writeto(folder / "coadd.fits")
    data = light + SKY + rng.normal(0, SIGMA, SHAPE) + 900.0 * BAD
    fits.PrimaryHDU(data.astype("f4"), header).writeto(folder / f"{name}.fits")
    if weights is not None:
        fits.PrimaryHDU(weights.astype("f4"), tan_header(SHAPE)).writeto(
            folder / f"{name}.weight.fits"
        )
    return folder / f"{name}.fits"


def compared(path, **keywords):
    """The result, its mask (True where bad), and what was said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (result,) = reject_files(
            path.parent / "coadd.fits", [path], path.parent, overwrite=True, **keywords
        )
    return result, fits.getdata(result.path) == 0, [str(each.message) for each in caught]


@pytest.mark.parametrize("nothing", [0.0, -1.0, np.nan])
def test_pixels_without_weight_are_left_out(tmp_path, nothing):
    result, bad, said = compared(write(tmp_path, np.where(BAD, nothing, 1.0)))
    assert result.judged == BAD.size - BAD.sum()
    assert not bad[BAD].any()
    assert not [each for each in said if "flags" in each]
    (tmp_path / "obj_001.weight.fits").unlink()
    result, bad, said = compared(tmp_path / "obj_001.fits")
    assert bad[BAD].all()
    assert [each for each in said if "no flags" in each]


@pytest.mark.parametrize("packed", [".fz", ".gz"])
def test_weights_may_be_packed_and_are_not_changed(tmp_path, packed):
    path, weights = write(tmp_path), np.where(BAD, 0, 1).astype("i2")
    hdus = (
        fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(weights)])
        if packed == ".fz"
        else fits.PrimaryHDU(weights)
    )
    hdus.writeto(tmp_path / f"obj_001.weight.fits{packed}")
    before = digests(tmp_path)
    assert compared(path)[0].judged == BAD.size - BAD.sum()
    assert before.items() <= digests(tmp_path).items()


@pytest.mark.parametrize("suffix", [".wht.fits", "_weight.fits"])
def test_another_suffix(tmp_path, suffix, run_reject):
    path = write(tmp_path, np.where(BAD, 0.0, 1.0))
    (tmp_path / "obj_001.weight.fits").rename(tmp_path / f"obj_001{suffix}")
    assert compared(path)[0].judged == BAD.size
    assert compared(path, weight_suffix=suffix)[0].judged == BAD.size - BAD.sum()
    code, *_ = run_reject(
        tmp_path / "coadd.fits",
        path,
        "--weight-suffix",
        suffix,
        "--output-dir",
        tmp_path,
        "--overwrite",
    )
    assert code == 0


@pytest.mark.parametrize("suffix", ["", "weights/x.fits", ".weight", 3])
def test_what_is_no_suffix(tmp_path, suffix):
    with pytest.raises(
        ParameterError, match=r"weight_suffix = .*: expected the end of a FITS file's name"
    ):
        reject_files(tmp_path / "coadd.fits", [write(tmp_path)], tmp_path, weight_suffix=suffix)


def test_weights_that_cannot_be_used(tmp_path):
    path = write(tmp_path, np.zeros(SHAPE))
    with pytest.raises(SkyblotError, match=r"obj_001\.weight\.fits\[0\]: no weight is above 0"):
        compared(path)
    fits.PrimaryHDU(np.ones((5, 5))).writeto(tmp_path / "obj_001.weight.fits", overwrite=True)
    with pytest.raises(SkyblotError, match=r"its .*weight\.fits\[0\] has shape \(5, 5\), expected"):
        compared(path)


def test_an_output_never_replaces_weights(tmp_path):
    path = write(tmp_path, np.ones(SHAPE))
    (tmp_path / "obj_001.weight.fits").rename(tmp_path / "obj_001_sci1_crmask.fits")
    with pytest.raises(FileError, match="obj_001_sci1_crmask"):
        compared(path, weight_suffix="_sci1_crmask.fits")


@pytest.mark.parametrize(
    ("scale", "good"), [(1.0, True), (1.2**-2, True), (1.2**2, True), (2.0**2, False), (0.1, False)]
)
def test_weights_are_the_noise_where_nothing_else_is_and_the_pixels_agree(tmp_path, scale, good):
    path = write(tmp_path, np.full(SHAPE, scale / SIGMA**2), known=False)
    if not good:
        with pytest.raises(
            SkyblotError,
            match=r"weights that are no inverse variances \(.*obj_001\.weight\.fits\[0\]\)",
        ):
            compared(path)
        return
    result, *_ = compared(path)
    # five standard errors of a spread by the median of 16000 pixels, and the noise of the mosaic
    assert result.noise == pytest.approx(
        np.hypot(SIGMA, 0.5) / SIGMA * scale**0.5, rel=5 * 1.17 / np.sqrt(2 * 15000)
    )


def test_weights_do_not_count_as_noise_where_gain_and_read_noise_are_known(tmp_path):
    assert compared(write(tmp_path, np.full(SHAPE, 7.0)))[0].noise == pytest.approx(1.0, rel=0.05)


def test_a_pattern_means_no_weights(tmp_path):
    for number in (1, 2):
        write(tmp_path, np.ones(SHAPE), name=f"obj_{number:03d}")
    found = expand_references([tmp_path / "obj_*.fits"]).exposures
    assert [name.rpartition("/")[2] for name in found] == ["obj_001.fits", "obj_002.fits"]
    assert expand_references([tmp_path / "obj_001.weight.fits"]).exposures == [
        str(tmp_path / "obj_001.weight.fits")
    ]
    results = reject_files(tmp_path / "coadd.fits", sorted(tmp_path.glob("obj_*.fits")), tmp_path)
    assert [each.path.name for each in results] == [
        "obj_001_sci1_crmask.fits",
        "obj_002_sci1_crmask.fits",
    ]


# SATURATE.


def star_with_trail(level):
    """A star that saturates, with a trail along its column, and a hit as bright elsewhere."""
    light = stars(SHAPE, [(STAR[1] + 0.2, STAR[0] - 0.3)], 1.6, 2e6)
    trail = np.zeros(SHAPE, bool)
    trail[STAR[0] - 25 : STAR[0] + 30, STAR[1]] = True
    return np.minimum(np.where(trail, 0.93 * level, light), level), trail


@pytest.mark.parametrize("level", [30000.0, "30000"])
def test_saturated_stars_and_their_trails_are_left_out_and_bright_hits_are_not(tmp_path, level):
    light, trail = star_with_trail(float(level))
    path = write(tmp_path, light=light, SATURATE=level)
    with fits.open(path, mode="update") as hdus:
        hdus[0].data[20, 20] = 35000.0
        hdus[0].data[trail] = 0.93 * float(level)
    result, bad, _ = compared(path)
    assert not bad[trail].any()
    assert not bad[STAR[0] - 3 : STAR[0] + 4, STAR[1] - 3 : STAR[1] + 4].any()
    assert bad[20, 20]
    assert bad[BAD].all()
    assert trail.sum() < BAD.size - result.judged < 0.05 * BAD.size


@pytest.mark.parametrize(
    ("cards", "said"),
    [({"SATURATE": 100.0}, 1), ({"SATURATE": 0.0}, 0), ({"SATURATE": "none"}, 0), ({}, 0)],
)
def test_a_level_that_is_none_leaves_nothing_out(tmp_path, cards, said):
    result, _, sentences = compared(write(tmp_path, **cards))
    assert result.judged == BAD.size
    assert (
        sum("its SATURATE = 100 is not used: expected a level that" in each for each in sentences)
        == said
    )


def test_saturation_by_arrays():
    data, expected = np.full((9, 9), 10.0), np.full((9, 9), 10.0)
    data[4, 4], data[2:7, 4], expected[4, 4] = 100, 85, 60
    data[4, 4] = 100
    found = saturated(data, expected, 100.0)
    assert found[1:8, 3:6].all()
    assert found.sum() == 21
    assert not saturated(data, np.full((9, 9), 10.0), 100.0).any()
    assert saturated(data, np.full((9, 9), np.nan), 100.0).any()


# SWarp's zeros.


@pytest.mark.parametrize("program", [{"SOFTNAME": "SWarp", "COMBINET": "MEDIAN"}, {}])
def test_zeros_of_swarp_are_no_data_without_weights_too(tmp_path, program):
    path = write(tmp_path)
    with fits.open(tmp_path / "coadd.fits", mode="update") as hdus:
        hdus[0].header.update(program)
        hdus[0].data[:, :30] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkyblotWarning)
        (result,) = reject_files(tmp_path / "coadd.fits", [path], tmp_path)
    assert (result.covered < 0.8) == bool(program)
