"""The command line: ``skyblot COMMAND``; its parts are in `skyblot.cli.app`, and one file per command."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a bad input ends with one sentence on stderr and exit code 2."""
    try:
        from .app import run  # takes its time, in which Ctrl-C is heard as well

        code = run(arguments)
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("skyblot: interrupted\n")
        code = 130
    sys.exit(code)


def __getattr__(name: str) -> Any:
    return getattr(importlib.import_module(".app", __name__), name)
