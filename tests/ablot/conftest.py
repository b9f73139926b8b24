"""The demo's smallest data set, as the ablot task and AstroDrizzle see it."""

import pytest
import task_data
from drizzle_run import Run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, task_data.demo_pair(folder)


@pytest.fixture
def pair(made, monkeypatch):
    """The names of a mosaic and an exposure; the current folder holds nothing else."""
    folder, names = made
    kept = {name.partition("[")[0] for name in (names.data, names.reference)}
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    monkeypatch.chdir(folder)
    return names


@pytest.fixture
def run(made, monkeypatch):
    folder, names = made
    monkeypatch.chdir(folder)
    for path in folder.glob("*_blt.fits"):
        path.unlink()
    return Run(names)
