"""What is said of coordinate systems that fail where they are asked."""

import re
import types

import numpy as np
import pytest
from builders import gwcs_like, tangent
from samples import texture

import skyblot
from skyblot.errors import WCSError
from skyblot.io.gwcs import agrees
from skyblot.pixelmap.linear import touching_tangent


def low_level(**changes):
    """A gwcs behind the APE 14 methods only, some of which are replaced."""
    wcs = gwcs_like(tangent(), bounded=False)
    names = (
        "pixel_n_dim",
        "world_axis_physical_types",
        "world_axis_units",
        "world_axis_object_classes",
        "array_shape",
    )
    methods = ("pixel_to_world_values", "world_to_pixel_values")
    return types.SimpleNamespace(
        **{name: getattr(wcs, name) for name in (*names, *methods)} | changes
    )


def fails(*_):
    raise ZeroDivisionError("float division\nby zero")


def test_the_wcs_of_these_tests_is_good_as_it_is():
    x, y = skyblot.pixel_map(low_level(), tangent(), shape=(80, 100))
    np.testing.assert_allclose([x, y], np.indices((80, 100))[::-1], rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"world_axis_object_classes": {}}, "the target: its WCS names no celestial frame"),
        (
            {"pixel_to_world_values": fails},
            "the target: its WCS cannot be evaluated: float division by zero",
        ),
        (
            {"world_axis_units": ("deg", "um")},
            "the target's WCS: has world units 'deg', 'um', expected angles",
        ),
        (
            {"pixel_n_dim": 3},
            "the target: its WCS maps 3 pixel axes to pos.eq.ra, pos.eq.dec: "
            "expected two pixel axes to longitude and latitude",
        ),
    ],
)
def test_a_target_that_cannot_be_used(changes, sentence):
    with pytest.raises(WCSError, match=f"^{re.escape(sentence)}$"):
        skyblot.pixel_map(low_level(**changes), tangent(), shape=(80, 100))


def test_a_source_that_cannot_be_inverted():
    with pytest.raises(
        WCSError, match=r"^the source: its WCS cannot be inverted: float division by zero$"
    ):
        skyblot.blot(texture((80, 100)), low_level(world_to_pixel_values=fails), tangent())


def test_a_gwcs_that_cannot_be_compared_with_its_header():
    plain = tangent()
    assert agrees(low_level(array_shape=(80, 100)), plain, "a_i2d.fits[sci,1]")
    with pytest.raises(
        WCSError,
        match=r"^a_i2d\.fits\[sci,1\]: its gwcs cannot be evaluated: float division by zero$",
    ):
        agrees(
            low_level(array_shape=(80, 100), pixel_to_world_values=fails),
            plain,
            "a_i2d.fits[sci,1]",
        )


def test_no_sky_around_the_central_pixel():
    def nowhere(x, y):
        return np.full(np.shape(x), np.nan), np.full(np.shape(x), np.nan)

    sentence = "the WCS has no sky position around its central pixel, (49.5, 39.5)"
    with pytest.raises(WCSError, match=f"^{re.escape(sentence)}$"):
        touching_tangent(low_level(array_shape=(80, 100), pixel_to_world_values=nowhere))
