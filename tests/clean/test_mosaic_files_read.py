"""Mosaics that were written read back as what they are: by info, blot, reject and ablot."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from astropy.io import fits
from mosaic_data import DRIZZLE, inputs_of

from skyblot import ablot, blot_file, info, reject_files
from skyblot.demo import DemoPlan, make_demo, mosaic_wcs
from skyblot.demo.nircam import NIRCAM
from skyblot.demo.roman import WFI
from skyblot.io.images import float_pixels, open_image
from skyblot.io.mosaics import mosaic_name, write_mosaic
from skyblot.io.names import parse_name
from skyblot.io.new_mosaic import NewMosaic

SHAPE = (96, 120)
EXPOSURES = 3
GRIDS = {
    "hst": mosaic_wcs,
    "jwst": lambda plan: NIRCAM.scene(plan).wcs,
    "roman": lambda plan: WFI.scene(plan).wcs,
}
UNITS = {"hst": "ELECTRONS/S", "jwst": "MJy/sr", "roman": "MJy/sr"}


@dataclass
class Written:
    """The demo's mosaic, the same written as a drizzled mosaic and as a stack, and exposures."""

    kind: str
    demo: object
    drizzled: object
    stacked: object


@pytest.fixture(scope="module", params=list(GRIDS))
def written(request, tmp_path_factory):
    kind = request.param
    if kind != "hst":
        pytest.importorskip("gwcs")
    folder = tmp_path_factory.mktemp(kind)
    demo = make_demo(folder, kind, exposures=EXPOSURES, chip_shape=SHAPE)
    wcs = GRIDS[kind](DemoPlan(exposures=EXPOSURES, chip_shape=SHAPE))
    images = [parse_name(path) for path in demo.exposures]
    paths = []
    with inputs_of(demo.exposures, sky=1.0) as inputs, open_image(demo.median) as median:
        data = float_pixels(median)
        for product, drizzle in (("drz", DRIZZLE), ("med", None)):
            path = folder / mosaic_name("m", images, product)
            weights = np.full(data.shape, 3.0, "f4")
            context = np.full((1, *data.shape), 7, "u4") if drizzle else None
            write_mosaic(NewMosaic(path, wcs, data, weights, inputs, UNITS[kind], drizzle, context))
            paths.append(path)
    return Written(kind, demo, *paths)


@pytest.fixture(params=["drizzled", "stacked"])
def path(request, written):
    return getattr(written, request.param)


def test_info(written, path):
    [theirs] = info(written.demo.median)
    [ours] = info(path)
    assert ours.kind == theirs.kind == "mosaic"
    assert (ours.unit, ours.unit_kind) == (UNITS[written.kind], theirs.unit_kind)
    assert theirs.instrument.startswith(ours.instrument)  # Roman's mosaics have no detector
    assert ours.shape == theirs.shape
    with inputs_of(written.demo.exposures) as inputs:
        times = {each.exposure: each.exptime_s for each in inputs}
    assert ours.exptime == pytest.approx(sum(times.values()), abs=1e-6)
    assert ours.wcs.distortion == theirs.wcs.distortion
    if written.kind != "roman":
        assert "WHT" in ours.weights.upper()


def test_number_of_exposures(path):
    with open_image(path) as image:
        assert image.facts.find("NCOMBINE") == EXPOSURES


def test_blots_are_those_of_the_same_pixels(written, path, tmp_path):
    """The cards of the WCS are rounded at the 14th digit: nothing that a float32 shows."""
    reference = written.demo.exposures[0]
    blots = []
    for number, source in enumerate((written.demo.median, path)):
        output = tmp_path / f"{number}{reference.suffix}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the sky: the demo's mosaic was not freed of one
            blot_file(source, reference, output, addsky=False)
        with open_image(output) as blot:
            blots.append(float_pixels(blot))
    np.testing.assert_allclose(blots[1], blots[0], rtol=1e-4, atol=1e-4 * np.abs(blots[0]).max())


def test_masks_are_those_of_the_same_pixels(written, path, tmp_path):
    masks = []
    for source in (written.demo.median, path):
        folder = tmp_path / source.stem
        folder.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = reject_files(source, [written.demo.exposures[0]], folder)
        masks.append([fits.getdata(result.path) for result in results])
    different = sum(np.count_nonzero(a != b) for a, b in zip(*masks, strict=True))
    assert different <= 5
    assert sum(np.count_nonzero(mask == 0) for mask in masks[1]) > 10


@pytest.mark.parametrize("written", ["hst"], indirect=True)
def test_the_ablot_task_takes_a_stack_for_data(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blots = []
    for source in (written.demo.median, written.stacked):
        reference = f"{written.demo.exposures[0]}[sci,1]"
        ablot.blot(f"{source}[sci,1]", reference, f"{source.stem}_blt.fits", addsky=False)
        blots.append(fits.getdata(tmp_path / f"{source.stem}_blt.fits"))
    np.testing.assert_allclose(blots[1], blots[0], rtol=1e-4, atol=1e-4 * np.abs(blots[0]).max())
