"""Text to show: what others have written, and numbers that somebody wants to read at a glance.

Header cards and names of files hold what they like.
"""


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
