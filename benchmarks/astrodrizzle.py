"""AstroDrizzle from exposures to a mosaic, without reference files: ``python astrodrizzle.py
EXPOSURE...``, in a folder of its own.
"""

import os
import sys
import warnings


def main() -> None:
    """Sky, separate drizzle, median, blot, masks, final drizzle."""
    warnings.simplefilter("ignore")
    os.environ.update(ASTROMETRY_STEP_CONTROL="off", iref="/nonexistent/", jref="/nonexistent/")
    from drizzlepac import astrodrizzle

    astrodrizzle.AstroDrizzle(
        sys.argv[1:], output="final", mdriztab=False, updatewcs=False, wcskey="", resetbits=4096,
        clean=False, preserve=False, overwrite=True, skymethod="match", driz_sep_bits="336",
        final_bits="336", final_wht_type="EXP", build=True, context=True,
    )  # fmt: skip


main()
