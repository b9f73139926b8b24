"""The files that the fuzzer starts from: small, whole, one of each form that skyblot reads."""

import bz2
import gzip
import json
import lzma
import shutil
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from samples import tan_header

from skyblot.demo import make_demo

MOSAIC, CHIP = (88, 96), (56, 64)
#: Seconds of the exposures, and their sky in electrons.
EXPTIME, SKY = 100.0, 30.0


def sky(shape, x0=0.0, y0=0.0):
    """Stars, in electrons per second, where pixel (0, 0) is at (x0, y0) of the mosaic."""
    y, x = np.indices(shape)
    image = np.zeros(shape)
    for star in range(14):
        cx, cy, peak = (
            96 * (star * 0.618 % 1) - x0,
            88 * (star * 0.371 % 1) - y0,
            5 + 3 * (star % 5),
        )
        image += peak * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 4.5)
    return image


def pixels(seed):
    """An exposure in electrons with noise and cosmic rays, its errors, and its flags."""
    rng = np.random.default_rng(seed)
    clean = EXPTIME * sky(CHIP, 16, 16) + SKY
    errors = np.sqrt(clean + 9)
    data = clean + errors * rng.standard_normal(CHIP)
    data[20, 11:15] += 5000
    flags = np.zeros(CHIP, np.int16)
    flags[:, 30] = 4
    return data.astype("f4"), errors.astype("f4"), flags


def chip_header(**cards):
    sip = {
        "CTYPE1": "RA---TAN-SIP",
        "CTYPE2": "DEC--TAN-SIP",
        "A_ORDER": 2,
        "A_2_0": 1e-6,
        "B_ORDER": 2,
        "B_0_2": -1e-6,
    }
    return tan_header(CHIP, **sip, BUNIT="ELECTRONS", MDRIZSKY=SKY, **cards)


def primary(**cards):
    told = {
        "TELESCOP": "HST",
        "INSTRUME": "ACS",
        "DETECTOR": "WFC",
        "EXPTIME": EXPTIME,
        "FILTER": "F606W",
    }
    return fits.PrimaryHDU(header=fits.Header({**told, "NEXTEND": 3, **cards}))


def plain(folder):
    """A mosaic with its weights, and three exposures: of floats, of scaled integers, and packed."""
    header = tan_header(MOSAIC, BUNIT="ELECTRONS/S", NCOMBINE=3, EXPTIME=300.0)
    noise = np.random.default_rng(1).standard_normal(MOSAIC) * 0.02
    image = fits.ImageHDU((sky(MOSAIC) + noise).astype("f4"), header, name="SCI", ver=1)
    weights = fits.ImageHDU(np.ones(MOSAIC, "f4"), header, name="WHT", ver=1)
    fits.HDUList([primary(NEXTEND=2), image, weights]).writeto(folder / "med.fits")
    for seed, name in enumerate(("a_flt.fits", "b_flt.fits", "d_flt.fits")):
        data, errors, flags = pixels(seed)
        sci = fits.ImageHDU(data, chip_header(), name="SCI", ver=1)
        if name == "b_flt.fits":
            sci.scale("int16", bscale=0.5, bzero=8000)
            sci.header["BLANK"] = -32768
        hdus = [
            primary(),
            sci,
            fits.ImageHDU(errors, name="ERR", ver=1),
            fits.ImageHDU(flags, name="DQ", ver=1),
        ]
        fits.HDUList(hdus).writeto(folder / name)


def packed(folder):
    """Files compressed as a whole, and tile by tile."""
    for name, pack in (
        ("a_flt.fits.gz", gzip.compress),
        ("med.fits.bz2", bz2.compress),
        ("b_flt.fits.xz", lzma.compress),
    ):
        (folder / name).write_bytes(pack((folder / name.rpartition(".")[0]).read_bytes()))
    for name, methods in (
        ("d_flt.fits", ("RICE_1", "GZIP_2", "PLIO_1")),
        ("med.fits", ("GZIP_1", "RICE_1")),
    ):
        with fits.open(folder / name) as hdus:
            tiles = [
                fits.CompImageHDU(hdu.data, hdu.header, hdu.name, compression_type=how)
                for hdu, how in zip(hdus[1:], methods, strict=True)
            ]
            fits.HDUList([hdus[0].copy(), *tiles]).writeto(folder / f"{name}.fz")
    whole, *_ = pixels(4)
    whole = fits.CompImageHDU(
        whole.astype(np.int32), chip_header(), "SCI", compression_type="HCOMPRESS_1"
    )
    fits.HDUList([primary(NEXTEND=1), whole]).writeto(folder / "h_flt.fits.fz")


def ground(folder):
    """An exposure from the ground with what lies beside it, and a coadd of SWarp's."""
    data, *_ = pixels(5)
    cards = {"GAIN": 1.0, "RDNOISE": 3.0, "EXPTIME": EXPTIME, "SATURATE": 60000.0, "FLXSCALE": 1.0}
    header = chip_header(**cards)
    fits.PrimaryHDU(data, header).writeto(folder / "g.fits")
    fits.PrimaryHDU(np.ones(CHIP, "f4")).writeto(folder / "g.weight.fits")
    (folder / "g.head").write_text(
        tan_header(CHIP, FLXSCALE=1.0).tostring(sep="\n", padding=False) + "\n"
    )
    coadd = tan_header(MOSAIC, SOFTNAME="SWarp", COMBINET="CLIPPED", EXPTIME=EXPTIME, GAIN=1.0)
    fits.PrimaryHDU((EXPTIME * sky(MOSAIC)).astype("f4"), coadd).writeto(folder / "coadd.fits")


def tables(folder):
    """HST's look-up tables: an exposure of two chips, and its median."""
    made = make_demo(folder / "demo", exposures=1, chip_shape=(64, 96))
    shutil.move(made.median, folder / "c_med.fits")
    shutil.move(made.exposures[0], folder / "c_flc.fits")
    shutil.rmtree(folder / "demo")


def pipelines(folder):
    """JWST's and Roman's files, where gwcs and asdf are there."""
    from gwcs_files import (
        exposure_gwcs,
        mosaic_gwcs,
        mosaic_header,
        write_cal,
        write_i2d,
        write_roman,
    )

    shape = (70, 80)
    own = exposure_gwcs(CHIP)
    big = sky(shape).astype("f4")
    write_i2d(folder / "j_i2d.fits", big, mosaic_header(shape))
    write_cal(folder / "j_cal.fits", own, data=sky(CHIP).astype("f4"))
    write_roman(
        folder / "r_coadd.asdf",
        big,
        mosaic_gwcs(mosaic_header(shape), shape),
        tag="wfi_mosaic-1.0.0",
    )
    planes = {"err": np.ones(CHIP, "f4"), "dq": np.zeros(CHIP, np.uint32)}
    write_roman(folder / "r_cal.asdf", sky(CHIP).astype("f4"), own, **planes)
    write_roman(folder / "z_cal.asdf", sky(CHIP).astype("f4"), own, compression="zlib", **planes)


def texts(folder):
    """Lists, associations, and parameters."""
    (folder / "list.txt").write_text("# exposures\na_flt.fits[sci,1]\nb_flt.fits\n@more.txt\n")
    (folder / "more.txt").write_text("d_flt.fits.fz[1]\n")
    members = [{"expname": name, "exptype": "science"} for name in ("a_flt.fits", "b_flt.fits")]
    (folder / "asn.json").write_text(
        json.dumps({"asn_type": "image3", "products": [{"name": "x", "members": members}]})
    )
    columns = [
        fits.Column("MEMNAME", "14A", array=["A", "B", "X"]),
        fits.Column("MEMTYPE", "14A", array=["EXP-DTH", "EXP-DTH", "PROD-DTH"]),
        fits.Column("MEMPRSNT", "L", array=[True, True, True]),
    ]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(
        folder / "v_asn.fits"
    )
    (folder / "my.cfg").write_text(
        "interp = linear\n[Scaling Parameters]\nexpkey = EXPTIME\nin_units = cps\n"
    )


def make_files(folder):
    """Write all of them into an empty folder; return whether JWST's and Roman's are among them."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plain(folder)
    packed(folder)
    ground(folder)
    tables(folder)
    texts(folder)
    try:
        pipelines(folder)
    except ImportError:
        return False
    return True
