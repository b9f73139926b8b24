"""Pictures to judge blots by: one self-contained HTML page for many chips, and one PNG for a file."""

from .chip import ChipReport
from .files import report_of_files
from .html import write_report

__all__ = ["ChipReport", "report_of_files", "write_report"]
