"""The command line: ``skyblot COMMAND``; see `skyblot.cli.app`, and one file per command.

Nothing is imported here that takes time: until `main` is called, nobody listens to Ctrl-C.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: "Sequence[str] | None" = None) -> None:
    """Run the command line; a bad input ends with one sentence on stderr and exit code 2."""
    try:
        from .app import run

        code = run(arguments)
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("skyblot: interrupted\n")
        code = 130
    sys.exit(code)


def __getattr__(name: str) -> object:
    """What is in the application."""
    import importlib

    return getattr(importlib.import_module(".app", __name__), name)
