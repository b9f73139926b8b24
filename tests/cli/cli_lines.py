"""Options of the command line, and the line that it prints of a blot."""

import re

RAW = ("--in-units", "cps", "--out-units", "cps", "--no-addsky")
#: file, shape, percent, seconds
RESULT = re.compile(
    r"(?P<path>\S+)  (?P<ny>\d+) x (?P<nx>\d+)  (?P<percent>\d+\.\d) % covered  \d+\.\d\d s"
)
