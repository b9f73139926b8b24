"""What the fuzzer does to a file: each function takes its bytes and a source of chance, and returns
other bytes.
"""

import bz2
import gzip
import lzma
import re
import zlib

from fuzz_words import KEYWORDS, NODES, TOKENS, VALUES

PACKERS = {
    ".gz": (gzip.decompress, gzip.compress),
    ".bz2": (bz2.decompress, bz2.compress),
    ".xz": (lzma.decompress, lzma.compress),
}


def _cards(content):
    """Places of the cards of all headers."""
    places, start = [], 0
    while content[start : start + 6] in (b"SIMPLE", b"XTENSI"):
        end = content.find(b"END" + b" " * 77, start)
        if end < 0:
            return places or [0]
        places += range(start, end + 80, 80)
        start = content.find(b"XTENSION= ", end)
        if start < 0 or start % 2880:
            break
    return places or list(range(0, len(content) - 80, 80)) or [0]


def _put(content, place, card):
    return content[:place] + card[:80].ljust(80) + content[place + 80 :]


def _card(chance):
    """A card that may mean anything."""
    keyword = chance.choice(KEYWORDS)
    value = (
        chance.choice(VALUES)
        if chance.random() < 0.8
        else str(chance.choice((1, -1)) * 10 ** chance.uniform(-30, 30))
    )
    form = chance.random()
    if form < 0.85:
        text = f"{keyword:8}= {value:>20} / a comment"
    elif form < 0.9:
        text = f"{keyword:8}={value}"
    elif form < 0.95:
        text = f"HIERARCH {keyword} DEEP = {value}"
    else:
        text = f"{keyword}= '{'long ' * 12}&'"
    return text.encode("latin-1")


def card_replaced(content, chance):
    return _put(content, chance.choice(_cards(content)), _card(chance))


def value_replaced(content, chance):
    """A card with its own keyword, and another value."""
    places = [each for each in _cards(content) if content[each + 8 : each + 10] == b"= "]
    if not places:
        return card_replaced(content, chance)
    place = chance.choice(places)
    value = chance.choice(VALUES)
    if chance.random() < 0.2:  # as a text, or a text as no text
        old = content[place + 10 : place + 30].decode("latin-1").strip()
        value = old.strip("'") if old.startswith("'") else f"'{old}'"
    return _put(content, place, content[place : place + 10] + f"{value:>20}".encode("latin-1"))


def structure_replaced(content, chance):
    """The cards that say how pixels and tables are stored."""
    storage = re.compile(
        rb"(BITPIX|NAXIS|PCOUNT|GCOUNT|TFIELDS|TFORM|TTYPE|TDIM|THEAP|Z[A-Z]+"
        rb"|BSCALE|BZERO|BLANK|XTENSION)\d* *="
    )
    places = [each for each in _cards(content) if storage.match(content[each : each + 80])]
    if not places:
        return value_replaced(content, chance)
    place = chance.choice(places)
    return _put(
        content,
        place,
        content[place : place + 10] + f"{chance.choice(VALUES):>20}".encode("latin-1"),
    )


def card_removed(content, chance):
    return _put(content, chance.choice(_cards(content)), b"COMMENT")


def card_doubled(content, chance):
    """A card over another one: the first is there twice, the second not at all."""
    places = _cards(content)
    one = chance.choice(places)
    return _put(content, chance.choice(places), content[one : one + 80])


def card_garbled(content, chance):
    place = chance.choice(_cards(content))
    card = bytearray(content[place : place + 80].ljust(80))
    for _ in range(chance.choice((1, 1, 2, 8, 40))):
        card[chance.randrange(80)] = chance.choice(
            (chance.randrange(256), 0, 10, 27, 39, 127, 0xE9)
        )
    return _put(content, place, bytes(card))


def bytes_flipped(content, chance):
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 50)) if changed else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def block_overwritten(content, chance):
    """A run of bytes lost: zeros, all bits, or noise."""
    start, size = (
        chance.randrange(len(content) + 1),
        min(chance.choice((4, 80, 512, 2880, 8192)), len(content)),
    )
    piece = chance.choice((bytes(size), b"\xff" * size, chance.randbytes(size)))
    return (content[:start] + piece + content[start + size :])[: len(content)]


def tail_damaged(content, chance):
    """The last part, where tiles, tables and ASDF's blocks are."""
    start = len(content) * 2 // 3
    return content[:start] + chance.choice((bytes_flipped, block_overwritten))(
        content[start:], chance
    )


def truncated(content, chance):
    size = len(content)
    return content[
        : chance.choice(
            (0, 1, 5, 79, 2879, 2880, size - 1, size - 2880, chance.randrange(size + 1))
        )
    ]


def grown(content, chance):
    place = chance.choice((len(content), chance.randrange(len(content) + 1)))
    return (
        content[:place]
        + chance.choice((bytes(2880), b" " * 80, chance.randbytes(100), content[:2880]))
        + content[place:]
    )


def _tree(content):
    """Where the YAML of an ASDF file is, in a FITS file or alone."""
    start = max(content.find(b"#ASDF"), 0)
    end = content.find(b"\n...", start)
    return start, len(content) if end < 0 else end


def _line_changed(content, chance, change):
    """The tree with one of its lines changed; within FITS it keeps its length."""
    start, end = _tree(content)
    lines = content[start:end].decode("latin-1").split("\n")
    number = chance.randrange(len(lines))
    lines[number : number + 1] = change(lines[number])
    text = "\n".join(lines).encode("latin-1", "replace")
    if start:
        text = text[: end - start].ljust(end - start)
    return content[:start] + text + content[end:]


def node_replaced(content, chance):
    node = chance.choice(NODES)

    def change(line):
        key, colon, _ = line.partition(":")
        return (
            [f"{key}: {node}"] if colon else [f"{line[: len(line) - len(line.lstrip())]}- {node}"]
        )

    return _line_changed(content, chance, change)


def number_replaced(content, chance):
    """A number of the tree, wherever it stands: in a shape, an offset, a coefficient."""
    start, end = _tree(content)
    found = list(re.finditer(rb"(?<![\w.])-?\d+(\.\d+)?(e-?\d+)?(?![\w.])", content[start:end]))
    if not found:
        return bytes_flipped(content, chance)
    one = chance.choice(found)
    text = chance.choice([*NODES[:14], "-5", "7", "1e300"]).encode()
    if start:
        text = text[: len(one.group())].ljust(len(one.group()))
    return content[: start + one.start()] + text + content[start + one.end() :]


def node_removed(content, chance):
    return _line_changed(content, chance, lambda line: [])


def node_doubled(content, chance):
    return _line_changed(content, chance, lambda line: [line, line])


def tag_replaced(content, chance):
    tags = (
        "!core/complex-1.0.0",
        "!transform/identity-1.2.0",
        "!<tag:x>",
        "!unknown-9.9.9",
        "",
        "!!str",
        "!gwcs/wcs-9.0.0",
    )
    tag = chance.choice(tags)
    return _line_changed(content, chance, lambda line: [re.sub(r"!\S+", tag, line)])


def tree_deep(content, chance):
    count = chance.choice((50, 150, 500, 5000))
    bomb = chance.random() < 0.5
    text = "a: " + "[" * count + "]" * count
    if bomb:
        text = "a: &a [1, 1]\n" + "".join(
            f"b{k}: &{chr(98 + k)} [*{chr(97 + k)}, *{chr(97 + k)}]\n" for k in range(24)
        )
    return _line_changed(
        content, chance, lambda line: [line, text] if not line.startswith((" ", "-")) else [line]
    )


def block_header(content, chance):
    """The header of a binary block: its flags, compression, and sizes."""
    places = [each.start() for each in re.finditer(rb"\xd3BLK", content)]
    if not places:
        return bytes_flipped(content, chance)
    place = chance.choice(places) + chance.randrange(54)
    return (
        content[:place]
        + chance.choice((b"\0", b"\xff", b"\x7f\xff", chance.randbytes(4)))
        + content[place + 4 :]
    )


def word_replaced(content, chance):
    """A word of a list, an association or a file of parameters."""
    words = list(re.finditer(rb"[^\s,:{}\[\]]+|[,:{}\[\]=]", content))
    token = chance.choice(TOKENS).encode()
    if not words:
        return token
    one = chance.choice(words)
    return content[: one.start()] + token + content[one.end() :]


def line_long(content, chance):
    return (
        content
        + b"\n"
        + chance.choice((b"x", b"[", b"{", b"\xc3\xa9", b"a/")) * chance.choice((256, 5000))
        + b"\n"
    )


BYTES = (bytes_flipped, block_overwritten, tail_damaged, truncated, grown)
CARDS = (
    card_replaced,
    value_replaced,
    value_replaced,
    structure_replaced,
    card_removed,
    card_doubled,
    card_garbled,
)
TREES = (
    node_replaced,
    node_replaced,
    number_replaced,
    node_removed,
    node_doubled,
    tag_replaced,
    tree_deep,
    block_header,
)
TEXTS = (word_replaced, word_replaced, line_long)


def choices(name, content):
    """The mutations for a file, each as often as it is to be made."""
    if name.endswith(".asdf"):
        return TREES * 3 + BYTES
    if not name.startswith(("v_", "j_")) and ".fits" not in name:
        return TEXTS * 2 + BYTES + (CARDS if name.endswith(".head") else ())
    return (
        CARDS * 2
        + BYTES
        + (TREES if b"#ASDF" in content else ())
        + ((structure_replaced, tail_damaged) * 6 if ".fz" in name else ())
    )


def mutate(name, content, chance):
    """Return other bytes, and what was done to them."""
    unpack, pack = next((both for end, both in PACKERS.items() if name.endswith(end)), (None, None))
    inside, plain = unpack is not None and chance.random() < 0.6, content
    if inside:
        try:
            plain = unpack(content)
        except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
            # damaged by the mutation before
            inside = False
    change = chance.choice(choices(name, plain) if inside or unpack is None else BYTES)
    made = change(plain, chance)
    return (pack(made) if inside else made), f"{change.__name__}{' packed' if inside else ''}"
