"""Damaged files, odd options, and a system that fails: some of what ``make fuzz`` tries for as long
as one likes.

What must never be: an internal error, a hang, a file that is not complete under its final name, a
temporary one that is left, a changed input, a bomb of memory, or a sentence that only a programmer
understands.
"""

import sys

import pytest
from fuzz_cases import make_case
from fuzz_faults import SCENARIOS
from fuzz_run import Report, run_cases, run_faults
from fuzz_worker import read_base

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits of memory and files are Linux's"
)

#: The first case, and how many there are: a part in each of two tests, which may run at the same
#: time.
FIRST, CASES = 0, 45
#: Of each command, how many of its faults are tried: evenly spread over all of them.
FAULTS = 2
#: Commands, shared out.
PARTS = {
    "blot": [name for name in SCENARIOS if name.startswith("blot")],
    "reject": [name for name in SCENARIOS if name.startswith("reject")],
    "others": [name for name in SCENARIOS if not name.startswith(("blot", "reject", "demo"))],
}


def never():
    return False


def told(report):
    return "\n".join(
        f"{each['item']}: {each['outcome']}: {each['detail']}\n{each['err']}" for each in report.bad
    )


@pytest.mark.parametrize("part", range(2))
def test_damaged_files_and_odd_options(base, tmp_path, part):
    report = Report(None)
    run_cases(base, tmp_path, report, never, first=FIRST + part * CASES, most=CASES)
    assert not report.bad, told(report)
    assert report.outcomes["done"] > CASES // 10
    assert report.outcomes["refused"] > CASES // 10


def some(faults):
    step = max(1, len(faults) // FAULTS)
    return faults[step // 2 :: step]


@pytest.mark.parametrize("part", PARTS)
def test_a_system_that_fails(base, tmp_path, part):
    names = [
        name for name in PARTS[part] if all((base / each).exists() for each in SCENARIOS[name][0])
    ]
    report = Report(None)
    run_faults(base, tmp_path, report, never, some, names)
    assert not report.bad, told(report)
    assert report.outcomes["refused"] >= len(names)


def test_a_number_stands_for_the_same_case(base):
    files = read_base(base)
    one, other = (make_case(17, files) for _ in range(2))
    assert (one.files, one.arguments, one.done) == (other.files, other.arguments, other.done)
