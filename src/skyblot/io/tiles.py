"""Images compressed tile by tile, without loss, and the same bytes whenever they are written."""

from typing import BinaryIO

import numpy as np
from astropy.io import fits

#: Where gzip's header has the time of compression.
_TIME = slice(4, 8)


def tiled(image: fits.ImageHDU) -> fits.CompImageHDU:
    """Return an image compressed without loss: Rice's method takes integers up to four bytes."""
    small = image.data.dtype.kind != "f" and image.data.dtype.itemsize <= 4
    compressed = fits.CompImageHDU(
        image.data,
        image.header,
        name=image.name,
        compression_type="RICE_1" if small else "GZIP_2",
        quantize_level=0,
    )
    compressed.ver = image.ver
    return compressed


def forget_times(path: str) -> None:
    """Clear the times in the gzip headers of a file's tiles, which astropy lets gzip write."""
    with fits.open(path, disable_image_compression=True, memmap=False) as hdus:
        tables = [(hdu.header.copy(), hdu.fileinfo()["datLoc"]) for hdu in hdus]
    with open(path, "r+b") as file:
        for header, start in tables:
            if header.get("ZCMPTYPE") == "GZIP_2":
                _forget_in(file, header, start)


def _forget_in(file: BinaryIO, header: fits.Header, start: int) -> None:
    """Clear the times of the tiles of one image, whose table begins at `start`."""
    rows = header["NAXIS2"]
    width = header["NAXIS1"]
    # the first column: length and place of a tile
    integer = np.dtype(">i8" if "Q" in header["TFORM1"] else ">i4")
    heap = start + header.get("THEAP", rows * width)
    file.seek(start)
    table = np.frombuffer(file.read(rows * width), np.uint8).reshape(rows, width)
    for _, place in table[:, : 2 * integer.itemsize].copy().view(integer):
        file.seek(heap + int(place) + _TIME.start)
        file.write(bytes(_TIME.stop - _TIME.start))
