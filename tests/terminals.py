"""A terminal for a command to run on."""

import os
import pty
import subprocess


def on_a_terminal(command, *, pipe_stdout=False, columns=160):
    """Run with a terminal for stderr, and for stdout unless `pipe_stdout`; return exit code, what
    it shows, stdout.
    """
    ours, theirs = pty.openpty()
    stdout = subprocess.PIPE if pipe_stdout else theirs
    environment = os.environ | {"TERM": "xterm", "COLUMNS": str(columns)}
    process = subprocess.Popen(command, stdout=stdout, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 100000):
            shown += piece
    except OSError:  # how the end of a terminal is told
        pass
    os.close(ours)
    text = process.communicate()[0] if pipe_stdout else b""
    return process.wait(), shown.decode(), text.decode()
