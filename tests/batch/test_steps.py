"""A run knows nothing of its step: one that is made here is planned, run, kept, finished and
stopped as all are.
"""

from contextlib import closing
from dataclasses import dataclass

import pytest

from skyblot import Failure, FileError, RunOptions, SkyblotError, run
from skyblot.runs.plan import plan_run
from skyblot.runs.work import Work
from skyblot.steps.base import Result, Step, Task
from skyblot.steps.blot import Blot, opened, rendered


@dataclass(frozen=True)
class Mean(Step):
    """Write the mean of the blot of each image to a text file, and all of an exposure's to another
    one.
    """

    noun, verb = "mean", "averaging"

    bad: str = ""

    @property
    def bytes_per_pixel(self):
        return 12

    def open(self, name):
        return Blot(self.recipe).open(name)

    def tasks(self, images, folder):
        return [
            Task(where, folder / f"{where.path.stem}_{number}.txt")
            for number, where in enumerate(images)
        ]

    def reads(self, path):
        return []

    def writes(self, tasks):
        return [*(task.path for task in tasks), self.sum_of(tasks)]

    def sum_of(self, tasks):
        return tasks[0].path.with_suffix(".all")

    def check(self, source, tasks):
        pass

    def is_own(self, path):
        return path.read_text().startswith("mean")

    def kept(self, source, tasks):
        return {task: self.result(source, task, kept=True) for task in tasks if task.path.exists()}

    def result(self, source, task, **more):
        return Result(source.image.name, str(task.where), task.path, (1, 1), 1.0, 0.0, **more)

    def make(self, source, task, resources):
        if self.bad and self.bad in str(task.where):
            raise SkyblotError("a bad one")
        with opened(task.where, self.recipe.wcs_key) as exposure:
            made = rendered(source, exposure, Blot(self.recipe), resources)
            task.path.write_text(f"mean {made.blot.data.mean()}")
        return self.result(source, task)

    def finish(self, tasks, results, resources):
        self.sum_of(tasks).write_text(f"mean of {len(results)} of {len(tasks)}")


def plan(demo, out, step=None, **options):
    return plan_run(
        Work.of(demo.median, demo.exposures, out, step or Mean()), RunOptions(**options)
    )


def test_all_is_made_and_each_exposure_finished(demo, out):
    planned = plan(demo, out)
    outcomes = list(run(planned))
    assert [each.where for each in outcomes] == [task.where for task in planned.work.tasks]
    assert sorted(out.iterdir()) == sorted(planned.work.writes)
    assert {path.read_text() for path in out.glob("*.all")} == {"mean of 2 of 2"}


def test_a_failure_is_one_of_its_image_and_the_others_are_finished(demo, out):
    outcomes = list(run(plan(demo, out, Mean(bad="a1q_flc.fits[sci,2]"))))
    assert [each.reason for each in outcomes if isinstance(each, Failure)] == ["a bad one"]
    assert sorted(path.read_text() for path in out.glob("*.all")) == [
        "mean of 1 of 2",
        *["mean of 2 of 2"] * 2,
    ]


def test_what_is_there_is_kept_and_what_is_foreign_is_not_replaced(demo, out):
    list(run(plan(demo, out)))
    first = sorted(out.glob("*.txt"))[0]
    first.unlink()
    again = plan(demo, out, resume=True)
    assert (again.count, len(again.kept)) == (1, 5)
    assert [each.kept for each in run(again)] == [True] * 5 + [False]
    first.write_text("mine")
    with pytest.raises(FileError, match=r"is no mean of skyblot's, and --resume"):
        plan(demo, out, resume=True)


def test_closing_a_run_ends_it(demo, out):
    with closing(run(plan(demo, out, threads=1))) as outcomes:
        next(outcomes)
    assert 1 <= len(list(out.glob("*.txt"))) < 6
