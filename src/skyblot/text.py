"""Text that others have written, as it may be shown: header cards and names of files hold what they like."""


def printable(text: str, keep: str = "") -> str:
    """Return a text whose control characters are written out, but for those to `keep`.

    A terminal obeys control characters: it deletes lines, changes its title, or shows what follows from right to left.

    Examples
    --------
    >>> printable("EXPTIME" + chr(27) + "[2J")
    'EXPTIME\\\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else repr(each)[1:-1] for each in text)


def shortened(text: str, most: int = 6000) -> str:
    """Return a text without its middle where it is longer than any name or reason should be."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"
