"""Facts of pixels from headers, as those of `skyblot.headers.facts`.

How they are stored, their noise, their flags, and where a mosaic has any.
"""

from .facts import Fact

STORED = Fact(
    name="how whole numbers are stored",
    keywords=("BZERO", "BSCALE", "BLANK"),
    overrides="",
    missing="values are as stored, and none is undefined",
    odd="astropy's error is told",
    contradicted="what --clean writes is rounded, kept within the type's range, and never BLANK",
    places="the extension's header",
)
#: The amplifiers for which ``{}`` stands in a keyword.
AMPLIFIERS = ("A", "B", "C", "D", *map(str, range(1, 17)))
GAIN = Fact(
    "gain, electrons per count",
    (
        "ATODGN{}", "ATODGAIN", "CCDGAIN", "ADCGAIN", "EGAIN", "GAIN{}", "ESO DET OUT{} CONAD",
        "GAIN", "ESO DET OUT{} GAIN",
    ),
    overrides="--gain (gain=)",
    missing="1 where BUNIT is electrons; else an error, where there is no map of errors either",
    odd=(
        "text, what is not finite and what is not above 0 is passed over for the next keyword, "
        "with a warning"
    ),
    contradicted=(
        "ESO's GAIN is counts per electron, and turned round; WFPC2's 7 and 15 are those of its "
        "handbook"
    ),
)  # fmt: skip
READ_NOISE = Fact(
    "read noise, electrons",
    (
        "READNSE{}", "READNSE", "RDNOISE{}", "RDNOISE", "READNOIS{}", "READNOIS", "READNOISE",
        "READNOI", "RDNOIS", "ENOISE", "RON", "RN", "ESO DET OUT{} RON",
    ),
    overrides="--read-noise (read_noise=)",
    missing="that of its handbook for WFPC2; else an error, where there is no map of errors",
    odd=(
        "text, what is not finite and what is not above 0 is passed over for the next keyword, "
        "with a warning"
    ),
)  # fmt: skip
AMPLIFIER_SECTIONS = Fact(
    "what each amplifier read",
    ("DATASEC{}", "CCDSEC{}"),
    overrides="--gain and --read-noise, which are for all of the image",
    missing=(
        "HST's amplifiers are those of CCDAMP; else gain and read noise are the means over the "
        "amplifiers"
    ),
    odd="passed over",
    contradicted=(
        "DATASEC counts where all sections lie in the image, apart; CCDSEC, moved by LTV, where "
        "they fill it"
    ),
)
AMPLIFIERS_READ = Fact(
    "amplifiers of an HST chip",
    ("CCDAMP",),
    overrides="--gain and --read-noise, which are for all of the image",
    missing="gain and read noise are the means over the amplifiers",
    odd="gain and read noise are the means over the amplifiers",
)
ERRORS = Fact(
    "errors of an exposure's pixels",
    ("ERR", "UNCERT", "VARIANCE", "VAR"),
    overrides="--err PATTERN (err=), or --read-noise (read_noise=)",
    missing=(
        "the file of weights beside DECam's _ooi; else the noise is made of gain and read noise"
    ),
    odd=(
        "a pixel whose error is not above 0 or not finite is left out; where none is, as if there "
        "were no errors"
    ),
    contradicted="a unit other than the image's is warned of; another shape is an error",
    places=(
        "the extension of the image's EXTVER; UTYPE tells deviations, variances and inverse "
        "variances apart"
    ),
)
READ_VARIANCE = Fact(
    "variance of reading an exposure's pixels",
    ("VAR_RNOISE",),
    overrides="--weight (weight=), for a mosaic that is not weighed by it",
    missing="the variance of the sky, which is measured",
    odd="a pixel whose variance is not above 0 or not finite has no weight in a mosaic",
    places="the extension of the image's EXTVER",
)
QUALITY = Fact(
    "bad pixels of an exposure",
    ("DQ", "MASK"),
    overrides="--dq PATTERN (dq=)",
    missing=(
        "the file beside WFPC2's _c0m (_c1m) or DECam's _ooi (_ood); else no pixel is left out, "
        "with a warning"
    ),
    odd="what is not of whole numbers is an error",
    contradicted="another shape than the image's is an error",
    places=(
        "the extension of the image's EXTVER; 0 is good, and of a MASK with MP_ cards the planes "
        "that are harmless"
    ),
)
CONSTANT = Fact(
    "value of a plane without pixels",
    ("PIXVALUE",),
    overrides="--dq, --err",
    missing="the plane counts as not there",
    odd="an error",
    contradicted=(
        "NPIX1 and NPIX2 other than the image's shape are an error; without them the plane has its "
        "shape"
    ),
    places="the plane's own header, with NAXIS = 0",
)
COVERAGE = Fact(
    "where a mosaic is covered",
    ("WHT", "CTX"),
    overrides="a copy of the mosaic without them",
    missing=(
        "the file of weights beside it (_sci or _drz and _wht, .weight); else all of it is covered"
    ),
    odd="a weight that is not above 0, NaN too, is not covered",
    contradicted=(
        "one of another shape is not used, with a warning; NaN of the mosaic is not covered either"
    ),
    places="the extension of the mosaic's EXTVER",
)
LSST_COSMIC = Fact(
    name="bit of cosmic rays in an LSST mask",
    keywords=("MP_CR",),
    overrides="",
    missing="a MASK gets 1, a DQ the bits of its instrument",
    odd="an error",
    places="the header of MASK",
)
