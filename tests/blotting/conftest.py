"""A mosaic, and a distorted target in it."""

import numpy as np
import pytest
from builders import demo_pair, sky_image

import skyblot


@pytest.fixture(scope="session")
def scene():
    """Source image and WCS of a mosaic, and the WCS of a distorted target that it covers but for a
    corner.
    """
    target, source = demo_pair()
    source = source.slice((slice(60, None), slice(None)))
    image = sky_image(source.array_shape)
    covered = skyblot.blot(np.ones_like(image), source, target, interp="nearest")
    assert 0.5 < covered.mean() < 0.99
    return image, source, target
