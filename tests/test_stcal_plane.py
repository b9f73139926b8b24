"""stcal's signature with WCS whose output is a plane, gwcs' Frame2D, and not the sky."""

import numpy as np
import pytest
from builders import tangent

from skyblot.compat.stcal import gwcs_blot
from skyblot.errors import WCSError

gwcs = pytest.importorskip("gwcs")


def plane(shape, transform, unit="pix"):
    """A gwcs from pixels to a plane."""
    from astropy import units as u
    from gwcs import coordinate_frames as cf

    frames = [
        cf.Frame2D(name=name, axes_order=(0, 1), unit=(u.Unit(unit),) * 2)
        for name in ("detector", "world")
    ]
    made = gwcs.WCS([(frames[0], transform), (frames[1], None)])
    made.array_shape = shape
    return made


def shifted(shape, dx, dy, **more):
    from astropy.modeling import models as m

    return plane(shape, m.Shift(dx) & m.Shift(dy), **more)


def test_a_blot_between_planes_is_that_of_the_two_transforms():
    median = np.random.default_rng(1).normal(5, 1, (40, 50)).astype(np.float32)
    blot = gwcs_blot(median, shifted((40, 50), 10.0, 20.0), (20, 30), shifted((20, 30), 13.0, 24.5))
    wanted = (median[4:24, 3:33].astype(float) + median[5:25, 3:33]) / 2
    np.testing.assert_allclose(blot, wanted, rtol=1e-6)


def test_a_rotated_plane():
    from astropy.modeling import models as m

    turned = plane((30, 30), m.Shift(-14.5) & m.Shift(-14.5) | m.Rotation2D(90))
    median = np.arange(900, dtype=np.float32).reshape(30, 30)
    blot = gwcs_blot(median, plane((30, 30), m.Shift(-14.5) & m.Shift(-14.5)), (30, 30), turned)
    np.testing.assert_allclose(blot[1:-1, 1:-1], np.rot90(median)[1:-1, 1:-1], atol=0.01)


@pytest.mark.parametrize(
    "other", [lambda: tangent(shape=(20, 30)), lambda: shifted((20, 30), 1.0, 2.0, unit="arcsec")]
)
def test_a_plane_goes_with_the_same_plane_only(other):
    median = np.ones((40, 50), np.float32)
    for pair in ((shifted((40, 50), 0.0, 0.0), other()), (other(), shifted((20, 30), 0.0, 0.0))):
        with pytest.raises(
            WCSError, match="custom:x, custom:y: expected two pixel axes to longitude and latitude"
        ):
            gwcs_blot(median, pair[0], (20, 30), pair[1])
