"""Files: the pixels of every kind of storage, of which only the window is read."""

import gzip
import tracemalloc

import numpy as np
import pytest
from astropy.io import fits
from numpy.lib.stride_tricks import sliding_window_view
from samples import (
    CHIP_SHAPE,
    CHIPS,
    RAW,
    linear_blot,
    read_wcs,
    rewrite,
    tan_header,
    texture,
    world,
    write_sci,
)

from skyblot import blot_file
from skyblot.demo import DemoPlan, chip_frame, demo_scene, exposure_facts, mosaic_hdulist

# The pixels.


@CHIPS
def test_blot_is_the_truth_plus_the_noise_of_the_median(demo, tmp_path, chip):
    """chip: CCDCHIP; its SCI extension has version 3 - chip. Sigma is what the demo drew the noise
    from.
    """
    plan = DemoPlan(exposures=2, chip_shape=CHIP_SHAPE)
    path = blot_file(demo.median, f"{demo.exposures[0]}[sci,{3 - chip}]", tmp_path / "blt.fits")
    truth = fits.getdata(demo.truth[0], ("CLEAN", 3 - chip)).astype(float)
    facts = [exposure_facts(plan, index) for index in range(2)]
    mean_time = np.mean([each.exptime_s for each in facts])
    rate = (truth - facts[0].sky[chip]) / facts[0].exptime_s
    background = np.mean([each.sky[1] for each in facts]) + 3.08**2
    sigma = facts[0].exptime_s * np.sqrt((rate * mean_time + background) / 2) / mean_time
    normal = ((fits.getdata(path, "SCI") - truth) / sigma).ravel()
    # Weights of poly5 squared sum to 0.5 ... 1 over the fractional shifts, 0.75 on average; stars'
    # peaks add a few.
    assert abs(np.median(normal)) < 5 / np.sqrt(normal.size)
    assert 0.6 < np.percentile(np.abs(normal), 68.27) < 1.0


@CHIPS
@pytest.mark.parametrize("interp", ["linear", "poly5"])
def test_blot_without_noise_is_the_truth_within_the_error_of_the_interpolant(
    demo, tmp_path, chip, interp
):
    plan = DemoPlan(exposures=2, chip_shape=CHIP_SHAPE)
    scene = demo_scene(plan)
    mosaic_hdulist(plan, scene, noise=False).writeto(tmp_path / "med.fits")
    reference = f"{demo.exposures[0]}[sci,{3 - chip}]"
    path = blot_file(tmp_path / "med.fits", reference, tmp_path / "blt.fits", interp=interp)
    truth = chip_frame(plan, 0, chip, scene).clean.astype(float)
    blot = fits.getdata(path, "SCI")
    # One dimension: the worst error of the interpolant on the narrowest profile, a Gaussian of
    # sigma 0.845. Two dimensions: at most that error in x, amplified by the sum of |weights| in y,
    # and that in y.
    taps = np.arange(-2, 4) if interp == "poly5" else np.arange(2)
    shifts, centres = np.linspace(0, 1, 41), np.linspace(-6, 6, 481)
    weights = np.array(
        [[np.prod([(s - k) / (j - k) for k in taps if k != j]) for j in taps] for s in shifts]
    )
    profile, exact = (
        np.exp(-((x[:, None] - centres) ** 2) / (2 * 0.845**2)) for x in (taps, shifts)
    )
    bound = np.abs(weights @ profile - exact).max() * (1 + np.abs(weights).sum(axis=1).max())
    peak = sliding_window_view(truth - truth.min(), (9, 9)).max(axis=(2, 3))
    inside = (slice(4, -4), slice(4, -4))  # beyond the edge there may be stars
    assert (np.abs(blot - truth)[inside] <= bound * peak + 1e-3).all()
    for axis in (0, 1):  # and a shift by one pixel would show
        assert (np.abs(blot - np.roll(truth, 1, axis))[inside] > bound * peak + 1e-3).any()


def test_result_is_that_of_blotting_arrays(demo, chip1, blot1):
    """The bilinear blot against astropy's coordinates, with the demo's exposure time and sky."""
    exptime = fits.getval(demo.exposures[0], "EXPTIME")
    sky = fits.getval(demo.exposures[0], "MDRIZSKY", ("SCI", 1))
    path = blot1[0].with_name("linear_blt.fits")
    blot = fits.getdata(blot_file(demo.median, chip1, path, interp="linear", overwrite=True), "SCI")
    rate = linear_blot(
        fits.getdata(demo.median, "SCI"),
        read_wcs(demo.median),
        read_wcs(demo.exposures[0]),
        CHIP_SHAPE,
    )
    np.testing.assert_allclose(blot, rate * exptime + sky, rtol=3e-6)


def test_sources_in_every_storage_give_the_same_blot(demo, chip1, blot1, tmp_path):
    with fits.open(demo.median) as hdus:
        primary, data, header = hdus[0], hdus["SCI"].data, hdus["SCI"].header
        (tmp_path / "med.fits.gz").write_bytes(gzip.compress(demo.median.read_bytes()))
        (tmp_path / "gzip_without_suffix.fits").write_bytes(gzip.compress(demo.median.read_bytes()))
        tiles = fits.CompImageHDU(
            data, header, name="SCI", compression_type="GZIP_2", quantize_level=0
        )
        fits.HDUList([primary, tiles]).writeto(tmp_path / "tiles.fits.fz")
        write_sci(tmp_path / "double.fits", data.astype("f8"), header, primary.header)
    for source in sorted(tmp_path.glob("*.f*")):
        pixels = fits.getdata(blot_file(source, chip1, tmp_path / "out.fit", overwrite=True), "SCI")
        tolerance = 1e-6 if source.name == "double.fits" else 0
        np.testing.assert_allclose(pixels, blot1[1], rtol=tolerance, err_msg=source.name)


def test_references_in_every_storage_give_the_same_blot(demo, chip1, blot1, tmp_path):
    raw = demo.exposures[0].read_bytes()
    (tmp_path / "one_flc.fits.gz").write_bytes(gzip.compress(raw))
    (tmp_path / "gzip_without_suffix.fits").write_bytes(gzip.compress(raw))

    def compress(hdus):
        hdus["SCI", 1] = fits.CompImageHDU(hdus["SCI", 1].data, hdus["SCI", 1].header, name="SCI")

    def scale(hdus):
        hdus["SCI", 1].scale("int16", bscale=0.5, bzero=7)
        hdus["SCI", 1].header["BLANK"] = -32768

    rewrite(demo.exposures[0], tmp_path / "tiles.fits.fz", compress)
    rewrite(demo.exposures[0], tmp_path / "scaled.fits", scale)
    for reference in sorted(tmp_path.glob("*.f*")):
        path = blot_file(demo.median, f"{reference}[sci,1]", tmp_path / "out.fit", overwrite=True)
        np.testing.assert_array_equal(fits.getdata(path, "SCI"), blot1[1], err_msg=reference.name)
        found, expected = read_wcs(path), read_wcs(demo.exposures[0])
        np.testing.assert_array_equal(
            world(found, CHIP_SHAPE), world(expected, CHIP_SHAPE), err_msg=reference.name
        )
        header = fits.getheader(path, "SCI")
        storage = ("ZIMAGE", "BSCALE", "BZERO", "BLANK", "ZCMPTYPE", "TFORM1")
        assert [key for key in storage if key in header] == []


@pytest.mark.parametrize(
    ("dtype", "bscale", "bzero"), [("int16", 0.01, 3.0), ("int32", 1e-4, 0.0), ("uint8", 0.1, -1)]
)
def test_scaled_integers_are_the_numbers_they_stand_for(pair, tmp_path, dtype, bscale, bzero):
    image = fits.ImageHDU(texture((60, 70)), tan_header((60, 70)), name="SCI")
    image.scale(dtype, bscale=bscale, bzero=bzero)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "scaled.fits")
    numbers = fits.getdata(tmp_path / "scaled.fits", "SCI")
    assert numbers.dtype.kind == "f"
    write_sci(tmp_path / "floats.fits", numbers)
    blots = [
        fits.getdata(blot_file(tmp_path / name, pair[1], tmp_path / f"blt_{name}", **RAW), "SCI")
        for name in ("scaled.fits", "floats.fits")
    ]
    np.testing.assert_array_equal(*blots)
    assert np.abs(blots[0]).max() > 5


def test_blank_pixels_are_nan(pair, tmp_path):
    data = np.full((60, 70), 8, "i4")
    data[30, 35] = -99
    write_sci(tmp_path / "blank.fits", data, tan_header(data.shape, BLANK=-99))
    blot = fits.getdata(
        blot_file(tmp_path / "blank.fits", pair[1], tmp_path / "b.fits", interp="linear", **RAW),
        "SCI",
    )
    assert np.isnan(blot).sum() == 4
    np.testing.assert_allclose(blot[np.isfinite(blot)], 8, rtol=1e-6)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32"])
def test_integers_keep_type_and_values_with_nearest(pair, tmp_path, dtype, compressed):
    data = (np.arange(60 * 70).reshape(60, 70) % 251).astype(dtype)
    data += np.iinfo(dtype).max - 250
    make = fits.CompImageHDU if compressed else fits.ImageHDU
    image = make(data, tan_header(data.shape), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "labels.fits")
    path = blot_file(
        tmp_path / "labels.fits", pair[1], tmp_path / "blt.fits", interp="nearest", fill_value=1
    )
    blot = fits.getdata(path, "SCI")
    assert blot.dtype.newbyteorder("=") == np.dtype(dtype)
    # Concentric, its first pixel would be (23, 20) of the source; it is 2.1 pixels further east,
    # that is left.
    np.testing.assert_array_equal(blot, data[20:40, 21:45])
    assert fits.getval(path, "BLOTFACT", "SCI") == 1


def test_segmentation_ids_beyond_float32_through_an_area_ratio(pair, tmp_path):
    labels = 2**24 + np.arange(120 * 140, dtype="i4").reshape(120, 140)
    write_sci(tmp_path / "seg.fits", labels, tan_header(labels.shape, scale=0.031))
    path = blot_file(tmp_path / "seg.fits", pair[1], tmp_path / "blt.fits", interp="nearest")
    blot = fits.getdata(path, "SCI")
    assert blot.dtype.kind == "i"
    assert np.isin(blot, labels).all()
    assert len(np.unique(blot)) == blot.size


# Only the window is read.


@pytest.mark.parametrize("bitpix", [-32, 16])
def test_only_the_window_of_a_huge_mosaic_is_read(pair, tmp_path, bitpix):
    size, scaling = 20000, {"BSCALE": 0.01, "BZERO": 5.0} if bitpix == 16 else {}
    header = fits.Header(
        {"SIMPLE": True, "BITPIX": bitpix, "NAXIS": 2, "NAXIS1": size, "NAXIS2": size}
    )
    header.update(tan_header((size, size), **scaling))
    huge = tmp_path / "huge.fits"
    block = header.tostring().encode()
    pixel = abs(bitpix) // 8
    with open(huge, "wb") as stream:
        stream.write(block)
        stream.truncate(len(block) + size * size * pixel + -(size * size * pixel) % 2880)
    if huge.stat().st_blocks * 512 > 1e8:
        pytest.skip("no sparse files here")
    patch = texture((60, 70)) if bitpix == -32 else np.arange(4200).reshape(60, 70).astype("i2")
    stored = np.memmap(huge, patch.dtype.newbyteorder(">"), "r+", len(block), (size, size))
    stored[9970:10030, 9965:10035] = patch
    stored.flush()
    del stored
    small = fits.PrimaryHDU(
        patch if bitpix == -32 else patch * np.float32(0.01) + 5, tan_header(patch.shape)
    )
    small.writeto(tmp_path / "small.fits")
    expected = fits.getdata(
        blot_file(tmp_path / "small.fits", pair[1], tmp_path / "small_blt.fits", **RAW), "SCI"
    )
    tracemalloc.start()
    try:
        path = blot_file(huge, pair[1], tmp_path / "huge_blt.fits", **RAW)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30e6  # a hundredth of the pixels are 8e6 or 16e6 bytes
    np.testing.assert_allclose(fits.getdata(path, "SCI"), expected, rtol=3e-6)


def test_the_reference_s_pixels_are_not_read(pair, tmp_path):
    """Only its headers: the pixels may even be NaN or nonsense."""
    reference = rewrite(pair[1], tmp_path / "nan.fits", lambda hdus: hdus["SCI"].data.fill(np.nan))
    blots = [
        blot_file(pair[0], each, tmp_path / f"b{k}.fits")
        for k, each in enumerate((pair[1], reference))
    ]
    np.testing.assert_array_equal(*[fits.getdata(each, "SCI") for each in blots])
