"""The lines that the command line prints of many exposures, and the events it logs."""

import json
import re
from datetime import datetime, timedelta

import pytest

EXPOSURES = 9
BLOTS = 2 * EXPOSURES
RESULT = re.compile(r"(?P<path>\S+)  96 x 160  100\.0 % covered  (?P<end>kept|\d+\.\d\d s)")
SUMMARY = re.compile(r"(\d+) made, (\d+) kept, (\d+) failed, (\d+\.\d) MB written in \d+\.\d s")


def events(log):
    """The events in a log: JSON without NaN, each with the time at which it was written."""
    found = [json.loads(line, parse_constant=pytest.fail) for line in log.read_text().splitlines()]
    for event in found:
        assert datetime.fromisoformat(event.pop("time")).utcoffset() == timedelta(0)
    return found
