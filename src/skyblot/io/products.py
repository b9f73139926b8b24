"""Names of products: what of an exposure's name stays in that of what is made of it."""

import re

from ..headers.instruments import Names, known_names
from .names import Extension, ImageName, parse_name, plain_name
from .remote import AnyPath

#: What skyblot and AstroDrizzle write beside exposures.
_MADE = ("blt", "crmask", "crclean", "crdq")
#: What calibration, drizzling and skyblot itself put behind a root: u5780205r_c0m, jw01_nrcb5_cal.
_PRODUCTS = frozenset(
    label
    for names in (*known_names(), Names(products=("med", *_MADE)))
    for label in (*names.exposures, *names.products)
)


def root_of(path: AnyPath) -> str:
    """Return a file's name without suffixes, and without what says which product it is.

    Examples
    --------
    >>> from pathlib import Path
    >>> root_of(Path("j8c0d1bwq_flc.fits.gz")), root_of(Path("c4d_180908_000426_ooi_g_v1.fits.fz"))
    ('j8c0d1bwq', 'c4d_180908_000426_ooi_g_v1')
    """
    return _split(path)[0]


def label_of(path: AnyPath) -> str:
    """Return what a file's name says of which product it is; empty where it says nothing.

    Examples
    --------
    >>> from pathlib import Path
    >>> label_of(Path("j8c0d1bwq_flc.fits.gz")), label_of(Path("ngc_1.fits"))
    ('flc', '')
    """
    return _split(path)[1]


def _split(path: AnyPath) -> tuple[str, str]:
    """Root and product."""
    name = plain_name(path)
    stem = (name[:-3] if name.lower().endswith(".fz") else name).rsplit(".", 1)[0]
    root, _, product = stem.rpartition("_")
    return (root, product.lower()) if root and product.lower() in _PRODUCTS else (stem, "")


def extension_label(extension: Extension | None) -> str:
    """Return an extension as part of a file's name, of letters, digits, minus and underscore.

    A number, and no extension, are called as HST's and JWST's are: ``sci4``, ``sci1``.

    Examples
    --------
    >>> extension_label(("SCI", 2)), extension_label(("S30", 1)), extension_label("ESO_CCD_#65")
    ('sci2', 's30_1', 'eso_ccd_65_1')
    """
    if extension is None or isinstance(extension, int):
        return f"sci{1 if extension is None else extension}"
    name, version = (extension, 1) if isinstance(extension, str) else extension
    label = re.sub(r"[^a-z0-9+-]+", "_", name.lower()).strip("_") or "hdu"
    return f"{label}_{version}" if label[-1:].isdigit() else f"{label}{version}"


def copy_name(where: ImageName, label: str) -> str:
    """Return the name of a changed copy of an exposure, without ``.gz``: it is not packed.

    Examples
    --------
    >>> from pathlib import Path
    >>> copy_name(ImageName(Path("j8c0d1bwq_flc.fits.gz")), "crclean")
    'j8c0d1bwq_crclean.fits'
    """
    name = plain_name(where.path)
    tiled = ""
    if name.lower().endswith(".fz"):
        tiled = name[-3:]
        name = name[:-3]
    _, dot, suffix = name.rpartition(".")
    return f"{root_of(where.path)}_{label}.{suffix if dot else 'fits'}{tiled}"


def without_products(names: list[str]) -> list[str]:
    """Leave masks, blots and copies out where their exposures are named too: patterns find all.

    Examples
    --------
    >>> without_products(["x_flc.fits", "x_sci1_crmask.fits", "x_crclean.fits", "y_sci1_blt.fits"])
    ['x_flc.fits', 'y_sci1_blt.fits']
    """
    paths = {name: parse_name(name).path for name in names}
    made = {name for name, path in paths.items() if label_of(path) in _MADE}
    roots = {(path.parent, root_of(path)) for name, path in paths.items() if name not in made}

    def is_left_out(name: str) -> bool:
        path = paths[name]
        words = root_of(path).split("_")
        known = ("_".join(words[: end + 1]) for end in range(len(words)))
        return name in made and any((path.parent, root) in roots for root in known)

    return [name for name in names if not is_left_out(name)]
