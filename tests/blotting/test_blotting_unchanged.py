"""blot(): neither WCS nor arrays change, whatever fails."""

import numpy as np
import pytest
from builders import demo_pair, mosaic_for, no_sky, singular, sky_image, tangent

import skyblot
from skyblot.errors import DataError, ParameterError, WCSError
from skyblot.pixelmap import plan_map
from skyblot.pixelmap.patches import PatchMap


def facts(wcs):
    """Everything a WCS holds, without setting it up: `to_header` and printing would."""
    inner = wcs.wcs
    names = ["crval", "crpix", "lonpole", "latpole", "radesys", "equinox", "restfrq", "name"]
    found = {name: np.array(getattr(inner, name)) for name in names}
    found["ctype"], found["cunit"] = list(inner.ctype), [str(unit) for unit in inner.cunit]
    found["cd"] = inner.cd.copy() if inner.has_cd() else None
    found["pc"] = (inner.pc.copy(), inner.cdelt.copy()) if inner.has_pc() else None
    found["pv"] = inner.get_pv()
    found["shape"] = wcs.pixel_shape
    for name in ("cpdis1", "cpdis2", "det2im1", "det2im2"):
        table = getattr(wcs, name)
        found[name] = table and (
            id(table),
            table.data.copy(),
            table.crpix,
            table.crval,
            table.cdelt,
        )
    found["sip"] = wcs.sip and (
        id(wcs.sip),
        wcs.sip.a.copy(),
        wcs.sip.b.copy(),
        wcs.sip.crpix.copy(),
    )
    return found


def assert_unchanged(before, wcs):
    after = facts(wcs)
    assert before.keys() == after.keys()
    np.testing.assert_equal(after, before)


def wcs_pairs():
    target, source = demo_pair()
    yield "closed form", source, target
    yield (
        "other frame",
        tangent((10.0, 20.0), ctype=("GLON-TAN", "GLAT-TAN"), radesys=""),
        tangent(),
    )
    yield "evaluated", tangent(ctype=("RA---CAR", "DEC--CAR")), tangent(orient=5.0)
    yield "distorted source", target, target


@pytest.mark.parametrize("case", range(4))
@pytest.mark.parametrize("stepsize", [None, 10])
def test_neither_wcs_nor_array_changes(case, stepsize):
    _, source, target = list(wcs_pairs())[case]
    image = sky_image(source.array_shape).astype(">f4")
    before, image_before = [facts(source), facts(target)], image.copy()
    skyblot.blot(image, source, target, stepsize=stepsize)
    skyblot.pixel_map(target, source, stepsize=stepsize)
    assert_unchanged(before[0], source)
    assert_unchanged(before[1], target)
    assert np.array_equal(image, image_before)
    # And what it says of itself is what an untouched twin says.
    twin = list(wcs_pairs())[case]
    assert repr(source.to_header(relax=True)) == repr(twin[1].to_header(relax=True))
    assert repr(target.to_header(relax=True)) == repr(twin[2].to_header(relax=True))


def test_real_wcs_do_not_change(real_wcs):
    target = real_wcs("uvis1")
    source = mosaic_for(target)
    before = [facts(source), facts(target), repr(target.to_header(relax=True))]
    skyblot.pixel_map(target, source, shape=(20, 30))
    assert_unchanged(before[0], source)
    assert_unchanged(before[1], target)
    assert repr(target.to_header(relax=True)) == before[2]


def test_nothing_changes_when_the_call_fails():
    target, source = demo_pair()
    image = sky_image(source.array_shape)
    out = np.full(target.array_shape, 11.0, np.float32)
    before, image_before = [facts(source), facts(target)], image.copy()
    failing = [
        {"interp": "poly7"}, {"stepsize": -3}, {"tolerance": 0}, {"threads": 0}, {"scale": np.nan},
        {"fill_value": "much"}, {"shape": (0, 3)}, {"shape": (3, 3)},
        {"sinscl": 0.3, "interp": "sinc"},
    ]  # fmt: skip
    for arguments in failing:
        with pytest.raises(ParameterError):
            skyblot.blot(image, source, target, out=out, **arguments)
    for bad in (image[0], image.astype(complex), image.astype("i4")):
        with pytest.raises(DataError):
            skyblot.blot(bad, source, target, out=out)
    for bad in ((singular(), target), (source, singular()), (None, target), (source, no_sky())):
        with pytest.raises(WCSError):
            skyblot.blot(image, *bad, out=out, shape=target.array_shape)
    assert (out == 11.0).all()
    assert_unchanged(before[0], source)
    assert_unchanged(before[1], target)
    assert np.array_equal(image, image_before)


def test_an_error_in_the_middle_leaves_the_inputs(monkeypatch):
    target, source = tangent(), tangent(ctype=("RA---CAR", "DEC--CAR"))
    assert isinstance(plan_map(target, source, (80, 100), None, 1e-4), PatchMap)
    image = sky_image((80, 100))
    before, image_before = [facts(source), facts(target)], image.copy()

    def fail(*_):
        raise RuntimeError("in a band")

    monkeypatch.setattr(PatchMap, "rows", fail)
    for threads in (1, 3):
        with pytest.raises(RuntimeError, match="in a band"):
            skyblot.blot(image, source, target, threads=threads)
    assert_unchanged(before[0], source)
    assert_unchanged(before[1], target)
    assert np.array_equal(image, image_before)
