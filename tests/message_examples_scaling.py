"""An example of every message about units, areas and exposure times: the fields it is given, and the whole sentence."""

SCI = "isky01a1q_flc.fits[sci,2]"

EXAMPLES = {
    "NOT_CONVERTIBLE": (
        {
            "source": "i2d.fits[sci,1]",
            "unit": "MJy/sr",
            "wanted": "ELECTRONS",
            "reference": SCI,
            "hint": " (--as-is leaves values as they are)",
        },
        "i2d.fits[sci,1] is in MJy/sr and the blot is to be in ELECTRONS (isky01a1q_flc.fits[sci,2]): flux or surface "
        "brightness and counts cannot be converted, except to DN/s by the reference's PHOTMJSR or "
        "--photmjsr (--as-is leaves values as they are)",
    ),
    "UNCERTAINTY_DROPPED": (
        {"kind": "UnknownUncertainty"},
        "the image's uncertainty, a UnknownUncertainty, is dropped: expected a standard deviation or a variance",
    ),
    "NO_ERRORS": (
        {"name": "med.fits[sci,1]"},
        "med.fits[sci,1]: has no errors (ERR) to be carried into a blot: leave --errors (errors=True) out",
    ),
    "NO_SIGMA": (
        {"kind": "CCDData"},
        "sigma is not given, and the exposure, a CCDData, has no uncertainty: expected one of them",
    ),
    "MAP_AND_OTHER": (
        {"name": "target_wcs"},
        "target_wcs is given beside pixel_map: expected one of them",
    ),
    "AREA_ASSUMED": (
        {"name": "med.fits", "source": 0.03, "target": 0.05, "done": "left as they are"},
        "med.fits: no unit tells whether its values are per pixel, and its pixels (0.03 arcsec) are not as large as "
        "those of the blot (0.05 arcsec): values are left as they are (--pixel-area yes or no)",
    ),
    "AREA_STALE": (
        {"name": "drz.fits[sci,1]", "keyword": "PIXAR_SR", "value": 2.29e-14, "area": 3.76e-14},
        "drz.fits[sci,1]: PIXAR_SR = 2.29e-14 sr, but its WCS has pixels of 3.76e-14 sr, which are used",
    ),
    "COADD_AS_ONE": (
        {"name": "coadd.fits[0]", "value": "MEDIAN"},
        "coadd.fits[0]: COMBINET = 'MEDIAN', so its counts are those of one exposure and not of its exposure time; "
        "taken as an exposure as long as the one it is blotted onto (in counts per second: --in-units cps)",
    ),
    "TIMES_NOT_USED": (
        {"name": "coadd.fits[0]", "unit": "electron/pixel", "source": 300.0, "reference": 30.0},
        "coadd.fits[0]: is in electron/pixel as the exposure is, and its values are left as they are, though exposure "
        "times are 300 and 30 s",
    ),
    "SKY_NOT_A_NUMBER": (
        {"name": SCI, "keyword": "MDRIZSKY", "value": "INDEF"},
        "isky01a1q_flc.fits[sci,2]: sky MDRIZSKY = 'INDEF' is no number; the background is measured instead",
    ),
}
