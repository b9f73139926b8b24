"""What is said before a run begins, and on a cluster, without one."""

import logging
import re
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from samples import rewrite, tasks_of, texture, write_sci

import skyblot
from skyblot import Failure, Parameters, RunOptions, reject_files
from skyblot.cli import main
from skyblot.cli.reports import check_report
from skyblot.errors import FileError, ParameterError, SkyblotError
from skyblot.io.atomic import file_identity
from skyblot.io.names import parse_name
from skyblot.runs import cluster
from skyblot.steps.blot import Blot

WORKER = SimpleNamespace(address="tcp://node1:40123")


@pytest.fixture
def visit(tmp_path):
    """A mosaic and an exposure; both are the same image."""
    for name in ("med.fits", "one_flt.fits"):
        write_sci(tmp_path / name, texture((40, 50)), primary={"EXPTIME": 1.0})
    return tmp_path


def said(kind, sentence):
    """Expect an error with just this sentence."""
    return pytest.raises(kind, match=f"^{re.escape(sentence)}$")


# ---- the command line ----------------------------------------------------------------------------


def test_check_needs_a_file(capsys):
    with pytest.raises(SystemExit) as end:
        main(["config", "--check"])
    assert end.value.code == 2
    assert "Error: --check needs the FILE to validate" in capsys.readouterr().err


def test_a_report_is_a_page(visit):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    with said(ParameterError, "--report blots.pdf: expected the name of a page to write, .html"):
        check_report("blots.pdf", Parameters(), overwrite=False)
    with pytest.raises(
        ParameterError, match=r"^--report compares .* another WCS \(--outscale, --orient, "
    ):
        check_report("blots.html", Parameters().override({"outscale": 0.05}), overwrite=False)


# ---- comparisons ---------------------------------------------------------------------------------


def test_a_comparison_is_made_on_the_exposures_own_pixels(visit):
    sentence = "outscale, orient: not for a comparison, which is made on the exposure's own pixels"
    with said(ParameterError, sentence):
        parameters = Parameters().override({"outscale": 0.1, "orient": 3.0})
        reject_files(visit / "med.fits", [visit / "one_flt.fits"], visit, parameters=parameters)


def test_two_exposures_of_one_name(visit):
    """Their masks have different names here, but the copies of the two files have not."""
    other = visit / "b" / "one_flc.fits"
    other.parent.mkdir()
    rewrite(visit / "one_flt.fits", other, lambda hdus: hdus["SCI"].header.update(EXTVER=2))
    sentence = (
        f"{visit}/one_crclean.fits: two references would be written to this file; take them one by "
        "one"
    )
    with said(FileError, sentence):
        reject_files(visit / "med.fits", [visit / "one_flt.fits", other], visit, clean=True)


# ---- clusters ------------------------------------------------------------------------------------


class Nobody:
    """A cluster without workers."""

    def nthreads(self):
        return {}


def test_a_cluster_without_workers(visit, caplog):
    plan = skyblot.plan_blots(visit / "med.fits", [visit / "one_flt.fits"], visit, client="local")
    next_step = pytest.raises(AttributeError, match="map")  # which Nobody can do
    with caplog.at_level(logging.WARNING, "skyblot"), next_step:
        list(cluster._run(Nobody(), plan))
    assert caplog.messages == [
        "the cluster has no workers yet: the run begins when the first one is there"
    ]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CancelledError("blot-1"), "one_flt.fits: was cancelled on the cluster: blot-1"),
        (
            ModuleNotFoundError("No module named 'skyblot'"),
            "a worker cannot import skyblot, it has to be installed on all of them: No module "
            "named 'skyblot'",
        ),
    ],
)
def test_errors_of_dask_are_explained(error, sentence):
    explained = cluster.explained(error, "one_flt.fits")
    assert type(explained) is SkyblotError
    assert str(explained) == sentence
    other = ValueError("as it is")
    assert cluster.explained(other, "one_flt.fits") is other


def test_workers_that_do_not_start(monkeypatch):
    distributed = pytest.importorskip("distributed")

    def fails(**_):
        raise RuntimeError("Nanny failed\nto start")

    monkeypatch.setattr(distributed, "LocalCluster", fails)
    with pytest.raises(
        SkyblotError, match=r"did not start \(in a script, .*__main__\"\): Nanny failed to start$"
    ):
        cluster._local_cluster(1)


# ---- workers -------------------------------------------------------------------------------------


@pytest.fixture
def run(visit):
    """What a worker is told of a run."""
    worker = pytest.importorskip("skyblot.runs.worker")
    identity = file_identity(visit / "med.fits")
    return worker.Job(
        str(visit / "med.fits"),
        Blot(),
        RunOptions(),
        str(visit),
        identity,
        True,
        ("host", 1),
        skyblot.__version__,
    )


def test_another_version_on_a_worker(run):
    from skyblot.runs.worker import check_version

    check_version(run.version, WORKER)
    with said(
        SkyblotError,
        f"the worker tcp://node1:40123 has skyblot {skyblot.__version__}, not 99.0 as the process "
        "that started the run: install the same on both",
    ):
        check_version("99.0", WORKER)


def test_files_that_a_worker_does_not_have(run, visit):
    from skyblot.runs.worker import _check_shared

    tasks = tasks_of([visit / "one_flt.fits"], visit)
    _check_shared(visit / "med.fits", tasks, run, WORKER)
    (visit / "one_flt.fits").unlink()
    sentence = (
        f"{visit}/one_flt.fits: is not there on the worker tcp://node1:40123; all workers have to "
        "share the files"
    )
    with said(FileError, sentence):
        _check_shared(visit / "med.fits", tasks, run, WORKER)


def test_a_mosaic_that_changes_meanwhile(run, visit):
    from skyblot.runs.worker import _check_shared

    with open(visit / "med.fits", "ab") as stream:
        stream.write(b"more")
    with said(FileError, f"{visit}/med.fits: has changed since the run began"):
        _check_shared(visit / "med.fits", [], run, WORKER)


def test_an_error_that_cannot_be_sent_comes_back_as_its_sentence():
    from skyblot.runs.worker import _as_asked
    from skyblot.steps.base import Task

    class Local(Exception):
        """Not to be found by pickle."""

    outcome = Failure("one_flt.fits", "one_flt.fits: lost", Local("lost"))
    task = Task(parse_name("visit/one_flt.fits"), Path("one_sci1_blt.fits"))
    given = _as_asked(outcome, {"one_flt.fits": task}, resume=False)
    assert type(given.error) is SkyblotError
    assert str(given.error) == "one_flt.fits: lost"
    assert given.reference == "visit/one_flt.fits"


def test_an_array_of_another_shape():
    with said(skyblot.DataError, "blot: has shape (2, 3), expected that of the exposure, (4, 3)"):
        skyblot.reject(np.ones((4, 3)), np.ones((2, 3)), np.ones((4, 3)))
