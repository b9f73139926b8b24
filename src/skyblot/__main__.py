"""``python -m skyblot`` is the command line."""

from .cli import main

main()
