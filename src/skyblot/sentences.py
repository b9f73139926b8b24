"""Sentences with fields: how `skyblot.messages` tells what is wrong."""

#: No sentence is longer, whatever names and reasons are in it.
_LONGEST = 6000


class Message(str):
    """A sentence with fields; called with their values, it is the sentence.

    Examples
    --------
    >>> Message("{name}: no such {kind}")(name="mosaic.fits", kind="file")
    'mosaic.fits: no such file'
    """

    __slots__ = ()

    def __call__(self, **fields: object) -> str:
        """Return the sentence, its control characters escaped; a `KeyError` where a field is missing."""
        text = self.format(**fields)
        if len(text) > _LONGEST:  # a name, or a line of a file, without an end
            text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
        return printable(text)


def printable(text: str) -> str:
    """Return a text with its control characters escaped, and what is no character of any alphabet.

    Examples
    --------
    >>> printable("a\\x1b[2J.fits")
    'a\\\\x1b[2J.fits'
    """
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
