"""Files to blot: a mosaic and a reference with real headers; mosaics of any size that take no room
on disk.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from work import Work, mosaic_for


@dataclass(frozen=True)
class Files:
    """What a blot is made from, and where it goes."""

    source: Path
    reference: Path
    output: Path


def write_files(work: Work, folder: Path) -> Files:
    """Write a work's mosaic and reference into a folder."""
    files = Files(folder / "mosaic_drz.fits", folder / "reference_flc.fits", folder / "blot.fits")
    header = _mosaic_header(work, work.source_wcs)
    image = fits.ImageHDU(work.source, header, name="SCI", ver=1)
    _write(files.source, work, [image])
    chip = fits.ImageHDU(
        np.zeros(work.shape, np.float32), work.target.header.copy(strip=True), name="SCI", ver=1
    )
    chip.header["BUNIT"] = "ELECTRONS/S"
    _write(files.reference, work, [chip, *(table.copy() for table in work.target.tables)])
    return files


def write_sparse_mosaic(work: Work, path: Path, size: int) -> None:
    """Write a mosaic of `size` x `size` zeros around the target, as holes in the file; big-endian,
    as FITS has it.
    """
    wcs, _ = mosaic_for(work.target_wcs, scale=0.0396 / 3600, shape=(size, size))
    header = fits.Header(
        {"XTENSION": "IMAGE", "BITPIX": -32, "NAXIS": 2, "NAXIS1": size, "NAXIS2": size}
    )
    header.update({"PCOUNT": 0, "GCOUNT": 1, "EXTNAME": "SCI", "EXTVER": 1})
    header.update(_mosaic_header(work, wcs))
    _write(path, work, [])
    with open(path, "ab") as stream:
        stream.write(header.tostring().encode())
        end = stream.tell() + 4 * size * size
        stream.truncate(-(-end // 2880) * 2880)


def _mosaic_header(work: Work, wcs: WCS) -> fits.Header:
    header = fits.Header({"BUNIT": "ELECTRONS/S", "EXPTIME": 400.0, "RADESYS": "ICRS"})
    for i in (0, 1):
        header[f"CTYPE{i + 1}"], header[f"CUNIT{i + 1}"] = str(wcs.wcs.ctype[i]), "deg"
        header[f"CRVAL{i + 1}"], header[f"CRPIX{i + 1}"] = (
            float(wcs.wcs.crval[i]),
            float(wcs.wcs.crpix[i]),
        )
        for j in (0, 1):
            header[f"CD{i + 1}_{j + 1}"] = float(wcs.pixel_scale_matrix[i, j])
    return header


def _write(path: Path, work: Work, hdus: list) -> None:
    primary = fits.PrimaryHDU(header=work.target.primary.copy(strip=True))
    primary.header.update({"FILENAME": path.name, "EXPTIME": 400.0, "NEXTEND": len(hdus)})
    fits.HDUList([primary, *hdus]).writeto(path, overwrite=True, output_verify="silentfix+ignore")


def write_exposures(work: Work, folder: Path, count: int) -> list[Path]:
    """Write references that are some pixels apart, one chip each."""
    paths = []
    for number in range(count):
        header = work.target.header.copy(strip=True)
        header["CRVAL1"] += (number % 4 - 1.5) * 7e-5
        header["CRVAL2"] += (number // 4 - 1.5) * 7e-5
        header["BUNIT"] = "ELECTRONS/S"
        chip = fits.ImageHDU(np.zeros(work.shape, np.float32), header, name="SCI", ver=1)
        paths.append(folder / f"exposure{number:02d}_flc.fits")
        _write(paths[-1], work, [chip, *(table.copy() for table in work.target.tables)])
    return paths
