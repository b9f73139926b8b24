"""Runs on a Dask cluster, and what can happen to its workers."""

import os
import signal
import time

import pytest

import skyblot
from skyblot import Failure, RunOptions
from skyblot.io import atomic
from skyblot.runs.plan import plan_run
from skyblot.runs.work import Work
from skyblot.steps.blot import Blot

dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")

#: Dask's own: what it leaves to the garbage collector when workers are killed and clusters closed.
LEFT_BY_DASK = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(distributed|tornado|dask).*"),
]


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


def allow_failures(count, dask_scheduler):
    """Let the scheduler give up what has killed more workers than this."""
    dask_scheduler.allowed_failures = count


def planned(demo, folder, client, *, step=None, references=None, **options):
    """The plan of a run on a cluster."""
    work = Work.of(demo.median, references or demo.exposures, folder, step or Blot())
    return plan_run(work, RunOptions(client=client, **options))


def run(*what, **how):
    """A run on a cluster: its outcomes."""
    return list(skyblot.run(planned(*what, **how)))


def failures_of(outcomes):
    return {each.reference: each.reason for each in outcomes if isinstance(each, Failure)}
