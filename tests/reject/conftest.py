"""Everything that a run of reject can write, and a coadd of a ground-based camera."""

import camera
import pytest
from samples import digests

from skyblot import reject_files


@pytest.fixture(scope="session")
def made(demo, tmp_path_factory):
    """Everything that a run can write: the folder, the results, and what the inputs were before."""
    folder, before = tmp_path_factory.mktemp("made"), digests(demo.folder)
    results = reject_files(
        demo.median, demo.exposures, folder, save_blots=True, update_dq=True, clean=True
    )
    return folder, results, before


@pytest.fixture
def mosaic(tmp_path):
    return camera.mosaic(tmp_path / "coadd.fits")


@pytest.fixture
def run_reject(run):
    """Run ``skyblot reject ...`` in this process; return exit code, stdout and stderr."""

    def call(*arguments):
        code, said, errors = run("reject", *arguments)
        return code or 0, said, errors

    return call
