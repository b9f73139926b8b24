"""The survey: exposures with known truth, and SWarp's coadds of them, made once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reject"))  # star_fields

from swarp_survey import SWARP, WEATHER, coadd, make_exposure


@pytest.fixture(scope="session")
def survey(tmp_path_factory):
    """The folder and what is true of its exposures."""
    folder = tmp_path_factory.mktemp("survey")
    return folder, [make_exposure(folder, number) for number in range(len(WEATHER))]


@pytest.fixture(scope="session")
def swarp(survey):
    """A function that makes a coadd of the survey with SWarp; each is made once."""
    if SWARP is None:
        pytest.skip("SWarp is not installed")
    folder, truths = survey
    made = {}

    def make(kind="MEDIAN", **settings):
        key = (kind, *settings.items())
        if key not in made:
            made[key] = coadd(folder, truths, kind, name=f"coadd{len(made)}.fits", **settings)
        return made[key]

    return make
