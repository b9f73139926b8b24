"""What there is to see for the tests of what exposures have in common."""

from contextlib import ExitStack

import numpy as np
import pytest
from sky_camera import field, giant, nebula

from skyblot.api.clean import plan_clean
from skyblot.demo import make_demo
from skyblot.mosaics.chips import open_chips
from skyblot.mosaics.matching import Surveyed


@pytest.fixture(scope="session")
def scenes():
    """What there is to see, by name: rates at common positions."""
    return {
        "empty": lambda x, y: np.zeros_like(x),
        "stars": field(1),
        "crowded": field(6),
        "nebula": nebula,
        "giant": giant,
    }


class Opened:
    """The chips of a small set, ready to be stacked, and their mosaic."""

    def __init__(self, exposures, folder, stack):
        self.plan = plan_clean(exposures, folder, mosaic=False)
        self.frame = self.plan.frame
        recipe, planes = self.plan.step.recipe, self.plan.step.planes
        chips = open_chips(self.plan.images, stack, recipe, planes)
        surveyed = Surveyed([chip.placed(self.frame, recipe) for chip in chips])
        list(surveyed.survey(2))
        self.chips = surveyed.matched(self.frame, "match")


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Four small exposures, and their truth."""
    return make_demo(tmp_path_factory.mktemp("small"), exposures=4, chip_shape=(200, 320))


@pytest.fixture(scope="session")
def opened(small, tmp_path_factory):
    """The chips of the small set, open."""
    with ExitStack() as stack:
        yield Opened(small.exposures, tmp_path_factory.mktemp("opened") / "out", stack)
