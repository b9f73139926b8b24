"""Errors and warnings, and the one place where those of other libraries are kept quiet."""

import difflib
import re
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .text import printable, shortened

#: What is said of a file where a library says nothing that helps.
DAMAGED = "it is damaged, or of a form that is not known"
#: What Python raises where something is not of the kind that a library takes for granted, and how
#: it says so.
_WORDLESS = (TypeError, AttributeError, IndexError, AssertionError, RecursionError, StopIteration)
_JARGON = re.compile(
    r"NoneType|<class |<function |object at 0x|' objects? |not subscriptable|not iterable|not "
    r"supported between|unsupported operand|positional argument|keyword argument|to "
    r"unpack|unpack_from|\bufunc\b|\bdtype\b"
    r"|\barray\(|\bnp\.\w+\(|broadcast|\.verify\(|[A-Z]\w+Error\b"
)
#: How astropy says which card it cannot read.
_UNPARSABLE = re.compile(r"Unparsable card \(([\w-]+)\)")
#: Before what the system says, where a library has made a text of it.
_NUMBER = re.compile(r"\[Errno \d+\] ")
#: A reason is not longer: a library may repeat a line of a file without an end.
_LONGEST = 400
#: The filters of warnings are the process's: who changes them for a while, or calls what does,
#: holds this.
WARNING_FILTERS = threading.RLock()

_PACKAGE = str(Path(__file__).parent)


class Told:
    """A sentence, and what it is about.

    Parameters
    ----------
    sentence : str
        What is wrong or was assumed, and what is allowed or what to do.
    subject : object, optional
        What it is about: a file and its extension, an argument, "the source". It stands before the
        sentence.
    """

    def __init__(self, sentence: object, subject: object = None) -> None:
        super().__init__(sentence)  # type: ignore[call-arg]
        self.sentence = printable(shortened(str(sentence)))
        self.subject = None if subject is None else printable(shortened(str(subject)))

    def __str__(self) -> str:
        return self.sentence if self.subject is None else f"{self.subject}: {self.sentence}"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.sentence, self.subject)


class SkyblotError(Told, Exception):
    """Anything wrong that the user can put right; the command line prints it and exits with 2."""


class ParameterError(SkyblotError, ValueError):
    """A parameter or argument with a value that is not allowed."""


class DataError(SkyblotError, ValueError):
    """An image that cannot be blotted, or a header that lacks a needed fact."""


class WCSError(SkyblotError, ValueError):
    """A world coordinate system that is missing, singular, or not celestial."""


class FileError(SkyblotError, OSError):
    """A file that is missing, unreadable, truncated, or in the way."""


class SkyblotWarning(Told, UserWarning):
    """Something was assumed; the result may not be what was meant."""


def warn(sentence: str, subject: object = None) -> None:
    """Warn with a `SkyblotWarning`, at the line outside skyblot that led here."""
    frame = sys._getframe(1)
    level = 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    with WARNING_FILTERS:  # else another thread, which ignores warnings for a while, may swallow it
        warnings.warn(SkyblotWarning(sentence, subject), stacklevel=level)


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore warnings for a while: of astropy, of tags that asdf does not know."""
    with WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def not_allowed(name: str, value: object, allowed: str) -> ParameterError:
    """Return the error for a parameter or argument with a value that is not allowed."""
    return ParameterError(f"{name} = {value!r}: expected {allowed}")


def no_memory(error: MemoryError) -> SkyblotError:
    """Return the error for memory that the system does not give."""
    reason = " ".join(str(error).split()) or "the system gives no more"
    #: The others are there; repeat the run with `--resume` when the files are in order. Give less
    #: with `--memory`, or use another machine.
    return SkyblotError(f"the memory is not enough: {reason}")


@contextmanager
def memory_errors_told() -> Iterator[None]:
    """Raise a `SkyblotError` where the system gives no more memory."""
    try:
        yield
    except MemoryError as error:
        raise no_memory(error) from error


@contextmanager
def naming(source: str, target: str = "the target") -> Iterator[None]:
    """Let errors about "the source" and "the target" say which files they are."""
    try:
        yield
    except SkyblotError as error:
        if error.subject in ("the source", "the target"):
            error.subject = source if error.subject == "the source" else target
        raise


def closest(name: str, names: Iterable[str]) -> str:
    """`` (closest: 'poly5')`` for the name most like `name`, or an empty string."""
    match = difflib.get_close_matches(str(name).lower(), list(names), n=1, cutoff=0.5)
    return f" (closest: {match[0]!r})" if match else ""


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def reason_of(error: BaseException) -> str:
    """Return why something failed, on one line: what the system or a library says of it."""
    for each in (error, error.__cause__, error.__context__):
        if isinstance(each, OSError) and each.strerror and not isinstance(each, SkyblotError):
            return each.strerror
    if isinstance(error, KeyError) and error.args and re.fullmatch(r"[\w-]+", str(error.args[0])):
        return f"{error.args[0]} is missing"
    return DAMAGED if isinstance(error, _WORDLESS) else in_words(one_line(error))


def in_words(text: str) -> str:
    """Return what a library says, unless only a programmer could understand it."""
    if card := _UNPARSABLE.search(text):
        return f"its card {card[1]} cannot be read"
    if _JARGON.search(text):
        return DAMAGED
    text = _NUMBER.sub("", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
