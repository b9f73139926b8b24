"""Every FITS file and header that astropy ships, and every real one: through info, pixel maps and
blots both ways.

Nothing but a `SkyblotError` is raised, and what comes out is what astropy, gwcs and scipy make of
it.
"""

import warnings
from pathlib import Path

import astropy
import numpy as np
import pytest
from astropy.io import fits
from scipy.ndimage import map_coordinates

import skyblot
from skyblot import Parameters, SkyblotError, blot_file, info
from skyblot.io.images import list_images, open_image
from skyblot.pixelmap.linear import touching_tangent

ASTROPY = Path(astropy.__file__).parent
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
#: Images of headers alone are cut to this many pixels, and maps are compared on as many.
SIDE = 120
#: Where there is no closed form, positions are good to this; those of the closed form to 1e-8
#: pixel.
TOLERANCE = Parameters().tolerance
#: Headers of all projections: each has a celestial WCS, and has to be blotted both ways.
MAPS = "wcs/tests/data/maps/"


def names():
    """Files of astropy's wheel and the real ones, by a short name; the latter where they are."""
    found = {}
    for root in (ASTROPY, SHARED):
        paths = [
            path
            for path in root.rglob("*")
            if path.name.lower().endswith((".fits", ".fits.gz", ".hdr"))
        ]
        found |= {str(path.relative_to(root)): path for path in sorted(paths)}
    return found


FILES = names()


def as_fits(path, folder):
    """The file itself; a header alone with an image of noise that fits it, as far as a file can be
    made of it.
    """
    if path.suffix.lower() != ".hdr":
        return path
    text = path.read_bytes().decode("latin-1")
    lines = (
        text.splitlines()
        if "\n" in text[:200]
        else [text[k : k + 80] for k in range(0, len(text), 80)]
    )
    cards = [
        fits.Card.fromstring(line[:80].ljust(80))
        for line in lines
        if line.strip() and line.strip() != "END"
    ]
    header = fits.Header(cards)
    ny, nx = (min(int(header.get(f"NAXIS{k}", SIDE) or SIDE), SIDE) for k in (2, 1))
    for keyword in [
        each
        for each in header
        if each.startswith("NAXIS") or each in ("SIMPLE", "BITPIX", "XTENSION")
    ]:
        header.remove(keyword, ignore_missing=True, remove_all=True)
    for keyword in ("BSCALE", "BZERO", "BLANK", "GROUPS", "PCOUNT", "GCOUNT", "TFIELDS"):
        header.remove(keyword, ignore_missing=True, remove_all=True)
    data = np.random.default_rng(1).normal(10, 1, (ny, nx)).astype("f4")
    fits.PrimaryHDU(data, header).writeto(folder / f"{path.stem}.fits", output_verify="ignore")
    return folder / f"{path.stem}.fits"


def positions(target, source, shape):
    """Source pixels of all target pixels, by the libraries alone; both WCS are in one frame."""
    y, x = np.indices(shape)
    low = getattr(target, "low_level_wcs", target)
    if hasattr(low, "all_pix2world"):
        sky = low.all_pix2world(x.ravel(), y.ravel(), 0)
    else:
        sky = low.pixel_to_world_values(x.ravel(), y.ravel())
    lon, lat = (low.wcs.lng, low.wcs.lat) if hasattr(low, "wcs") else (0, 1)
    return (each.reshape(shape) for each in source.wcs_world2pix(sky[lon], sky[lat], 0))


def check_map(wcs, shape):
    """The pixel map onto an undistorted image in the same place."""
    tangent = touching_tangent(wcs)
    ours = np.array(skyblot.pixel_map(wcs, tangent, shape=shape))
    theirs = np.array([*positions(wcs, tangent, shape)])
    # near the horizon of a projection a tolerance in pixels means nothing
    far = ~(np.abs(theirs) < 1e5)
    assert np.abs(np.where(far, 0, ours - theirs)).max() <= TOLERANCE
    return tangent


def resampled(image, x, y):
    """Linear interpolation, and where it needs no pixel outside the image."""
    inside = (x > 0) & (x < image.shape[1] - 1) & (y > 0) & (y < image.shape[0] - 1)
    places = np.where(inside, [y, x], 0.0)
    return map_coordinates(np.asarray(image, float), places, order=1), inside


def check_blot(blot, image, x, y):
    expected, inside = resampled(np.nan_to_num(image), x, y)
    known = inside & np.isfinite(resampled(np.where(np.isfinite(image), 0.0, np.nan), x, y)[0])
    steps = sum(
        np.abs(np.diff(np.nan_to_num(image), axis=axis)).max(initial=0.0) for axis in (0, 1)
    )
    # float32, and a position off by so much
    bound = 2 * TOLERANCE * steps + 1e-5 * np.abs(np.nan_to_num(image)).max()
    assert np.abs(blot - expected)[known].max(initial=0.0) <= bound


def blotted(source, reference, path):
    """The blot as it is written, or None where an error says why not."""
    try:
        blot_file(source, reference, path, as_is=True, interp="linear", force=True)
    except SkyblotError:
        return None
    try:
        with open_image(path) as made:
            return np.array(made.pixels()[:, :])
    finally:
        path.unlink()


def go_through(file, where, folder):
    """Map and blot one image; return how many blots were made of it."""
    with open_image(where) as image:
        wcs, shape = image.wcs(), image.shape
        data = np.array(image.pixels()[:, :]) if max(shape) < 1200 else None
    tangent = check_map(wcs, tuple(min(size, SIDE) for size in shape))
    if data is None:
        return 0
    y, x = np.indices(shape)
    mosaic = (10 + np.sin(x / 9) + np.cos(y / 7)).astype("f4")
    fits.PrimaryHDU(mosaic, tangent.to_header()).writeto(folder / "tangent.fits", overwrite=True)
    onto, back = (
        blotted(*pair, folder / "blot.fits")
        for pair in ((folder / "tangent.fits", where), (where, folder / "tangent.fits"))
    )
    if onto is not None:
        check_blot(onto, mosaic, *skyblot.pixel_map(wcs, tangent, shape=shape))
    if back is not None and data.dtype.kind == "f":
        check_blot(back, data, *skyblot.pixel_map(tangent, wcs, shape=shape))
    return (onto is not None) + (back is not None)


@pytest.mark.parametrize("name", FILES)
def test_a_file_goes_through_everything(name, tmp_path):
    made = 0
    before = FILES[name].read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is told of odd headers has tests of its own
        file = as_fits(FILES[name], tmp_path)
        try:
            info(file)
            images = list_images(file)
        except SkyblotError:
            images = []
        for where in images:
            try:
                made += go_through(file, where, tmp_path)
            except SkyblotError:
                continue
    assert FILES[name].read_bytes() == before
    assert made == 2 or not name.startswith(MAPS)


def test_there_is_something_to_sweep():
    assert sum(name.startswith(MAPS) for name in FILES) > 20
    if not SHARED.is_dir():
        pytest.skip(f"the real files are not at {SHARED}")
    assert sum(path.is_relative_to(SHARED) for path in FILES.values()) >= 18
