"""Exposures with truth as models of JWST's and Roman's pipelines, and the pipelines' own steps on
them, without CRDS.

The sky is the demo's, a function of exact positions, with more stars and as sharp as one likes;
noise, cosmic rays and the gwcs are the demo's, too. The steps are those of jwst and romancal,
called as their pipelines call them.
"""

import contextlib
import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy.ndimage import binary_dilation

from skyblot.demo import DemoPlan
from skyblot.demo.nircam import NIRCAM
from skyblot.demo.roman import WFI
from skyblot.demo.sky import STAR_SIGMA, Sources, star_profile

#: The sky is brighter from exposure to exposure, MJy/sr, and so many exposures of this shape.
STEP, COUNT, SHAPE = 0.07, 6, (300, 300)
#: The flag of an outlier: JWST's, Roman's.
OUTLIER = {"jwst": 16, "roman": 128}


@dataclass(frozen=True)
class Simulated:
    """Exposures, in order, and the truth of each in MJy/sr."""

    folder: Path
    exposures: list
    frames: list
    positions: list
    skies: list

    def score(self, masks):
        """What masks take: (cores taken, cores, part of the cosmic rays found, part of clean pixels
        taken).

        Cores are the brightest pixels of stars without a cosmic ray within two pixels; cosmic rays
        are those above 5 sigma; clean pixels have none of any size near them.
        """
        taken = cores = found = rays = wrong = clean = 0
        for bad, frame, (x, y) in zip(masks, self.frames, self.positions, strict=True):
            near = binary_dilation(frame.cosmic > 0, np.ones((5, 5)))
            free = ~near[y, x]
            taken, cores = taken + bad[y[free], x[free]].sum(), cores + free.sum()
            strong = frame.cosmic > 5 * frame.err
            found, rays = found + (strong & bad).sum(), rays + strong.sum()
            wrong, clean = wrong + (bad & ~near).sum(), clean + (~near).sum()
        return int(taken), int(cores), float(found / rays), float(wrong / clean)

    def found(self, masks, least):
        """What part of the pixels with a cosmic ray of so many sigma a mask has."""
        rays = [frame.cosmic > least * frame.err for frame in self.frames]
        both = [np.count_nonzero(one & two) for one, two in zip(rays, masks, strict=True)]
        return sum(both) / sum(map(np.count_nonzero, rays))


def simulate(folder, camera, fwhm, shape=SHAPE, count=COUNT):
    """Exposures by a camera of the demo with stars of a width in pixels, up to 60 MJy/sr at their
    peaks.
    """
    plan = DemoPlan(exposures=count, chip_shape=shape)
    scene = _sharper(camera.scene(plan), fwhm)
    stars, frames, positions, skies = scene.sources[0], [], [], []
    sky_of_stars = scene.wcs.wcs_pix2world(stars.x, stars.y, 0)
    for index in range(count):
        frames.append(camera.frame(plan, index, scene))
        skies.append(camera.sky + STEP * index)
        x, y = camera.wcs(plan, index).world_to_pixel_values(*sky_of_stars)
        inside = np.isfinite(x) & np.isfinite(y)
        x, y = (np.rint(each[inside]).astype(int) for each in (x, y))
        whole = (x > 3) & (y > 3) & (x < shape[1] - 4) & (y < shape[0] - 4)
        positions.append((x[whole], y[whole]))
    return plan, Simulated(Path(folder), [], frames, positions, skies)


def _sharper(scene, fwhm):
    rng, (nx, ny), count = np.random.default_rng(5), scene.wcs.pixel_shape, 300
    peak, one = np.exp(rng.uniform(0, np.log(60.0), count)), np.ones(count)
    size = STAR_SIGMA * fwhm / 2.0 * one
    stars = Sources(
        star_profile,
        rng.uniform(0, nx, count),
        rng.uniform(0, ny, count),
        peak,
        size,
        8 * one,
        one,
        0 * one,
    )
    return replace(scene, sources=(stars, scene.sources[1]))


@contextlib.contextmanager
def working_in(folder):
    """The steps write into the working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.chdir(before)


# JWST.


def jwst_set(folder, fwhm, **size):
    """Write exposures with every plane as jwst's ImageModel does, their sky matched by its step
    skymatch.
    """
    from jwst import datamodels
    from jwst.skymatch.skymatch_step import SkyMatchStep

    plan, made = simulate(folder, NIRCAM, fwhm, **size)
    models = [_image_model(datamodels, plan, index, made) for index in range(plan.exposures)]
    with working_in(folder):
        library = SkyMatchStep(skymethod="global+match").process(datamodels.ModelLibrary(models))
        made.exposures.extend(save_jwst(library, folder, "cal"))
    return made


def _image_model(datamodels, plan, index, made):
    frame, facts, wcs = made.frames[index], NIRCAM.facts(plan, index), NIRCAM.wcs(plan, index)
    shape, read = plan.chip_shape, np.float32((NIRCAM.read_noise / NIRCAM.electrons) ** 2)
    model = datamodels.ImageModel(
        data=frame.sci + np.float32(STEP * index), err=frame.err, dq=frame.dq.astype("u4")
    )
    model.var_rnoise, model.var_flat = np.full(shape, read, "f4"), np.zeros(shape, "f4")
    model.var_poisson, model.area = (frame.err**2 - read).astype("f4"), np.ones(shape, "f4")
    corners = " ".join(f"{value:.9f}" for value in np.ravel(wcs.footprint()))
    values = {
        "wcs": wcs, "telescope": "JWST", "filename": f"{facts.root}_cal.fits",
        "bunit_data": "MJy/sr", "instrument.name": "NIRCAM", "instrument.detector": "NRCBLONG",
        "instrument.channel": "LONG", "instrument.filter": "F356W", "instrument.pupil": "CLEAR",
        "exposure.type": "NRC_IMAGE", "exposure.exposure_time": NIRCAM.exptime_s,
        "exposure.effective_exposure_time": NIRCAM.exptime_s,
        "exposure.measurement_time": NIRCAM.exptime_s, "exposure.start_time": 60000 + 0.01 * index,
        "exposure.end_time": 60000.005 + 0.01 * index,
        "photometry.conversion_megajanskys": NIRCAM.conversion,
        "photometry.pixelarea_steradians": np.radians(NIRCAM.scale / 3600) ** 2,
        "photometry.pixelarea_arcsecsq": NIRCAM.scale**2, "observation.date": "2027-07-14",
        "observation.time": "09:31:00", "wcsinfo.ra_ref": facts.ra, "wcsinfo.dec_ref": facts.dec,
        "wcsinfo.roll_ref": facts.orient, "wcsinfo.v2_ref": -89.4, "wcsinfo.v3_ref": -491.4,
        "wcsinfo.v3yangle": 0.0, "wcsinfo.vparity": -1,
        "wcsinfo.s_region": f"POLYGON ICRS  {corners}", "visit.tsovisit": False,
        "cal_step.assign_wcs": "COMPLETE", "cal_step.photom": "COMPLETE",
    }  # fmt: skip
    for name, value in values.items():
        model[f"meta.{name}"] = value
    return model


def save_jwst(library, folder, label):
    """Save the models of a library under their names with another label; return the paths."""
    paths = []
    with library:
        for index, model in enumerate(library):
            path = Path(folder) / model.meta.filename.replace("_cal", f"_{label}").replace(
                "_crf", f"_{label}"
            )
            model.save(path)
            paths.append(path)
            library.shelve(model, index, modify=False)
    return paths


def jwst_library(paths):
    from jwst import datamodels

    return datamodels.ModelLibrary([datamodels.open(path) for path in paths])


def jwst_outliers(made):
    """jwst's own outlier detection: its median as it saves it, and its flagged exposures."""
    from jwst.outlier_detection.outlier_detection_step import OutlierDetectionStep

    with working_in(made.folder):
        library = OutlierDetectionStep(save_intermediate_results=True).process(
            jwst_library(made.exposures)
        )
        flagged = save_jwst(library, made.folder, "pipeline")
    (median,) = made.folder.glob("*_median.fits")
    return median, flagged


def jwst_planes(made, **how):
    """The data and DQ of each exposure after jwst's outlier detection, nothing saved."""
    from jwst.outlier_detection.outlier_detection_step import OutlierDetectionStep

    with working_in(made.folder):
        library = OutlierDetectionStep(**how).process(jwst_library(made.exposures))
        return planes_of(library)


def planes_of(library):
    """The data and DQ of each model of a library."""
    planes = []
    with library:
        for index, model in enumerate(library):
            planes.append((np.array(model.data), np.array(model.dq)))
            library.shelve(model, index, modify=False)
    return planes


def jwst_mosaic(made, exposures, name):
    """jwst's own mosaic of exposures."""
    from jwst.resample.resample_step import ResampleStep

    with working_in(made.folder):
        model = ResampleStep().process(jwst_library(exposures))
        model.save(made.folder / name)
    return made.folder / name


def jwst_masks(paths):
    """What the pipeline took for outliers."""
    return [(fits.getdata(path, "DQ") & OUTLIER["jwst"]) > 0 for path in paths]


# Roman.


def roman_set(folder, fwhm, **size):
    """Write exposures as roman_datamodels' ImageModel does, in MJy/sr, after romancal's steps flux
    and skymatch.
    """
    from roman_datamodels import datamodels
    from romancal.datamodels import ModelLibrary
    from romancal.flux.flux_step import FluxStep
    from romancal.skymatch.skymatch_step import SkyMatchStep

    plan, made = simulate(folder, WFI, fwhm, **size)
    models = [_roman_model(datamodels, plan, index, made) for index in range(plan.exposures)]
    with working_in(folder):
        library = SkyMatchStep(subtract=False).process(FluxStep().process(ModelLibrary(models)))
        made.exposures.extend(save_roman(library, folder, "cal"))
    return made


def _roman_model(datamodels, plan, index, made):
    frame, facts, wcs = made.frames[index], WFI.facts(plan, index), WFI.wcs(plan, index)
    model = datamodels.ImageModel.create_fake_data(shape=plan.chip_shape)
    rate, read = np.float32(WFI.conversion), (WFI.read_noise / WFI.electrons / WFI.conversion) ** 2
    model.data = (np.nan_to_num(frame.sci) + np.float32(STEP * index)) / rate
    model.err, model.dq = (frame.err / rate).astype("f2"), frame.dq.astype("u4")
    model.var_poisson = ((frame.err / rate) ** 2 - read).clip(1e-4).astype("f2")
    model.var_rnoise = np.full(plan.chip_shape, read, "f2")
    corners = " ".join(f"{value:.9f}" for value in np.ravel(wcs.footprint()))
    places = {
        "ra_ref": facts.ra,
        "dec_ref": facts.dec,
        "roll_ref": facts.orient,
        "v2_ref": 0.0,
        "v3_ref": 0.0,
    }
    model.meta.cal_logs, model.meta.cal_step = [], {}
    steps = model.schema_info("required")["roman"]["meta"]["cal_step"]["required"].info
    model.meta.wcs, model.meta.filename = wcs, f"{facts.root}_cal.asdf"
    model.meta.wcsinfo.update(
        {**places, "v3yangle": 0.0, "vparity": -1, "s_region": f"POLYGON ICRS  {corners}"}
    )
    model.meta.exposure.update(
        {"effective_exposure_time": WFI.exptime_s, "exposure_time": WFI.exptime_s}
    )
    model.meta.photometry.update({"conversion_megajanskys": WFI.conversion, "pixel_area": 2.8e-13})
    model.meta.cal_step = dict.fromkeys(steps, "INCOMPLETE")
    return model


def save_roman(library, folder, label):
    """Save the models of a library under their names with another label; return the paths."""
    paths = []
    with library:
        for index, model in enumerate(library):
            path = Path(folder) / str(model.meta.filename).replace("_cal", f"_{label}").replace(
                "_crdq", f"_{label}"
            )
            model.save(path)
            paths.append(path)
            library.shelve(model, index, modify=False)
    return paths


def roman_outliers(made):
    """romancal's own outlier detection: its median as it saves it, and its flagged exposures."""
    from romancal.datamodels import ModelLibrary
    from romancal.outlier_detection import OutlierDetectionStep

    with working_in(made.folder):
        library = ModelLibrary([str(path) for path in made.exposures])
        library = OutlierDetectionStep(
            save_intermediate_results=True, resample_on_skycell=False
        ).process(library)
        flagged = save_roman(library, made.folder, "pipeline")
    (median,) = made.folder.glob("*_median.asdf")
    return median, flagged


def roman_planes(made, **how):
    """The data and DQ of each exposure after romancal's outlier detection, nothing saved."""
    from romancal.datamodels import ModelLibrary
    from romancal.outlier_detection import OutlierDetectionStep

    with working_in(made.folder):
        library = ModelLibrary([str(path) for path in made.exposures])
        return planes_of(OutlierDetectionStep(resample_on_skycell=False, **how).process(library))


def roman_mosaic(made, exposures, name):
    """romancal's own mosaic of exposures."""
    from romancal.datamodels import ModelLibrary
    from romancal.resample import ResampleStep

    with working_in(made.folder):
        library = ModelLibrary([str(path) for path in exposures])
        step = ResampleStep(resample_on_skycell=False)
        model = step.process(library)
        step.finalize_result(model, [])
        model.save(made.folder / name)
    return made.folder / name


def roman_masks(paths):
    """What the pipeline took for outliers."""
    from roman_datamodels import datamodels

    masks = []
    for path in paths:
        with datamodels.open(path) as model:
            masks.append((np.array(model.dq) & OUTLIER["roman"]) > 0)
    return masks
