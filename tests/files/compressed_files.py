"""Compressed copies of files, and blots in arrays."""

import gzip

from astropy.io import fits

from skyblot import blot_file


def gzipped(path):
    new_path = path.with_name(f"{path.name}.gz")
    new_path.write_bytes(gzip.compress(path.read_bytes(), 1))
    return new_path


def tiled(path, kind, tile=None):
    """A copy whose images are compressed tile by tile, without loss."""
    new_path = path.with_name(f"{path.name}.fz")
    with fits.open(path) as hdus:
        made = [
            fits.CompImageHDU(
                hdu.data,
                hdu.header,
                name=hdu.name,
                compression_type=kind,
                quantize_level=0,
                tile_shape=tile,
            )
            if hdu.name == "SCI"
            else hdu.copy()
            for hdu in hdus
        ]
        for new, old in zip(made, hdus, strict=True):
            if old.name == "SCI":
                new.ver = old.ver
        fits.HDUList(made).writeto(new_path)
    return new_path


def pixels(path):
    with fits.open(path) as hdus:
        return hdus["SCI"].data.copy()


def blots(tmp_path, reference, *sources, **parameters):
    made = [
        blot_file(each, reference, tmp_path / f"{n}.fits", **parameters)
        for n, each in enumerate(sources)
    ]
    return [pixels(path) for path in made]
