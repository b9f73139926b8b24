"""What there is to see for the tests of what exposures have in common."""

import numpy as np
import pytest
from sky_camera import field, giant, nebula


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
