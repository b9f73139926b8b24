"""Pictures to judge blots by: one HTML page for many chips, one picture of a file."""

from .chip import ChipPicture, ChipReport, MosaicReport, Pictures
from .files import report_of_files, report_of_mosaic
from .html import Report, open_report, write_report
from .rejected import report_of_rejection

__all__ = [
    "ChipPicture",
    "ChipReport",
    "MosaicReport",
    "Pictures",
    "Report",
    "open_report",
    "report_of_files",
    "report_of_mosaic",
    "report_of_rejection",
    "write_report",
]
