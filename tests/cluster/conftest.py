"""A cluster of this machine, and the files of a run without one."""

import logging

import pytest
from samples import CHIP_SHAPE, digests

from skyblot import blot_files, make_demo


@pytest.fixture(scope="module")
def client():
    """Two workers with a thread each; an exposure is given up when it has killed two."""
    import dask
    import distributed

    how = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "memory_limit": 0,
        "dashboard_address": "127.0.0.1:0",
    }
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(silence_logs=logging.CRITICAL, **how) as local,
        distributed.Client(local, set_as_default=False) as connected,
    ):
        yield connected


@pytest.fixture
def at_rename(client):
    """Let something happen in the workers of the cluster."""
    from cluster_runs import AtRename

    yield lambda what: client.register_plugin(AtRename(what), name="at-rename")
    client.unregister_worker_plugin("at-rename")


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo"), exposures=4, chip_shape=CHIP_SHAPE)


@pytest.fixture(scope="session")
def expected(demo, tmp_path_factory):
    """Hashes of the blots of a local run."""
    folder = tmp_path_factory.mktemp("local")
    blot_files(demo.median, demo.exposures, folder)
    return digests(folder)
