"""Pictures to judge blots by: one self-contained HTML page for many chips, and one PNG for a file."""

from .chip import ChipReport
from .files import report_of_files
from .html import Report, open_report, write_report
from .rejected import report_of_rejection
from .view import ChipPicture, Pictures, picture_of

__all__ = [
    "ChipPicture",
    "ChipReport",
    "Pictures",
    "Report",
    "open_report",
    "picture_of",
    "report_of_files",
    "report_of_rejection",
    "write_report",
]
