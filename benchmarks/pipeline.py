"""The steps of calwebb_image3 from exposures to a mosaic, without CRDS: ``python pipeline.py OUTPUT
EXPOSURE...``, in an environment that has jwst.

Exposures are the demo's: what the steps ask for besides is added when they are opened.
"""

import logging
import sys
import warnings

import numpy as np
from jwst import datamodels
from jwst.outlier_detection.outlier_detection_step import OutlierDetectionStep
from jwst.resample.resample_step import ResampleStep
from jwst.skymatch.skymatch_step import SkyMatchStep


def completed(path: str) -> datamodels.ImageModel:
    """Open an exposure of the demo as one of the pipeline's."""
    model = datamodels.open(path)
    values = {
        "wcsinfo.v2_ref": -89.4,
        "wcsinfo.v3_ref": -491.4,
        "wcsinfo.v3yangle": 0.0,
        "wcsinfo.vparity": -1,
        "exposure.type": "NRC_IMAGE",
        "visit.tsovisit": False,
        "cal_step.assign_wcs": "COMPLETE",
        "cal_step.photom": "COMPLETE",
    }
    for name, value in values.items():
        model[f"meta.{name}"] = value
    model.var_rnoise = np.full(model.data.shape, np.nanmin(model.err) ** 2, "f4")
    model.var_poisson = model.err**2 - model.var_rnoise
    model.var_flat = np.zeros(model.data.shape, "f4")
    return model


def main() -> None:
    """Match the sky, find outliers, resample."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    output, *exposures = sys.argv[1:]
    library = datamodels.ModelLibrary([completed(path) for path in exposures])
    library = SkyMatchStep(skymethod="global+match").process(library)
    library = OutlierDetectionStep().process(library)
    ResampleStep().process(library).save(output)


main()
