"""A WCS of each kind, for a small image near one place on the sky."""

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS, Sip
from astropy.wcs.wcsapi import HighLevelWCSWrapper
from builders import gwcs_like, tangent

SHAPE = (90, 110)
CRVAL, SCALE = (150.0, 2.0), 1e-4


def distorted(wcs, size=3.0):
    """The same WCS with SIP terms of up to `size` pixels at its corners."""
    p, q = np.indices((4, 4))
    terms = np.where((p + q >= 2) & (p + q <= 3), size * 60.0 ** -(p + q).astype(float), 0.0)
    rng = np.random.default_rng(2)
    wcs.sip = Sip(
        terms * rng.uniform(-1, 1, p.shape),
        terms * rng.uniform(-1, 1, p.shape),
        None,
        None,
        wcs.wcs.crpix,
    )
    wcs.wcs.ctype = [f"{name}-SIP" for name in wcs.wcs.ctype]
    return wcs


def projected(code, **facts):
    """An image of some kilopixels near CRVAL in a projection."""
    return tangent(CRVAL, SCALE, shape=SHAPE, ctype=(f"RA---{code}", f"DEC--{code}"), **facts)


def zpn():
    wcs = projected("ZPN")
    wcs.wcs.set_pv([(2, 1, 1.0), (2, 3, 42.0), (2, 5, -10.0)])
    return wcs


def tpv():
    """A camera like DECam: radial and lower terms of some pixels."""
    wcs = projected("TPV", orient=7.0)
    terms = {
        0: 1e-5,
        1: 1.0004,
        2: -1e-4,
        4: 0.3,
        5: -0.2,
        6: 0.4,
        7: 60.0,
        8: 10.0,
        9: 50.0,
        10: -20.0,
    }
    wcs.wcs.set_pv(
        [
            (i, k, value * (1 if i == 1 else 0.9 + 0.1 * (k == 1)))
            for i in (1, 2)
            for k, value in terms.items()
        ]
    )
    return wcs


def iraf(kind):
    """TNX or ZPX: IRAF's corrections in WAT cards, cut into pieces of 68 characters that do not end
    in a blank.
    """
    header = fits.Header(
        {"CTYPE1": f"RA---{kind}", "CTYPE2": f"DEC--{kind}", "WAT0_001": "system=image"}
    )
    header.update({"CRVAL1": CRVAL[0], "CRVAL2": CRVAL[1], "CRPIX1": 50.0, "CRPIX2": 40.0})
    header.update(
        {"CD1_1": -SCALE, "CD1_2": 1e-6, "CD2_1": 2e-6, "CD2_2": SCALE, "RADESYS": "ICRS"}
    )
    projection = "projp1=1.0 projp3=42.0 " if kind == "ZPX" else ""
    terms = "3. 3. 3. 2. -0.0081 0.0081 -0.0081 0.0081 1.0E-5 2.0E-3 0.3 1.0E-3 0.2 0.4"
    for axis, (name, angle) in enumerate((("ra", "lng"), ("dec", "lat")), 1):
        text = f'wtype={kind.lower()} axtype={name} {projection}{angle}cor = "{terms} "'
        while any(text[end - 1 : end] == " " for end in range(68, len(text), 68)):
            text = text.replace(" axtype", "  axtype")
        header.update(
            {f"WAT{axis}_{k // 68 + 1:03d}": text[k : k + 68] for k in range(0, len(text), 68)}
        )
    wcs = WCS(header)
    wcs.array_shape = SHAPE
    return wcs


def table():
    """Positions from a table of nodes (-TAB), bilinear between them."""
    y, x = np.mgrid[:11, :13]
    lon = CRVAL[0] + SCALE * (-10 * x + 0.3 * y + 0.01 * x * y)
    lat = CRVAL[1] + SCALE * (10 * y + 0.2 * x + 0.02 * x**2)
    nodes = np.stack([lon, lat], axis=-1)[None]
    column = fits.Column("COORDS", f"{nodes.size}D", dim="(2,13,11)", array=nodes)
    header = fits.Header(
        {"CTYPE1": "RA---TAB", "CTYPE2": "DEC--TAB", "CUNIT1": "deg", "CUNIT2": "deg"}
    )
    for axis in (1, 2):
        header.update(
            {f"CRPIX{axis}": 1.0, f"CRVAL{axis}": 1.0, f"CDELT{axis}": 0.1, f"PV{axis}_3": axis}
        )
        header.update(
            {f"PS{axis}_0": "TABLE", f"PS{axis}_1": "COORDS", f"PV{axis}_1": 1, f"PV{axis}_2": 1}
        )
    header["RADESYS"] = "ICRS"
    image = fits.ImageHDU(np.zeros(SHAPE, "f4"), header)
    hdus = fits.HDUList(
        [fits.PrimaryHDU(), image, fits.BinTableHDU.from_columns([column], name="TABLE")]
    )
    return WCS(image.header, hdus)


def all_sky(code):
    """The whole sky in pixels of 0.1 degrees, so that a small target is far from the reference
    point.
    """
    return tangent(
        (0.0, 0.0), 0.1, 0.0, (1800.0, 900.0), (1800, 3600), ctype=(f"RA---{code}", f"DEC--{code}")
    )


KINDS = {
    "SIP": lambda: distorted(projected("TAN")),
    **{
        code: lambda code=code: projected(code, orient=12.0)
        for code in ("SIN", "ARC", "STG", "CAR", "ZEA", "AIT")
    },
    "ZPN": zpn,
    "TPV": tpv,
    "TNX": lambda: iraf("TNX"),
    "ZPX": lambda: iraf("ZPX"),
    "-TAB": table,
    "gwcs": lambda: gwcs_like(projected("TAN"), bounded=False),
    "high level": lambda: HighLevelWCSWrapper(distorted(projected("TAN", orient=3.0))),
    "DEC first": lambda: tangent(CRVAL[::-1], SCALE, shape=SHAPE, ctype=("DEC--CAR", "RA---CAR")),
    "CROTA2": lambda: rotated("CROTA2"),
    "PC": lambda: rotated("PC"),
}


def rotated(kind):
    """CDELT with CROTA2, or with PC."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ("RA---STG", "DEC--STG"), CRVAL, (50.0, 40.0)
    wcs.wcs.cdelt, wcs.wcs.radesys, wcs.array_shape = (-SCALE, 1.1 * SCALE), "ICRS", SHAPE
    if kind == "CROTA2":
        wcs.wcs.crota = (0.0, 25.0)
    else:
        wcs.wcs.pc = ((0.9, 0.1), (-0.2, 0.95))
    return wcs
