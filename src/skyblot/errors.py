"""Errors and warnings; what they say is in `skyblot.messages`."""

import difflib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from . import messages

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


def one_line(error: Exception) -> str:
    """Return an error's message on one line, its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
