"""A Dask cluster: exposures that cannot be blotted, workers that die, and runs that are stopped."""

import os
import shutil
import time
from pathlib import Path

import pytest
from cluster_runs import LEFT_BY_DASK, Kill, Wait, allow_failures, failures_of, planned, run
from samples import digests, rewrite

import skyblot
from skyblot import BatchError, blot_files
from skyblot.errors import DataError

pytestmark = LEFT_BY_DASK

# Exposures that cannot be blotted.


@pytest.fixture
def bad(demo, tmp_path_factory):
    """Exposures without a WCS, which is seen before work begins, and without a time, which is seen
    by the worker.
    """
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


def test_bad_exposures_are_reported_by_name_and_the_others_are_blotted(
    demo, expected, client, tmp_path, bad
):
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
    plan = planned(demo, tmp_path, client, references=references)
    gone.unlink()
    outcomes = list(skyblot.run(plan))
    reasons = failures_of(outcomes)
    assert reasons.keys() == {f"{gone}[sci,1]", f"{gone}[sci,2]"}
    assert "is not there on the worker tcp://" in reasons[f"{gone}[sci,1]"]
    assert len(outcomes) == 8


def test_a_source_that_changes_is_no_source(demo, client, tmp_path):
    source = Path(shutil.copy(demo.median, tmp_path / "med.fits"))
    plan = skyblot.plan_blots(source, demo.exposures, tmp_path, client=client)
    os.utime(source, (0, 0))
    outcomes = list(skyblot.run(plan))
    assert set(failures_of(outcomes).values()) == {f"{source}: has changed since the run began"}
    assert len(outcomes) == plan.count


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


def test_what_a_killed_worker_was_at_is_made_by_another(
    demo, expected, client, tmp_path, at_rename
):
    deaths = tmp_path / "deaths"
    at_rename(Kill("isky01a2q_sci2_blt.fits", deaths, once=True))
    outcomes = run(demo, tmp_path, client)
    assert deaths.read_text() == "x"
    deaths.unlink()
    assert digests(tmp_path) == expected  # and no temporary file is left
    assert sorted(each.path.name for each in outcomes) == sorted(expected)
    assert not any(each.kept for each in outcomes)


def test_an_exposure_that_kills_workers_again_and_again(
    demo, expected, client, tmp_path, at_rename
):
    deaths = tmp_path / "deaths"
    at_rename(Kill("isky01a1q_sci1_blt.fits", deaths, once=False))
    client.run_on_scheduler(allow_failures, 0)
    outcomes = run(demo, tmp_path, client)
    culprit = demo.exposures[0]
    assert failures_of(outcomes) == {
        f"{culprit}[sci,{chip}]": f"{culprit}: every worker that was given it died"
        for chip in (1, 2)
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
    outcomes = skyblot.run(planned(demo, out, client, references=references))
    next(outcomes)
    outcomes.close()
    gate.touch()
    while client.run_on_scheduler(tasks_left) or any(client.run(blots_running).values()):
        time.sleep(0.05)
    made = digests(out)
    assert not [name for name in made if name.startswith(".")]
    assert {"isky01a1q_sci1_blt.fits", "isky01a1q_sci2_blt.fits"} <= made.keys()
    # the first exposure, one that waited on each worker, and one that may have followed it
    assert len(made) <= 2 * 4
