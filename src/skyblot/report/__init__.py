"""Pictures to judge blots by: one self-contained HTML page for many chips, and one PNG for a file."""

from .chip import ChipReport
from .files import report_of_files
from .html import Report, open_report, write_report
from .rejected import report_of_comparison

__all__ = ["ChipReport", "Report", "open_report", "report_of_comparison", "report_of_files", "write_report"]
