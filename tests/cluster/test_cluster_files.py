"""A Dask cluster: the same files as without one, and no pixels over the network."""

import pickle
import shutil
import sys
from pathlib import Path

import pytest
from astropy.io import fits
from cluster_runs import LEFT_BY_DASK, distributed, planned, run
from samples import CHIP_SHAPE, digests, rewrite, tasks_of

import skyblot
from skyblot import SkyblotWarning, blot_files
from skyblot.errors import FileError, ParameterError
from skyblot.runs import cluster
from skyblot.runs.plan import plan_run
from skyblot.runs.work import Work
from skyblot.steps.blot import Blot, BlotResult

pytestmark = LEFT_BY_DASK

#: Pixels of one blot, in bytes.
BLOT_BYTES = 4 * CHIP_SHAPE[0] * CHIP_SHAPE[1]


# The same files.


def test_files_are_those_of_a_local_run(demo, expected, client, tmp_path):
    results = blot_files(demo.median, demo.exposures, tmp_path, client=client)
    assert digests(tmp_path) == expected
    assert [each.path for each in results] == [
        task.path for task in tasks_of(demo.exposures, tmp_path)
    ]
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
        blot_files(
            demo.median, references, tmp_path / "dask", client="local", threads=2, memory="1G"
        )
    assert len({str(each.message) for each in caught}) == 4  # one a chip
    assert digests(tmp_path / "dask") == digests(tmp_path / "local")


@pytest.mark.parametrize("exposures", [1, 3], ids=["alone on its worker", "several at once"])
def test_workers_with_several_threads(demo, expected, tmp_path, exposures):
    how = {
        "n_workers": 1,
        "threads_per_worker": 2,
        "processes": False,
        "dashboard_address": "127.0.0.1:0",
    }
    with (
        distributed.LocalCluster(memory_limit=0, **how) as local,
        distributed.Client(local, set_as_default=False) as connected,
    ):
        blot_files(demo.median, demo.exposures[:exposures], tmp_path, client=connected)
    assert len(digests(tmp_path)) == 2 * exposures
    assert digests(tmp_path).items() <= expected.items()


def test_relative_names_begin_where_the_run_was_started(demo, client, tmp_path, monkeypatch):
    """The workers, which were started elsewhere, write absolute names into the headers: nothing
    else differs.
    """
    shutil.copytree(demo.median.parent, tmp_path / "set")
    monkeypatch.chdir(tmp_path / "set")
    for name in ("local", "dask"):
        Path(name).mkdir()
    median, exposure = demo.median.name, demo.exposures[0].name
    local = blot_files(median, [exposure], "local")
    there = blot_files(median, [exposure], "dask", client=client)
    assert [each.path for each in there] == [Path("dask") / each.path.name for each in local]
    for one, other in zip(local, there, strict=True):
        with fits.open(one.path) as here, fits.open(other.path) as away:
            # where names are long, a card says that values go on in a second one
            for hdus in (here, away):
                hdus["SCI"].header.remove("LONGSTRN", ignore_missing=True)
            difference = fits.FITSDiff(here, away, ignore_keywords=["BLOTSRC", "BLOTREF"])
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
        sent.extend(
            len(pickle.dumps((function, each, more))) for each in zip(*iterables, strict=True)
        )
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
    plan = planned(demo, tmp_path, client, resume=True)
    outcomes = list(skyblot.run(plan))
    assert digests(tmp_path) == expected
    kept = {each.path.name for each in outcomes if each.kept}
    assert kept == {name for name in sorted(expected)[:4] if name != first}
    assert (len(plan.kept), plan.count) == (3, 5)
    assert all(each.kept for each in run(demo, tmp_path, client, resume=True))


def test_outputs_that_cannot_be_written_are_refused_before_any_work(demo, client, tmp_path):
    blot = tmp_path / tasks_of(demo.exposures, tmp_path)[-1].path.name
    blot.write_bytes(b"mine")
    with pytest.raises(FileError, match="exists already"):
        run(demo, tmp_path, object())
    assert digests(tmp_path).keys() == {blot.name}
    copy = shutil.copy(demo.exposures[0], tmp_path)
    task = tasks_of([copy], tmp_path)[0]._replace(path=Path(copy))
    with pytest.raises(FileError, match="is an input file"):
        plan_run(Work(demo.median, Blot(), (task,)), skyblot.RunOptions(resume=True, client=client))


def test_a_plan_needs_no_cluster(demo, tmp_path):
    assert planned(demo, tmp_path, "tcp://nowhere:1").count == 2 * len(demo.exposures)
    assert digests(tmp_path) == {}


# What cannot be.


def test_no_dask(demo, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        ParameterError,
        match=r"client: Dask is not installed \(pip install 'dask\[distributed\]' cry",
    ):
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
    with pytest.raises(
        ParameterError, match=f"client = '{address}': no Dask scheduler answers: .*{reason}"
    ):
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
        run(demo, tmp_path, client, step=Blot(wcsmap=map))
    with pytest.raises(ParameterError, match="these settings cannot be sent to the workers"):
        run(demo, tmp_path, client, step=Blot(as_float=lambda: True))
    with pytest.raises(ParameterError, match="memory = 'much'"):
        run(demo, tmp_path, client, memory="much")


def test_results_are_small_whatever_the_blot():
    result = BlotResult(
        "med.fits[sci,1]", "one_flc.fits[sci,1]", Path("one_blt.fits"), (30000, 30000), 1.0, 1.0
    )
    assert len(pickle.dumps(result)) < 1000
