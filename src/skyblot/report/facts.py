"""Facts as words: rows of a table, and links relative to a page."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from ..io.names import ImageName, extension_text
from ..io.remote import AnyPath, RemotePath, path_of

#: The label of the background: views are of the blot on the exposure's level, so that blinking
#: shows sources only.
BACKGROUND = "background, added to the blot here"


class Row(NamedTuple):
    """A line of a table."""

    label: str
    text: str


def rows(facts: Mapping[str, object]) -> list[Row]:
    """Return facts as text; a mapping among them gives a row for each of its items.

    Examples
    --------
    >>> rows({"offset": -0.123456, "fit": {"x": 1, "good": True}})
    [Row(label='offset', text='−0.1235'), Row(label='fit: x', text='1'), Row(label='fit: good',
    text='yes')]
    """
    lines: list[Row] = []
    for label, value in facts.items():
        if isinstance(value, Mapping):
            lines += [Row(f"{label}: {row.label}", row.text) for row in rows(value)]
        else:
            lines.append(Row(str(label), text_of(value)))
    return lines


def text_of(value: object) -> str:
    """Return a value as a reader likes it: four digits, thousands set apart, a true minus sign."""
    if value is None or (isinstance(value, str) and not value):
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return thousands(int(value))
    if isinstance(value, float | np.floating):
        return _float_text(float(value))
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes):
        return ", ".join(text_of(item) for item in value)
    return str(value)


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        return "not known" if math.isnan(value) else str(value).replace("-", "−")
    if value == int(value) and abs(value) < 1e15:
        return thousands(int(value))
    text = f"{value:.4g}"
    return (thousands(round(value)) if abs(value) >= 1e4 and "e" in text else text).replace(
        "-", "−"
    )


def short_text(value: float) -> str:
    """Return a number with three digits: an axis needs no more."""
    return text_of(0 if abs(value) < 1e-9 else float(f"{value:.3g}"))


def thousands(value: int) -> str:
    """Return a whole number with narrow spaces between thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", "−")


def percent(part: int, whole: int) -> str:
    """Return a share in percent, with as many digits as small shares need."""
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.2f} %" if share >= 0.1 or not part else f"{share:.2g} %"


#: Labels of counts that change where a mask does.
FLAGGED = "flagged"
REJECTED = "rejected by the rule"


def flagged_text(bad: int, whole: int) -> str:
    """Return how many pixels of a chip are flagged."""
    return f"{thousands(bad)} ({percent(bad, whole)})"


def rejected_text(rejected: int, judged: int) -> str:
    """Return how many pixels a rule rejected."""
    return f"{thousands(rejected)} ({percent(rejected, judged)} of {thousands(judged)} judged)"


def links(paths: Mapping[str, AnyPath | str], folder: Path) -> list[Row]:
    """Return words and addresses of files: relative to the page, as both can be moved together.

    URLs as they are.
    """
    files = {word: path_of(path) if isinstance(path, str) else path for word, path in paths.items()}
    return [Row(word, _address(path, folder)) for word, path in files.items()]


def _address(path: AnyPath, folder: Path) -> str:
    if isinstance(path, RemotePath):
        return str(path)
    try:
        relative = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.absolute().as_uri()
    address = quote(os.fsencode(relative))
    return address if "/" in address or ":" not in address else f"./{address}"


def chip_name(where: ImageName) -> str:
    """Return the heading of a chip: file and extension, without the folder."""
    extension = "" if where.extension is None else f"[{extension_text(where.extension)}]"
    return f"{where.path.name}{extension}"


def misalignment_text(misalignment: tuple[float, float], error: float) -> str:
    """Return a misalignment with its standard error in words."""
    dx, dy = misalignment
    if not math.isfinite(dx + dy + error):
        return "not known: too few sources"
    return f"{dx:+z.3f}, {dy:+z.3f} ± {error:.3f} pixel".replace("-", "−")


def flux_ratio_text(ratio: float, error: float) -> str:
    """Return the flux ratio of an exposure to its blot with its standard error in words."""
    if not math.isfinite(ratio + error):
        return "not known: too few sources"
    return f"{ratio:.3f} ± {error:.3f}"
