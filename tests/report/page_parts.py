"""What the page of a report holds, read by other means than its own scripts."""

import base64
import json
import re
import struct
from io import BytesIO

import numpy as np
from PIL import Image

TILE = re.compile(r'<script type="application/octet-stream" id="t(\d+)-(\d+)">([^<]*)</script>')
DATA = re.compile(r'<script type="application/json" class="chip-data">(.*?)</script>')
#: Of a tile in the folder beside a page: its page, its chip, its number, and its bytes.
SCRIPT = re.compile(r'skyblotTile\("(\w+)",(\d+),(\d+),"([^"]*)"\)\n')


def chip_data(path):
    """What scripts are told of each chip."""
    return [json.loads(text) for text in DATA.findall(path.read_text(encoding="utf-8"))]


def pictures(content):
    """The pictures of a tile, first row at the bottom, None of an empty one.

    Blot, what it lacks (of an overview the exposure), residual, sigma, labels.
    """
    if not content:
        return None
    start, found = 20, []
    for length in struct.unpack_from("<5I", content):
        part = content[start : start + length]
        found.append(np.asarray(Image.open(BytesIO(part)))[::-1] if part else None)
        start += length
    assert start <= len(content) < start + 2  # 15 bits in a character: there may be a byte more
    return found


def page_tiles(path):
    """The pictures of all tiles in a page, by chip and number."""
    return {
        (int(chip), int(number)): pictures(base64.b64decode(text, validate=True))
        for chip, number, text in TILE.findall(path.read_text(encoding="utf-8"))
    }


def folder_tiles(folder):
    """The pictures of all tiles in a folder, by chip and number; and the page they say."""
    tiles, pages = {}, set()
    for file in folder.iterdir():
        page, chip, number, text = SCRIPT.fullmatch(file.read_bytes().decode("utf-16")).groups()
        assert file.name == f"{chip}-{number}.js"
        bits = "".join(f"{ord(character) - 0x3400:015b}" for character in text)
        whole = len(bits) // 8
        content = int(bits[: 8 * whole] or "0", 2).to_bytes(whole, "big")
        tiles[int(chip), int(number)] = pictures(content)
        pages.add(page)
    return tiles, pages


def blot_levels(planes):
    """Levels of the blot of a tile."""
    return planes[0] + planes[1]  # uint8, modulo 256


def value(scale, level):
    """The value of a level, by the definition of the scale."""
    low, high = (
        np.arcsinh((scale[end] - scale["middle"]) / scale["width"]) for end in ("low", "high")
    )
    share = np.asarray(level, float) / (scale["levels"] - 1)
    return scale["middle"] + scale["width"] * np.sinh(low + share * (high - low))
