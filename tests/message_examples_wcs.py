"""An example of every message about frames, distortion, and which WCS counts: its fields, and the whole sentence."""

SCI = "a_flc.fits[sci,2]"

EXAMPLES = {
    "FRAME_NOT_KNOWN": (
        {"role": "source"},
        "the source's WCS has equinox 2000, and does not tell whether its header states FK5: no rotation is made "
        "from or to ICRS (an image HDU or a file tells)",
    ),
    "STALE_CARDS": (
        {"name": "a_drz.fits[sci,1]", "what": "SIP and D2IM"},
        "a_drz.fits[sci,1]: is a drizzled image: SIP and D2IM, left in its header from its exposures, is ignored",
    ),
    "SIP_NOT_SAID": (
        {"name": SCI, "value": "RA---TAN"},
        "a_flc.fits[sci,2]: has SIP coefficients though CTYPE1 = 'RA---TAN' does not say -SIP: they are applied",
    ),
    "NO_DISTORTION": (
        {"name": SCI, "reason": "names IDCTAB and has no SIP (was updatewcs run?)"},
        "a_flc.fits[sci,2]: names IDCTAB and has no SIP (was updatewcs run?): no distortion is applied, positions may "
        "be wrong by many pixels",
    ),
    "GWCS_AND_HEADER": (
        {"name": "a_cal.fits[sci,1]", "pixels": 2.0},
        "a_cal.fits[sci,1]: its gwcs, which is used, and the WCS in its header are 2 pixels apart: only one of them "
        "was aligned, or the header's is a poor approximation",
    ),
    "IDCSCALE_NOT_USED": (
        {"name": SCI, "value": 0.0396, "reason": "contradicts it", "scale": 0.06},
        "a_flc.fits[sci,2]: IDCSCALE = 0.0396 arcsec contradicts it: the pixel scale of its WCS, 0.06 arcsec, is used",
    ),
    "HEAD_USED": (
        {"name": SCI, "head": "a_flc.head"},
        "a_flc.fits[sci,2]: the file a_flc.head beside it replaces its WCS",
    ),
    "DISTORTION_DROPPED": (
        {"name": SCI, "given": "outscale"},
        "a_flc.fits[sci,2]: its distortion is dropped, since outscale is given",
    ),
    "NO_ALTERNATE": (
        {"name": SCI, "key": "C", "present": "A and O"},
        "a_flc.fits[sci,2]: no alternate WCS with the key C (--wcs-key), it has A and O",
    ),
    "HEAD_COUNT": (
        {"name": "a.head", "count": 3, "image": "a.fits", "images": 4},
        "a.head: holds 3 headers, and a.fits has 4: expected one for each image",
    ),
}
