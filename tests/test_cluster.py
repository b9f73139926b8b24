"""A Dask cluster: the same files as without one, whatever happens to its workers."""

import logging
import os
import pickle
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from astropy.io import fits
from samples import CHIP_SHAPE, digests, rewrite

import skyblot
from skyblot import BatchError, SkyblotWarning, blot_files, cluster, make_demo
from skyblot.batch import Failure, Options
from skyblot.errors import DataError, FileError, ParameterError
from skyblot.exposure import BlotResult, Settings
from skyblot.files import plan_outputs
from skyblot.io import atomic

dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")

#: Dask's own: what it leaves to the garbage collector when workers are killed and clusters closed.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(distributed|tornado|dask).*"),
]
#: Pixels of one blot, in bytes.
BLOT_BYTES = 4 * CHIP_SHAPE[0] * CHIP_SHAPE[1]


class AtRename(distributed.WorkerPlugin):
    """In each worker, something happens when a blot is complete, under its temporary name."""

    def __init__(self, what):
        self.what = what

    def setup(self, worker):
        self.rename = atomic._rename
        atomic._rename = self

    def teardown(self, worker):
        atomic._rename = self.rename

    def __call__(self, temporary, path, *, overwrite):
        self.what(path)
        self.rename(temporary, path, overwrite=overwrite)


class Kill:
    """Kill the worker at a blot, once or always."""

    def __init__(self, name, deaths, once):
        self.name, self.deaths, self.once = name, deaths, once

    def __call__(self, path):
        if path.name == self.name and not (self.once and self.deaths.exists()):
            with self.deaths.open("a") as record:
                record.write("x")
            os.kill(os.getpid(), signal.SIGKILL)


class Wait:
    """Blots of all exposures but one wait for a file."""

    def __init__(self, but, gate):
        self.but, self.gate = but, gate

    def __call__(self, path):
        while not (path.name.startswith(self.but) or self.gate.exists()):
            time.sleep(0.01)


@pytest.fixture(scope="module")
def client():
    """Two workers with a thread each; an exposure is given up when it has killed two."""
    how = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": 0, "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(silence_logs=logging.CRITICAL, **how) as local,
        distributed.Client(local, set_as_default=False) as connected,
    ):
        yield connected


@pytest.fixture
def at_rename(client):
    """Let something happen in the workers of the cluster."""
    yield lambda what: client.register_plugin(AtRename(what), name="at-rename")
    client.unregister_worker_plugin("at-rename")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo"), exposures=4, chip_shape=CHIP_SHAPE)


@pytest.fixture(scope="module")
def expected(demo, tmp_path_factory):
    """Hashes of the blots of a local run."""
    folder = tmp_path_factory.mktemp("local")
    blot_files(demo.median, demo.exposures, folder)
    return digests(folder)


def run(demo, folder, client, *, options=None, settings=None, on_plan=lambda plan: None, references=None):
    """A run on a cluster: its outcomes."""
    outcomes = []
    tasks = plan_outputs(references or demo.exposures, folder)
    how = settings or Settings(), options or Options()
    cluster.run_on_cluster(demo.median, tasks, *how, outcomes.append, on_plan, client)
    return outcomes


def failures_of(outcomes):
    return {each.reference: each.reason for each in outcomes if isinstance(each, Failure)}


# The same files.


def test_files_are_those_of_a_local_run(demo, expected, client, tmp_path):
    results = blot_files(demo.median, demo.exposures, tmp_path, client=client)
    assert digests(tmp_path) == expected
    assert [each.path for each in results] == [task.path for task in plan_outputs(demo.exposures, tmp_path)]
    assert all(each.shape == CHIP_SHAPE and not each.kept for each in results)


def test_a_cluster_can_be_named_by_its_address(demo, expected, client, tmp_path):
    blot_files(demo.median, demo.exposures[:1], tmp_path, client=client.cluster.scheduler_address)
    assert digests(tmp_path).items() <= expected.items()
    assert len(digests(tmp_path)) == 2
    assert client.status == "running"


def test_a_cluster_of_this_machine_lasts_as_long_as_the_run_and_hands_warnings_over(demo, tmp_path):
    def forget_sky(hdus):
        for hdu in hdus:
            hdu.header.remove("MDRIZSKY", ignore_missing=True)

    references = [rewrite(each, tmp_path / each.name, forget_sky) for each in demo.exposures[:2]]
    for name in ("local", "dask"):
        (tmp_path / name).mkdir()
    with pytest.warns(SkyblotWarning, match="MDRIZSKY"):
        blot_files(demo.median, references, tmp_path / "local")
    with pytest.warns(SkyblotWarning, match="MDRIZSKY") as caught:
        blot_files(demo.median, references, tmp_path / "dask", client="local", threads=2, memory="1G")
    assert len({str(each.message) for each in caught}) == 4  # one a chip
    assert digests(tmp_path / "dask") == digests(tmp_path / "local")


@pytest.mark.parametrize("exposures", [1, 3], ids=["alone on its worker", "several at once"])
def test_workers_with_several_threads(demo, expected, tmp_path, exposures):
    how = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with (
        distributed.LocalCluster(memory_limit=0, **how) as local,
        distributed.Client(local, set_as_default=False) as connected,
    ):
        blot_files(demo.median, demo.exposures[:exposures], tmp_path, client=connected)
    assert len(digests(tmp_path)) == 2 * exposures
    assert digests(tmp_path).items() <= expected.items()


def test_relative_names_begin_where_the_run_was_started(demo, client, tmp_path, monkeypatch):
    """The workers, which were started elsewhere, write absolute names into the headers: nothing else differs."""
    shutil.copytree(demo.median.parent, tmp_path / "set")
    monkeypatch.chdir(tmp_path / "set")
    for name in ("local", "dask"):
        Path(name).mkdir()
    median, exposure = demo.median.name, demo.exposures[0].name
    local = blot_files(median, [exposure], "local")
    there = blot_files(median, [exposure], "dask", client=client)
    assert [each.path for each in there] == [Path("dask") / each.path.name for each in local]
    for one, other in zip(local, there, strict=True):
        difference = fits.FITSDiff(one.path, other.path, ignore_keywords=["BLOTSRC", "BLOTREF"])
        assert difference.identical, difference.report()
    assert blot_files(median, [exposure], "dask", client=client, resume=True)[0].kept


# What goes over the network.


def test_no_pixels_go_through_the_scheduler(demo, client, tmp_path, monkeypatch):
    sent, received = [], []
    submit = client.map

    def weighed(result):
        def wrapper():
            value = result()
            received.append(len(pickle.dumps(value)))
            return value

        return wrapper

    def spy(function, *iterables, **more):
        sent.extend(len(pickle.dumps((function, each, more))) for each in zip(*iterables, strict=True))
        futures = submit(function, *iterables, **more)
        for future in futures:
            future.result = weighed(future.result)
        return futures

    monkeypatch.setattr(client, "map", spy)
    run(demo, tmp_path, client)
    assert len(sent) == len(received) == len(demo.exposures)  # all chips of one file together
    assert max(sent) < BLOT_BYTES / 10
    assert max(received) < BLOT_BYTES / 10


# What is there already.


def test_resume_makes_what_is_missing_or_was_made_otherwise(demo, expected, client, tmp_path):
    blot_files(demo.median, demo.exposures[:3], tmp_path)
    blot_files(demo.median, demo.exposures[2:3], tmp_path, overwrite=True, interp="linear")
    first = sorted(expected)[0]
    (tmp_path / first).unlink()
    plans = []
    outcomes = run(demo, tmp_path, client, options=Options(resume=True), on_plan=plans.append)
    assert digests(tmp_path) == expected
    kept = {each.path.name for each in outcomes if each.kept}
    assert kept == {name for name in sorted(expected)[:4] if name != first}
    assert plans[0].kept == 3
    assert sum(len(group.members) for group in plans[0].groups) == 5
    assert all(each.kept for each in run(demo, tmp_path, client, options=Options(resume=True)))


def test_outputs_that_cannot_be_written_are_refused_before_any_work(demo, client, tmp_path):
    blot = tmp_path / plan_outputs(demo.exposures, tmp_path)[-1].path.name
    blot.write_bytes(b"mine")
    with pytest.raises(FileError, match="exists already"):
        run(demo, tmp_path, object())
    assert digests(tmp_path).keys() == {blot.name}
    copy = shutil.copy(demo.exposures[0], tmp_path)
    task = plan_outputs([copy], tmp_path)[0]._replace(path=Path(copy))
    with pytest.raises(FileError, match="is an input file"):
        cluster.run_on_cluster(demo.median, [task], Settings(), Options(resume=True), print, client=client)


def test_a_dry_run_needs_no_cluster(demo, tmp_path):
    plans = []
    assert run(demo, tmp_path, "tcp://nowhere:1", options=Options(dry_run=True), on_plan=plans.append) == []
    assert sum(len(group.members) for group in plans[0].groups) == 2 * len(demo.exposures)
    assert digests(tmp_path) == {}


# Exposures that cannot be blotted.


@pytest.fixture
def bad(demo, tmp_path_factory):
    """Exposures without a WCS, which is seen before work begins, and without a time, which is seen by the worker."""
    folder = tmp_path_factory.mktemp("bad")

    def lose_wcs(hdus):
        hdus["SCI", 1].header["CTYPE1"] = "LINEAR"

    def lose_time(hdus):
        for hdu in hdus:
            if "EXPTIME" in hdu.header:
                hdu.header["EXPTIME"] = -1.0

    return [
        rewrite(demo.exposures[0], folder / "nowcs_flc.fits", lose_wcs),
        rewrite(demo.exposures[0], folder / "notime_flc.fits", lose_time),
    ]


def test_bad_exposures_are_reported_by_name_and_the_others_are_blotted(demo, expected, client, tmp_path, bad):
    with pytest.raises(BatchError) as caught:
        blot_files(demo.median, [bad[0], *demo.exposures, bad[1]], tmp_path, client=client)
    reasons = {each.reference: each.reason for each in caught.value.failures}
    assert sorted(reasons) == sorted([f"{bad[0]}[sci,1]", f"{bad[1]}[sci,1]", f"{bad[1]}[sci,2]"])
    assert "its WCS cannot be read" in reasons[f"{bad[0]}[sci,1]"]
    assert "EXPTIME" in reasons[f"{bad[1]}[sci,1]"]
    assert {type(each.error) for each in caught.value.failures} <= {DataError, skyblot.WCSError}
    made = digests(tmp_path)
    assert made.pop("nowcs_sci2_blt.fits")
    assert made == expected


def test_fail_fast_stops_at_the_first_failure(demo, client, tmp_path, bad):
    with pytest.raises(DataError, match="EXPTIME"):
        blot_files(demo.median, [bad[1], *demo.exposures], tmp_path, client=client, fail_fast=True)


def test_files_that_a_worker_does_not_have(demo, client, tmp_path):
    gone = Path(shutil.copy(demo.exposures[0], tmp_path / "gone_flc.fits"))
    references = [gone, *demo.exposures[1:]]
    outcomes = run(demo, tmp_path, client, references=references, on_plan=lambda plan: gone.unlink())
    reasons = failures_of(outcomes)
    assert reasons.keys() == {f"{gone}[sci,1]", f"{gone}[sci,2]"}
    assert "is not there on the worker tcp://" in reasons[f"{gone}[sci,1]"]
    assert len(outcomes) == 8


def test_a_source_that_changes_is_no_source(demo, client, tmp_path):
    source = Path(shutil.copy(demo.median, tmp_path / "med.fits"))
    tasks, outcomes = plan_outputs(demo.exposures, tmp_path), []
    how = Settings(), Options(), outcomes.append
    cluster.run_on_cluster(source, tasks, *how, lambda plan: os.utime(source, (0, 0)), client)
    assert set(failures_of(outcomes).values()) == {f"{source}: has changed since the run began"}
    assert len(outcomes) == len(tasks)


def test_workers_with_another_skyblot(demo, client, tmp_path, monkeypatch):
    monkeypatch.setattr(skyblot, "__version__", "0.0.0", raising=False)
    reasons = failures_of(run(demo, tmp_path, client))
    assert len(reasons) == 2 * len(demo.exposures)
    assert all("not 0.0.0 as the process that started the run" in each for each in reasons.values())


class Stubborn(Exception):
    """An error that can be sent, and not be received."""

    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


def fail_stubbornly(path):
    raise Stubborn("this", "that")


def test_errors_that_cannot_be_sent_arrive_as_their_sentence(demo, client, tmp_path, at_rename):
    at_rename(fail_stubbornly)
    reasons = failures_of(run(demo, tmp_path, client))
    assert set(reasons.values()) == {"internal error, Stubborn: this and that"}
    assert digests(tmp_path) == {}


# Workers that die.


def allow_failures(count, dask_scheduler):
    dask_scheduler.allowed_failures = count


def test_what_a_killed_worker_was_at_is_made_by_another(demo, expected, client, tmp_path, at_rename):
    deaths = tmp_path / "deaths"
    at_rename(Kill("isky01a2q_sci2_blt.fits", deaths, once=True))
    outcomes = run(demo, tmp_path, client)
    assert deaths.read_text() == "x"
    deaths.unlink()
    assert digests(tmp_path) == expected  # and no temporary file is left
    assert sorted(each.path.name for each in outcomes) == sorted(expected)
    assert not any(each.kept for each in outcomes)


def test_an_exposure_that_kills_workers_again_and_again(demo, expected, client, tmp_path, at_rename):
    deaths = tmp_path / "deaths"
    at_rename(Kill("isky01a1q_sci1_blt.fits", deaths, once=False))
    client.run_on_scheduler(allow_failures, 0)
    outcomes = run(demo, tmp_path, client)
    culprit = demo.exposures[0]
    assert failures_of(outcomes) == {
        f"{culprit}[sci,{chip}]": f"{culprit}: every worker that was given it died" for chip in (1, 2)
    }
    assert deaths.read_text() == "xx"  # among others, and alone
    deaths.unlink()
    good = {name: digest for name, digest in expected.items() if "a1q" not in name}
    made = {name: digest for name, digest in digests(tmp_path).items() if not name.startswith(".")}
    assert made == good
    client.run_on_scheduler(allow_failures, 1)
    blot_files(demo.median, demo.exposures, tmp_path, resume=True)
    assert digests(tmp_path) == expected  # and no temporary file is left


# A run that is stopped.


def tasks_left(dask_scheduler):
    return [key for key in dask_scheduler.tasks if key.startswith("blot-")]


def blots_running(dask_worker):
    return dask_worker.state.executing_count


def test_an_interruption_cancels_what_has_not_begun(demo, client, tmp_path, at_rename):
    references = list(demo.exposures)
    for number in range(8):
        references.append(Path(shutil.copy(demo.exposures[0], tmp_path / f"more{number}_flc.fits")))
    out, gate = tmp_path / "out", tmp_path / "gate"
    out.mkdir()
    at_rename(Wait("isky01a1q", gate))
    tasks = plan_outputs(references, out)

    def interrupt(outcome):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cluster.run_on_cluster(demo.median, tasks, Settings(), Options(), interrupt, client=client)
    gate.touch()
    while client.run_on_scheduler(tasks_left) or any(client.run(blots_running).values()):
        time.sleep(0.05)
    made = digests(out)
    assert not [name for name in made if name.startswith(".")]
    assert {"isky01a1q_sci1_blt.fits", "isky01a1q_sci2_blt.fits"} <= made.keys()
    assert len(made) <= 2 * 4  # the first exposure, one that waited on each worker, and one that may have followed it


# What cannot be.


def test_no_dask(demo, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ParameterError, match=r"client: Dask is not installed \(pip install 'skyblot\[dask\]'; "):
        blot_files(demo.median, demo.exposures, tmp_path, client="local")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://127.0.0.1:1", "Timed out"),
        ("rubbish", "missing port number"),
        ("foo://127.0.0.1:8786", "unknown address scheme"),
    ],
)
def test_an_address_that_does_not_answer(demo, tmp_path, monkeypatch, address, reason):
    monkeypatch.setattr(cluster, "_ANSWER_SECONDS", 0.3)
    with pytest.raises(ParameterError, match=f"client = '{address}': no Dask scheduler answers: .*{reason}"):
        blot_files(demo.median, demo.exposures, tmp_path, client=address)


def test_clients_that_are_none(demo, client, tmp_path):
    with pytest.raises(ParameterError, match=r"client = 5: expected a distributed\.Client"):
        run(demo, tmp_path, 5)
    closed = distributed.Client(client.cluster.scheduler_address, set_as_default=False)
    closed.close()
    with pytest.raises(ParameterError, match=r"this distributed\.Client is closed"):
        run(demo, tmp_path, closed)


def test_settings_that_are_for_this_process_only(demo, client, tmp_path):
    with pytest.raises(ParameterError, match=r"wcsmap = .*: is for this process only"):
        run(demo, tmp_path, client, settings=Settings(wcsmap=map))
    with pytest.raises(ParameterError, match="these settings cannot be sent to the workers"):
        run(demo, tmp_path, client, settings=Settings(as_float=lambda: True))
    with pytest.raises(ParameterError, match="memory = 'much'"):
        run(demo, tmp_path, client, options=Options(memory="much"))


def test_results_are_small_whatever_the_blot():
    result = BlotResult("med.fits[sci,1]", "one_flc.fits[sci,1]", Path("one_blt.fits"), (30000, 30000), 1.0, 1.0)
    assert len(pickle.dumps(result)) < 1000
