"""Errors and warnings; what they say is in `skyblot.messages`."""

import difflib
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from . import messages

#: What is said of a file where a library says nothing that helps.
DAMAGED = "it is damaged, or of a form that is not known"
#: What Python raises where something is not of the kind that a library takes for granted, and how it says so.
_WORDLESS = (TypeError, AttributeError, IndexError, AssertionError, RecursionError, StopIteration)
_JARGON = re.compile(
    r"NoneType|<class |<function |object at 0x|' objects? |not subscriptable|not iterable|not supported between"
    r"|unsupported operand|positional argument|keyword argument|to unpack|unpack_from|\bufunc\b|\bdtype\b"
    r"|\barray\(|\bnp\.\w+\(|broadcast|\.verify\(|[A-Z]\w+Error\b"
)
#: Before what the system says, where a library has made a text of it.
_NUMBER = re.compile(r"\[Errno \d+\] ")
#: A reason is not longer: a library may repeat a line of a file without an end.
_LONGEST = 400
#: The filters of warnings are the process's: who changes them for a while, or calls what does, holds this.
WARNING_FILTERS = threading.RLock()


class SkyblotError(Exception):
    """Anything wrong that the user can put right; the command line prints it and exits with 2."""


class ParameterError(SkyblotError, ValueError):
    """A parameter or argument with a value that is not allowed."""


class DataError(SkyblotError, ValueError):
    """An image that cannot be blotted, or a header that lacks a needed fact."""


class WCSError(SkyblotError, ValueError):
    """A world coordinate system that is missing, singular, or not celestial."""


class FileError(SkyblotError, OSError):
    """A file that is missing, unreadable, truncated, or in the way."""


class SkyblotWarning(UserWarning):
    """Something was assumed; the result may not be what was meant."""


def not_allowed(name: str, value: object, allowed: str) -> ParameterError:
    """Return the error for a parameter or argument with a value that is not allowed."""
    return ParameterError(messages.NOT_ALLOWED(name=name, value=value, allowed=allowed))


def no_memory(error: MemoryError) -> SkyblotError:
    """Return the error for memory that the system does not give."""
    return SkyblotError(messages.NO_MEMORY(reason=" ".join(str(error).split()) or "the system gives no more"))


@contextmanager
def memory_errors_told() -> Iterator[None]:
    """Raise a `SkyblotError` where the system gives no more memory."""
    try:
        yield
    except MemoryError as error:
        raise no_memory(error) from error


def closest(name: str, names: Iterable[str]) -> str:
    """`` (closest: 'poly5')`` for the name most like `name`, or an empty string."""
    match = difflib.get_close_matches(str(name).lower(), list(names), n=1, cutoff=0.5)
    return f" (closest: {match[0]!r})" if match else ""


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def reason_of(error: BaseException) -> str:
    """Return why something failed, on one line: what the system or a library says of it, in words."""
    for each in (error, error.__cause__, error.__context__):
        if isinstance(each, OSError) and each.strerror and not isinstance(each, SkyblotError):
            return each.strerror
    if isinstance(error, KeyError) and error.args and re.fullmatch(r"[\w-]+", str(error.args[0])):
        return f"{error.args[0]} is missing"
    return DAMAGED if isinstance(error, _WORDLESS) else in_words(one_line(error))


def in_words(text: str) -> str:
    """Return what a library says, unless only a programmer could understand it."""
    if _JARGON.search(text):
        return DAMAGED
    text = _NUMBER.sub("", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
