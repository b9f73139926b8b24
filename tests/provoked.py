"""Every sentence that skyblot can say is said in the tests: a run of the whole suite fails where
one was not.

Each process of the tests notes which lines make errors and warnings, and what they say; at the end
that is held against the sentences in the source.
"""

import re
import sys
from pathlib import Path

import pytest
from sentences import sentences

import skyblot
from skyblot import errors

PACKAGE = Path(skyblot.__file__).parent
#: What says sentences that are no errors or warnings of skyblot's: nobody notes those.
OTHERS = {"TypeError", "click.UsageError", "logger.warning"}


class Recorder:
    """What was said in this process, and by the workers of pytest-xdist: (file, line, sentence)."""

    def __init__(self):
        self.said = set()

    def start(self):
        plain = errors.Told.__init__

        def noted(told, *arguments, **named):
            plain(told, *arguments, **named)
            frame = sys._getframe(1)
            while frame.f_code.co_filename == errors.__file__ and frame.f_back is not None:
                frame = frame.f_back
            self.said.add((frame.f_code.co_filename, frame.f_lineno, told.sentence))

        errors.Told.__init__ = noted

    def unsaid(self):
        """The sentences that nobody said."""
        return [sentence for sentence in sentences(PACKAGE) if not self._was_said(sentence)]

    def _was_said(self, sentence):
        if sentence.said_by in OTHERS:
            return True
        if any(
            Path(file) == sentence.path and sentence.first <= line <= sentence.last
            for file, line, _ in self.said
        ):
            return True
        pattern = re.compile(".*".join(map(re.escape, re.split("<[a-z_]+>", sentence.text))))
        return any(pattern.search(text) for _, _, text in self.said)


RECORDER = Recorder()


def pytest_configure(config):
    RECORDER.start()


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_testnodedown(node):
    RECORDER.said |= set(map(tuple, node.workeroutput.get("said", [])))


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["said"] = list(RECORDER.said)
        return
    option = session.config.option
    last_failed = getattr(option, "lf", False)  # of the cache, which may be left out
    whole = not (option.keyword or last_failed or option.collectonly) and session.config.args == [
        "tests"
    ]
    unsaid = (
        RECORDER.unsaid()
        if whole and option.markexpr == "not compat" and not session.shouldstop
        else []
    )
    for sentence in unsaid:
        place = f"{sentence.path.relative_to(PACKAGE)}:{sentence.first}"
        sys.stderr.write(f"\nno test makes skyblot say ({place}): {sentence.text}\n")
    if unsaid:
        session.exitstatus = 1
