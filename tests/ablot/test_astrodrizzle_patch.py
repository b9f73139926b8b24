"""AstroDrizzle: patch_drizzlepac."""

import sys
import types

import pytest
from drizzle_run import Steps, blot_of, config
from task_data import assert_same

from skyblot import ablot
from skyblot.errors import SkyblotError

PATCHED = ("blot", "do_blot", "runBlot", "run_blot", "run", "buildBlotParamDict")


@pytest.fixture
def drizzlepac(monkeypatch):
    """A stand-in for DrizzlePac; AstroDrizzle looks runBlot up when it is called."""
    package, module = types.ModuleType("drizzlepac"), types.ModuleType("drizzlepac.ablot")
    package.ablot = module
    for name in PATCHED:
        setattr(module, name, lambda *args, name=name: f"their {name}")
    module.STEP_NUM = 5
    monkeypatch.setitem(sys.modules, "drizzlepac", package)
    monkeypatch.setitem(sys.modules, "drizzlepac.ablot", module)
    return module


def theirs(module):
    return [getattr(module, name)() for name in PATCHED] == [f"their {name}" for name in PATCHED]


def ours(module):
    return all(getattr(module, name) is getattr(ablot, name) for name in PATCHED)


def test_patch_and_undo(drizzlepac):
    assert theirs(drizzlepac)
    patch = ablot.patch_drizzlepac()
    assert ours(drizzlepac)
    patch.undo()
    assert theirs(drizzlepac)
    patch.undo()
    assert theirs(drizzlepac)


def test_patch_in_a_with_block(drizzlepac, run):
    with ablot.patch_drizzlepac() as patch:
        assert ours(drizzlepac)
        assert patch is not None
        drizzlepac.runBlot([run.image()], run.output_wcs, config(), wcsmap=None, procSteps=Steps())
    assert_same(blot_of(), run.wanted())
    assert theirs(drizzlepac)
    with pytest.raises(RuntimeError, match="mine"), ablot.patch_drizzlepac():
        raise RuntimeError("mine")
    assert theirs(drizzlepac)


def test_patch_twice(drizzlepac):
    with ablot.patch_drizzlepac():
        with ablot.patch_drizzlepac():
            assert ours(drizzlepac)
        assert ours(drizzlepac)
    assert theirs(drizzlepac)


def test_patch_without_drizzlepac(monkeypatch):
    monkeypatch.setitem(sys.modules, "drizzlepac", None)
    with pytest.raises(SkyblotError, match="DrizzlePac is not installed"):
        ablot.patch_drizzlepac()
