"""Text to show: what others have written, and numbers that somebody wants to read at a glance.

Header cards and names of files hold what they like.
"""

from collections.abc import Mapping, Sequence
from html import escape


def printable(text: str, keep: str = "") -> str:
    """Return a text whose control characters are written out, but for those to `keep`.

    A terminal obeys control characters: it deletes lines, changes its title, or shows what follows
    from right to left.

    Examples
    --------
    >>> printable("EXPTIME" + chr(27) + "[2J")
    'EXPTIME\\\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in keep else repr(each)[1:-1] for each in text
    )


def shortened(text: str, most: int = 6000) -> str:
    """Return a text without its middle where it is longer than any name or reason should be."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


def size_text(size: float) -> str:
    """Return a number of bytes as ``12.3 MB`` or ``4.5 GB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def duration_text(seconds: float) -> str:
    """Return a number of seconds as ``12.3 s``, ``4 min`` or ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def ascii_text(text: str) -> str:
    """Return a text as FITS headers hold it."""
    return text.encode("ascii", "backslashreplace").decode()


def html_facts(facts: Mapping[str, str]) -> str:
    """Return a table of words and texts, which are plain, one row each."""
    rows = (f"<tr>{_cell('th', word)}{_cell('td', text)}</tr>" for word, text in facts.items())
    return f"<table>{''.join(rows)}</table>"


def html_progress(text: str, done: int, total: int | None) -> str:
    """Return a bar of progress with a text beside it; of an unknown total, one that waits."""
    part = "" if total is None else f' value="{done}" max="{total}"'
    return f"<progress{part}></progress> {escape(printable(text))}"


def html_rows(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a table of things, one row each, all with the same words at its head."""
    head = "".join(_cell("th", word) for word in (rows[0] if rows else ()))
    body = ("".join(_cell("td", text) for text in row.values()) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{cells}</tr>' for cells in body)}</table>"


def _cell(kind: str, text: str) -> str:
    return f'<{kind} style="text-align:left">{escape(printable(text))}</{kind}>'
