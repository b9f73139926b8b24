"""``skyblot clean`` against AstroDrizzle, product by product: sky, stack, masks, mosaic.

Run by ``make compat``; with ``-s`` it prints what was found.
"""

import json
import shutil
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from clean_sets import BAD, DETECTORS, EXPOSURES, READ_NOISE, make_set
from compat_data import F32, demo_files, run_theirs
from scipy.ndimage import binary_dilation

from skyblot import SkyblotWarning, clean_files, drizzle_files

pytestmark = [
    pytest.mark.compat,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings(f"ignore::{SkyblotWarning.__module__}.SkyblotWarning"),
]

#: Only the final step, with the masks and the sky of the files.
FINAL = {
    "skysub": False, "skyuser": "MDRIZSKY", "static": False, "driz_separate": False,
    "median": False, "blot": False, "driz_cr": False, "resetbits": 0,
}  # fmt: skip
#: What part of the sky is false where the truth is in the blot's place, with seeds above 4.5 sigma
#: and members above 2.6: in the mean of the simulated sets (docs/benchmarks/rejection).
LIMIT_OF_SKY = 1.1e-4
#: Aperture of photometry, and the ring of its sky, in pixels.
APERTURE, RING = 5.0, (9.0, 14.0)


class Case:
    """Exposures, what AstroDrizzle makes of them, and what skyblot does on the same pixels."""

    def __init__(self, folder, made, good_bits):
        self.folder, self.made, self.bits = folder, made, str(good_bits)
        self.paths = made if isinstance(made, list) else made.paths
        self.theirs = folder / "theirs"
        bits = {"final_bits": self.bits, "driz_sep_bits": self.bits}
        theirs(self.theirs, self.paths, {"resetbits": 4096, "skymethod": "match", **bits})
        self.ours = self.clean("ours", self.mosaic(self.theirs), save_median=True)

    def clean(self, name, like, **how):
        """The result of a run on the pixels of a mosaic, with flagged copies."""
        folder = self.folder / name
        return clean_files(self.paths, folder, like=like, update_dq=True, **how)

    def again(self, name, ours, **how):
        """AstroDrizzle's final step with the masks and the sky of one of our runs."""
        header = fits.getheader(ours.mosaic)
        skies = {
            header[f"D{k:03d}DATA"]: header[f"D{k:03d}SKY"] for k in range(1, header["NDRIZIM"] + 1)
        }
        flagged = self.folder / f"{name}_flagged"
        flagged.mkdir()
        for path in self.paths:
            copy = ours.mosaic.parent / f"{path.name.rsplit('_', 1)[0]}_crdq.fits"
            shutil.copy(copy, flagged / path.name)
            with fits.open(flagged / path.name, mode="update") as hdus:
                for hdu in hdus:
                    if hdu.name == "SCI":
                        hdu.header["MDRIZSKY"] = skies[f"{path.name}[sci,{hdu.ver}]"]
        folder = self.folder / name
        exposures = [flagged / path.name for path in self.paths]
        theirs(folder, exposures, {**FINAL, "final_bits": self.bits, "exact": True, **how})
        return self.mosaic(folder)

    @staticmethod
    def mosaic(folder):
        (path,) = folder.glob("final_dr?.fits")
        return path

    def masks(self, folder):
        """Bad pixels of each exposure's first chip."""
        roots = [path.name.rsplit("_", 1)[0] for path in self.paths]
        return [fits.getdata(folder / f"{root}_sci1_crmask.fits") == 0 for root in roots]


def theirs(folder, exposures, options):
    """Run AstroDrizzle on copies of exposures."""
    folder.mkdir()
    for path in exposures:
        shutil.copy(path, folder)
    job = {"drizzle": {"exposures": [path.name for path in exposures], **options}}
    status, printed = run_theirs(folder, job)
    assert status == 0, printed[-4000:]


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    _, names = demo_files(folder / "data", EXPOSURES, (256, 512))
    for name in names:
        with fits.open(folder / "data" / name, mode="update") as hdus:
            for hdu in hdus:
                hdu.header.pop("MDRIZSKY", None)
    return Case(folder, [folder / "data" / name for name in names], 336)


@pytest.fixture(scope="module", params=DETECTORS)
def real(request, tmp_path_factory, real_headers):
    """Real headers of a detector, simulated pixels."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "data").mkdir()
    made = make_set(folder / "data", real_headers, request.param)
    return Case(folder, made, made.detector.good_bits)


def planes(path):
    with fits.open(path) as hdus:
        return {name: np.array(hdus[name].data) for name in ("SCI", "WHT", "CTX")}


def assert_same_mosaic(ours, other, chips):
    """Up to float32: of weights, which both sum in it, and of values, sums of 2 x n products.

    AstroDrizzle keeps the value of a rejected pixel where no other fell, with weight 0.
    """
    ours, other = planes(ours), planes(other)
    sums = 4 * chips * EXPOSURES * F32
    np.testing.assert_allclose(ours["WHT"], other["WHT"], rtol=sums, atol=sums)
    there = ours["WHT"] > 1e-3 * ours["WHT"].max()
    assert np.array_equal(np.isfinite(ours["SCI"]), ours["WHT"] > 0)
    apart = np.abs(ours["SCI"].astype(float) - other["SCI"])[there]
    peak = np.abs(ours["SCI"][there]).max()
    sys.stdout.write(f"\nmosaics differ by {apart.max():.1e}, peak {peak:.1f}")
    # Weights of 1e-3 of the largest: rounding of positions counts a thousand times.
    assert apart.max() <= 1e3 * F32 * peak
    assert apart.mean() <= F32 * peak
    np.testing.assert_array_equal(ours["CTX"], exposures_of(other["CTX"], chips))


def exposures_of(context, chips):
    """AstroDrizzle has a bit for each chip, we have one for each exposure."""
    return sum(
        ((context >> chips * k & (1 << chips) - 1) > 0).astype(np.int32) << k
        for k in range(EXPOSURES)
    )


def test_mosaics_with_the_same_masks_and_sky_agree(real):
    """What is left of all differences of the mosaics is in masks and sky."""
    assert_same_mosaic(real.ours.mosaic, real.again("same", real.ours), chips=1)


def test_mosaics_of_two_chips_on_smaller_pixels_agree(synthetic):
    grid = {"final_wcs": True, "final_scale": 0.0198}
    first = synthetic.again("half", synthetic.ours, **grid)
    ours = synthetic.clean("ours_half", first)
    assert_same_mosaic(ours.mosaic, synthetic.again("half_again", ours, **grid), chips=2)


@pytest.mark.parametrize(
    ("kernel", "pixfrac", "weight", "moved"),
    [
        # Shrunken corners of pixels across a knot of the tables are not where theirs are.
        ("square", 0.8, 2e-3, 0.0),
        # Our upright squares are as large as each pixel, theirs all the same.
        ("turbo", 1.0, 0.05, 0.0),
        ("turbo", 0.8, 0.05, 0.0),
        # Our middle is that of the corners.
        ("point", 1.0, 0.0, 3e-3),
    ],
)
def test_other_kernels_and_drops(synthetic, kernel, pixfrac, weight, moved):
    how = {"final_kernel": kernel, "final_pixfrac": pixfrac}
    name = f"{kernel}{pixfrac}"
    like = synthetic.mosaic(synthetic.theirs)
    ours = synthetic.clean(f"ours_{name}", like, kernel=kernel, pixfrac=pixfrac)
    other = planes(synthetic.again(name, ours, **how))
    ours = planes(ours.mosaic)
    total = [float(part["WHT"].sum(dtype=float)) for part in (ours, other)]
    assert total[0] == pytest.approx(total[1], rel=1e-4)
    apart = np.abs(ours["WHT"] - other["WHT"])
    assert np.mean(apart > weight * other["WHT"].max() + 1e-3) <= moved
    there = (ours["WHT"] > 0) & (other["WHT"] > 0) & (apart <= 1e-2 * other["WHT"])
    differ = (ours["SCI"] - other["SCI"])[there]
    sys.stdout.write(f"\n{name}: WHT {apart.max():.2f}, SCI {np.std(differ):.1e} of 82")
    assert np.std(differ) < 2e-3
    flux = [float(np.sum(part["SCI"][there], dtype=float)) for part in (ours, other)]
    assert flux[0] == pytest.approx(flux[1], rel=1e-4)


def test_single_exposures_agree(synthetic):
    """Every exposure by itself on the mosaic's pixels: what a stack of theirs is made of."""
    folder = synthetic.folder / "single"
    steps = dict.fromkeys(("median", "blot", "driz_cr", "driz_combine"), False)
    only = {"driz_sep_kernel": "square", "driz_sep_bits": synthetic.bits, "resetbits": 4096}
    plain = {"skysub": False, "static": False, "exact": True}
    theirs(folder, synthetic.paths, {**plain, **steps, **only})
    for path in synthetic.paths:
        (other,) = folder.glob(f"{path.name.rsplit('_', 1)[0]}*_single_sci.fits")
        ours = folder / f"ours_{path.name}"
        drizzle_files([path], ours, like=other, sky="none")
        values, weights = fits.getdata(ours, "SCI"), fits.getdata(ours, "WHT")
        theirs_weights = fits.getdata(str(other).replace("_sci.fits", "_wht.fits"))
        sums = 8 * F32  # two chips, each of up to four products
        np.testing.assert_allclose(weights, theirs_weights, rtol=sums, atol=sums)
        there = weights > 1e-3 * weights.max()
        peak = np.abs(values[there]).max()
        apart = np.abs(values.astype(float) - fits.getdata(other))[there]
        assert apart.max() <= 1e3 * F32 * peak
        assert apart.mean() <= F32 * peak


def test_keywords_of_the_mosaics(synthetic):
    ours, other = (
        fits.getheader(path) for path in (synthetic.ours.mosaic, synthetic.mosaic(synthetic.theirs))
    )
    for keyword in ("NDRIZIM", "EXPTIME", "TEXPTIME", "EXPSTART", "EXPEND", "TARGNAME"):
        assert ours[keyword] == other[keyword]
    for k in range(1, ours["NDRIZIM"] + 1):
        for name in ("DATA", "DEXP", "KERN", "PIXF", "OUUN", "ISCL"):
            assert ours[f"D{k:03d}{name}"] == other[f"D{k:03d}{name}"]
    assert fits.getval(synthetic.ours.mosaic, "BUNIT", "SCI") == "ELECTRONS/S"
    one, two = (
        WCS(fits.getheader(path, "SCI"))
        for path in (synthetic.ours.mosaic, synthetic.mosaic(synthetic.theirs))
    )
    corner = one.wcs_pix2world([[0, 0], [500, 500]], 0)
    np.testing.assert_allclose(two.wcs_world2pix(corner, 0), [[0, 0], [500, 500]], atol=1e-7)


def test_sky_levels_are_those_of_truth_and_nearer_than_theirs(real):
    """0.02 sigma of a pixel; theirs are 0.01 sigma low."""
    skies = json.loads((real.theirs / "skies.json").read_text())
    theirs_ = [skies[f"{path.name}[sci,1]"] for path in real.paths]
    ours = [row.sky for row in real.ours.rows]
    sigmas = np.array([noise_of(real, place) for place in range(EXPOSURES)])
    wrong, theirs_wrong = (
        (np.array(values) - real.made.skies) / sigmas for values in (ours, theirs_)
    )
    sys.stdout.write(f"\nsky: ours {wrong.round(4)}, theirs {theirs_wrong.round(4)} sigma")
    assert np.abs(wrong).max() < 0.02
    assert np.abs(wrong).mean() < np.abs(theirs_wrong).mean() + 0.002


def noise_of(case, place):
    """Noise of a pixel of the sky, in the exposure's unit."""
    path, sky = case.paths[place], case.made.skies[place]
    unit = unit_of(path)
    return np.sqrt(sky * unit + READ_NOISE**2) / unit


def unit_of(path):
    rate = fits.getval(path, "BUNIT", ("SCI", 1)) == "ELECTRONS/S"
    return fits.getval(path, "EXPTIME") if rate else 1.0


def test_masks_find_what_theirs_find_and_little_else(real):
    rows = {}
    for name, folder in (("ours", real.ours.mosaic.parent), ("theirs", real.theirs)):
        found = rays = wrong = clean = 0
        masks = real.masks(folder)
        for place, mask in enumerate(masks):
            cosmic = real.made.cosmic[place]
            usable = (fits.getdata(real.paths[place], "DQ") & BAD) == 0
            near = binary_dilation((cosmic > 0) | ~usable, np.ones((3, 3)))
            noise = noise_of(real, place) * unit_of(real.paths[place])
            strong = (cosmic > 8 * noise) & usable
            found, rays = found + np.sum(mask & strong), rays + np.sum(strong)
            wrong, clean = wrong + np.sum(mask & ~near), clean + np.sum(~near)
        rows[name] = float(found / rays), float(wrong / clean)
    both = [
        np.sum(one & two) / np.sum(two)
        for one, two in zip(
            real.masks(real.ours.mosaic.parent), real.masks(real.theirs), strict=True
        )
    ]
    sys.stdout.write(f"\nmasks: {rows}, ours have {np.mean(both):.3f} of theirs")
    assert rows["ours"][0] > 0.98
    assert rows["ours"][0] > rows["theirs"][0] + 0.001
    assert rows["ours"][1] < 2 * LIMIT_OF_SKY


def test_stack_keeps_sky_and_stars_which_their_median_does_not(real):
    """Theirs leaves the highest out and takes the median of the rest, the second of four: 0.3 sigma
    of an exposure low, and cores of stars that lie differently on their pixels go with it.
    """
    (median,) = real.theirs.glob("*_med.fits")
    ours = fits.getdata(real.ours.median, "SCI")
    with fits.open(median) as hdus:
        other = np.array(hdus[0].data if hdus[0].data is not None else hdus[1].data)
    counts = fits.getdata(real.ours.median, "WHT")
    inside = np.isfinite(ours) & np.isfinite(other) & (counts == EXPOSURES)
    sky, flux = [], []
    for image in (ours, other):
        middle = np.median(image[inside])
        sky.append(float(middle / (1.4826 * np.median(np.abs(image[inside] - middle)))))
        flux.append(ratios(real.made, image, real.ours.median))
    stars = [float(np.nanmedian(part)) for part in flux]
    sys.stdout.write(f"\nstacks: sky {np.round(sky, 3)} sigma, stars {np.round(stars, 4)}")
    assert abs(sky[0]) < 0.06
    assert -0.5 < sky[1] < -0.3
    assert abs(stars[0] - 1) < 0.01 < abs(stars[1] - 1)
    assert np.nanstd(flux[0]) < np.nanstd(flux[1])


def test_photometry_of_stars_in_the_mosaic(real):
    """Nothing is lost where drizzle drops it; what is too much is cosmic rays that nobody finds."""
    ours, other = (
        ratios(real.made, planes(path)["SCI"], path)
        for path in (real.ours.mosaic, real.mosaic(real.theirs))
    )
    sys.stdout.write(
        f"\nstars: ours {np.nanmedian(ours) - 1:+.5f} +- {np.nanstd(ours):.5f}, "
        f"theirs {np.nanmedian(other) - 1:+.5f} +- {np.nanstd(other):.5f}"
    )
    assert abs(np.nanmedian(ours) - 1) < 1e-3 + 2 * np.nanstd(ours) / np.sqrt(len(ours))
    assert abs(np.nanmedian(ours) - 1) < abs(np.nanmedian(other) - 1) + 1e-4
    assert np.nanstd(ours) <= np.nanstd(other)


def ratios(made, image, path, size=1.0):
    """Flux of stars in an aperture, divided by the truth; `size` of a pixel in the exposures'."""
    wcs = WCS(fits.getheader(path, "SCI"))
    found = []
    rows, columns = np.indices(image.shape)
    reach = int(RING[1] / size) + 2
    for x, y in zip(*wcs.all_world2pix(*made.positions, 0), strict=True):
        column, row = round(x) - reach, round(y) - reach
        part = np.s_[row : row + 2 * reach + 1, column : column + 2 * reach + 1]
        pixels = image[part].astype(float)
        if pixels.shape != (2 * reach + 1,) * 2 or not np.isfinite(pixels).all():
            found.append(np.nan)
            continue
        radius = np.hypot(columns[part] - x, rows[part] - y) * size
        share = np.clip((APERTURE - radius) / size + 0.5, 0, 1)
        sky = np.median(pixels[(radius > RING[0]) & (radius < RING[1])])
        found.append(np.sum((pixels - sky) * share))
    return np.array(found) / made.flux


@pytest.mark.parametrize("size", [1.0, 0.5])
def test_photometry_without_cosmic_rays_has_no_bias(tmp_path, real_headers, size):
    """Then the bias is that of drizzling, of the sky, and of what is taken from stars by error."""
    made = make_set(tmp_path, real_headers, "uvis", cosmic=0.0)
    scale = size * fits.getval(made.paths[0], "IDCSCALE", ("SCI", 1))
    result = clean_files(made.paths, tmp_path / "out", scale=scale)
    found = ratios(made, planes(result.mosaic)["SCI"], result.mosaic, size)
    known = np.isfinite(found)
    assert known.sum() > 90
    bias = np.average(found[known] - 1, weights=made.flux[known])
    sys.stdout.write(f"\nwithout cosmic rays: {bias:+.5f} +- {np.nanstd(found):.5f}")
    assert abs(bias) < 1e-3
