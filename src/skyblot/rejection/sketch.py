"""A small picture of a mask for notebooks, as PNG, made with nothing but NumPy and zlib."""

import struct
import zlib
from base64 import b64encode

import numpy as np

#: Largest side, pixels.
_SIZE = 256
_DARK = (40, 40, 40)
_ORANGE = (255, 140, 0)
_LEVELS = 32
_EIGHT_BITS_OF_A_PALETTE = (8, 3, 0, 0, 0)


def mask_uri(mask: np.ndarray) -> str:
    """Return a mask as the address of a picture: as orange as blocks of it are flagged.

    The first row is at the bottom.
    """
    step = -(-max(mask.shape) // _SIZE)
    starts = [np.arange(0, size, step) for size in mask.shape]
    sums = np.add.reduceat(mask.astype(np.float32), starts[0], axis=0)
    sums = np.add.reduceat(sums, starts[1], axis=1)
    areas = [np.diff(start, append=size) for start, size in zip(starts, mask.shape, strict=True)]
    share = np.sqrt(sums / np.outer(*areas))  # faint where few are flagged, and yet to be seen
    levels = np.ceil(share * (_LEVELS - 1)).astype(np.uint8)[::-1]
    palette = np.rint(np.linspace(_DARK, _ORANGE, _LEVELS)).astype(np.uint8)
    rows = np.pad(levels, ((0, 0), (1, 0)))  # no filter, before each row
    ny, nx = levels.shape
    chunks = (
        (b"IHDR", struct.pack(">2I5B", nx, ny, *_EIGHT_BITS_OF_A_PALETTE)),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes())),
        (b"IEND", b""),
    )
    content = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)
    return f"data:image/png;base64,{b64encode(content).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
