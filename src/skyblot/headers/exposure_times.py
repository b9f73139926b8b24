"""Exposure times: by which keyword, and what becomes of odd values."""

from ..errors import DataError
from .facts import EXPOSURE_TIME, Facts, number


def exposure_keywords(expkey: str) -> tuple[str, ...]:
    """Return where an exposure time is looked for: as the user says, else the usual names."""
    usual = EXPOSURE_TIME.keywords
    return usual if expkey.upper() == usual[0] else (expkey,)


def seconds_of(image: Facts, expkey: str) -> float | None:
    """An exposure time above 0, None where there is none."""
    value = next(
        (value for word in exposure_keywords(expkey) if (value := image.text(word)) is not None),
        None,
    )
    seconds = number(value)
    return seconds if seconds is not None and seconds > 0 else None


def exposure_time_of(image: Facts, expkey: str, *others: str, hint: str) -> float:
    """The first exposure time that the image has, in seconds."""
    for keyword in (*exposure_keywords(expkey), *others):
        value = image.find(keyword)
        if value is None:
            continue
        seconds = number(value)
        if seconds is None or seconds <= 0:
            expected = f"seconds above 0 (or give {hint})"
            keyword = f"exposure time {keyword.upper()}"
            raise DataError(f"{keyword} = {value!r}, expected {expected}", subject=image.name)
        return seconds
    names = " or ".join(keyword.upper() for keyword in (expkey, *others))
    raise DataError(
        f"no exposure time, its headers have no {names} (give --expkey KEYWORD, or {hint})",
        subject=image.name,
    )
