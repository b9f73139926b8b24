"""An example of every message about headers, coordinates, arguments and runs: its fields, and the whole sentence."""

SCI = "isky01a1q_flc.fits[sci,2]"

EXAMPLES = {
    # Headers and units
    "BAD_KEYWORD": (
        {"name": SCI, "keyword": "sky MDRIZSKY", "value": "dark", "expected": "a number (or give --no-addsky)"},
        "isky01a1q_flc.fits[sci,2]: sky MDRIZSKY = 'dark', expected a number (or give --no-addsky)",
    ),
    "NO_EXPTIME": (
        {"name": SCI, "keywords": "EXPTIME or DRIZEXPT", "option": "--in-units cps"},
        "isky01a1q_flc.fits[sci,2]: no exposure time, its headers have no EXPTIME or DRIZEXPT "
        "(give --expkey KEYWORD, or --in-units cps)",
    ),
    "UNITS_DIFFER": (
        {"source": "i2d.fits[sci,1]", "unit": "MJy/sr", "reference": "a_cal.fits[sci,1]", "wanted": "mag/arcsec2"},
        "i2d.fits[sci,1] is in MJy/sr and a_cal.fits[sci,1] in mag/arcsec2: cannot be converted",
    ),
    "KEYWORD_TWICE": (
        {"name": "med.fits[0]", "keyword": "EXPTIME", "value": 412.2},
        "med.fits[0]: EXPTIME is there more than once, with different values; 412.2, the first, is used",
    ),
    "UNIT_ASSUMED": (
        {
            "name": "med.fits[0]",
            "found": "there is no BUNIT",
            "assumed": "cps",
            "option": "in-units",
            "argument": "in_units",
        },
        "med.fits[0]: there is no BUNIT; taken as cps (say --in-units, or in_units=, to choose)",
    ),
    "GAIN_NOT_APPLIED": (
        {"source": "med.fits[0]", "unit": "ELECTRONS/S", "reference": SCI, "wanted": "COUNTS"},
        "med.fits[0] is in ELECTRONS/S and isky01a1q_flc.fits[sci,2] in COUNTS: the gain between them is not applied",
    ),
    "SKY_UNIT": (
        {"name": SCI, "keyword": "MDRIZSKY", "unit": "ELECTRONS", "wanted": "cps"},
        "isky01a1q_flc.fits[sci,2]: MDRIZSKY is in ELECTRONS and the blot in cps; it is added as it is",
    ),
    # World coordinates
    "NO_HEADER_WCS": (
        {"name": "spectrum.fits[0]", "value": "WAVE"},
        "spectrum.fits[0]: no celestial WCS in its header (CTYPE1 = 'WAVE')",
    ),
    "NO_STORED_WCS": (
        {"name": "a_cal.asdf", "place": "roman/meta/wcs"},
        "a_cal.asdf: no WCS at roman/meta/wcs of its ASDF tree: it has none, or one for each slit",
    ),
    "NOT_CELESTIAL": (
        {"name": "a_cal.fits[sci,1]", "place": "meta/wcs", "found": "pos.eq.ra, pos.eq.dec, em.wl"},
        "a_cal.fits[sci,1]: its meta/wcs gives pos.eq.ra, pos.eq.dec, em.wl, expected longitude and latitude of a "
        "2-D image: spectra cannot be blotted",
    ),
    "SINGULAR": (
        {"name": SCI, "evidence": "its CD matrix is [[0.0, 0.0], [0.0, 0.0]]"},
        "isky01a1q_flc.fits[sci,2]: its WCS is singular: its CD matrix is [[0.0, 0.0], [0.0, 0.0]]",
    ),
    "GWCS_FAILS": (
        {"name": "a_cal.fits[sci,1]", "reason": "division by zero"},
        "a_cal.fits[sci,1]: its gwcs cannot be evaluated: division by zero",
    ),
    "WCS_FAILS": (
        {"role": "target", "done": "inverted", "reason": "no solution"},
        "the target's WCS cannot be inverted: no solution",
    ),
    "WCS_SINGULAR": (
        {"role": "source", "matrix": [[1.0, 1.0], [1.0, 1.0]]},
        "the source's WCS is singular: its CD matrix is [[1.0, 1.0], [1.0, 1.0]]",
    ),
    "WCS_NOT_CELESTIAL": (
        {"role": "source", "found": "'', ''"},
        "the source has no celestial WCS: CTYPE is '', '', expected RA---TAN or the like",
    ),
    "NO_ROTATION": (
        {"role": "target", "keyword": "RADESYS", "value": "'GAPPT'", "expected": "ICRS, FK5 or FK4"},
        "the target's WCS has RADESYS 'GAPPT', from which no rotation to the other WCS is known: "
        "expected ICRS, FK5 or FK4",
    ),
    "WCS_AXES": (
        {"role": "target", "count": 3, "found": "pos.eq.ra, pos.eq.dec"},
        "the target's WCS maps 3 pixel axes to pos.eq.ra, pos.eq.dec: expected two pixel axes to longitude and "
        "latitude",
    ),
    "NO_FRAME": ({"role": "source"}, "the source's WCS names no celestial frame"),
    "NO_INVERSE": ({"role": "source"}, "the source's WCS has no inverse, from the sky to its pixels"),
    "BAD_TABLE": (
        {"role": "target", "table": "cpdis1"},
        "the target's WCS has a look-up table (cpdis1) that cannot be used: its values, CRPIX, CRVAL and CDELT must be "
        "finite, and CDELT not 0",
    ),
    "NO_WCS": (
        {"role": "source", "kind": "NDData"},
        "the source, a NDData, has no WCS: give source_wcs",
    ),
    "WCS_NOT_GIVEN": (
        {"role": "target"},
        "the target's WCS is not given, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS: give target_wcs",
    ),
    "TABLES_ELSEWHERE": (
        {"role": "target"},
        "the target HDU's WCS has look-up tables in other extensions of its file: "
        "give target_wcs=WCS(hdu.header, hdulist)",
    ),
    "FITS_WCS_ONLY": (
        {"kind": "CCDData", "given": "WCS"},
        "the source is a CCDData, which takes no WCS as the target's WCS, only astropy.wcs.WCS: give an NDData",
    ),
    "NO_CARDS": (
        {"kind": "WCS"},
        "the target's WCS, a WCS, has no FITS header: the HDU gets none",
    ),
    "TABLES_DROPPED": (
        {},
        "the target's WCS has look-up tables, which a single HDU cannot hold: the HDU's WCS lacks them",
    ),
    "NOT_A_WCS": (
        {"role": "target", "kind": "dict"},
        "the target's WCS is a dict, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS",
    ),
    "OFF_THE_SKY": (
        {"pixel": (79.5, 47.5)},
        "the WCS has no sky position around its central pixel, (79.5, 47.5)",
    ),
    "NOT_RA_DEC": ({}, "user WCS values need a reference with right ascension first, declination second"),
    "NO_OTHER_WCS": (
        {
            "error": "a_cal.fits[sci,1]: no celestial WCS in its header (CTYPE1 = None)",
            "reason": "its ASDF extension holds no gwcs (was assign_wcs run?)",
        },
        "a_cal.fits[sci,1]: no celestial WCS in its header (CTYPE1 = None); its ASDF extension holds no gwcs "
        "(was assign_wcs run?)",
    ),
    "HEADER_WCS_USED": (
        {
            "name": "a_cal.fits[sci,1]",
            "reason": "its gwcs cannot be read without the package gwcs (pip install 'skyblot[gwcs]')",
            "loss": "the SIP approximation in its header is used, wrong by up to about 0.01 pixel",
        },
        "a_cal.fits[sci,1]: its gwcs cannot be read without the package gwcs (pip install 'skyblot[gwcs]'); "
        "the SIP approximation in its header is used, wrong by up to about 0.01 pixel",
    ),
    "PIXEL_AXIS_DROPPED": (
        {"name": "med.fits[0]", "axis": "3 (FREQ)"},
        "med.fits[0]: its axis 3 (FREQ), of one pixel, is dropped",
    ),
    "WCS_AXES_DROPPED": (
        {"role": "source", "count": 3, "dropped": "'FREQ'"},
        "the source's WCS has 3 axes: 'FREQ' dropped",
    ),
    # Parameters and arguments
    "NOT_ALLOWED": (
        {"name": "sinscl", "value": -1.0, "allowed": "a number, at least 0.55"},
        "sinscl = -1.0: expected a number, at least 0.55",
    ),
    "UNKNOWN": (
        {"kind": "parameter", "name": "intrep", "hint": " (closest: 'interp')"},
        "unknown parameter 'intrep' (closest: 'interp')",
    ),
    "GIVEN_TWICE": (
        {"name": "interp"},
        "interp is given twice, under two of its names, expected one of them",
    ),
    "NOT_GIVEN": (
        {"missing": "reference and outdata are"},
        "blot: reference and outdata are not given, expected blot(data, reference, outdata)",
    ),
    "TOO_MANY_ARGUMENTS": (
        {"most": 6, "count": 7},
        "blot() takes at most 6 positional arguments, 7 were given",
    ),
    "ARGUMENT_TWICE": (
        {"name": "data"},
        "blot() got 'data' both as a positional argument and as a keyword",
    ),
    "NO_SHAPE": ({}, "shape is not given and the target's WCS has no array_shape: give shape=(ny, nx)"),
    "NO_SECTION": (
        {"name": "STEP 5", "present": "STEP 1, STEP 2"},
        "configObj: no section whose name contains 'STEP 5', it has STEP 1, STEP 2",
    ),
    "FORWARD_RESULT": (
        {"kind": "NoneType", "count": 15360},
        "wcsmap: forward(x, y) returned NoneType, expected two arrays of 15360 positions",
    ),
    "NO_FORWARD": ({"kind": "dict"}, "wcsmap: a dict has no method forward(x, y)"),
    "NOT_FLOAT": (
        {"dtype": "int32"},
        "scale_by_pixel_area=True with data of dtype int32: expected float data",
    ),
    "NO_EDITOR": ({}, "editpars: no editor, set VISUAL or EDITOR (or install skyblot[teal] and use a display)"),
    "EDITOR_FAILED": (
        {"command": "vim -n", "reason": "[Errno 2] No such file or directory: 'vim'"},
        "editpars: the editor 'vim -n' failed: [Errno 2] No such file or directory: 'vim'",
    ),
    "NOT_INSTALLED": (
        {"name": "patch_stcal", "package": "stcal", "reason": "No module named 'stcal'"},
        "patch_stcal: stcal is not installed (No module named 'stcal')",
    ),
    "PACKAGE_MISSING": (
        {"purpose": "pictures", "package": "jinja2", "install": "pip install 'skyblot[report]'"},
        "pictures need the package jinja2: pip install 'skyblot[report]'",
    ),
    # Many exposures
    "SOME_FAILED": (
        {"failed": 1, "count": 8, "what": "blots", "reasons": "a_flc.fits: no such file"},
        "1 of 8 blots could not be made: a_flc.fits: no such file",
    ),
    # Clusters
    "NOT_FOR_CLUSTER": (
        {"wcsmap": len},
        "wcsmap = <built-in function len>: is for this process only, leave it or the cluster out",
    ),
    "NOT_SENT": (
        {"reason": "cannot pickle '_thread.lock' object"},
        "these settings cannot be sent to the workers: cannot pickle '_thread.lock' object",
    ),
    "CLIENT_STATE": (
        {"state": "closed"},
        "client: this distributed.Client is closed, expected a running synchronous one",
    ),
    "NO_SCHEDULER": (
        {"address": "tcp://head:8786", "reason": "Connection refused"},
        "client = 'tcp://head:8786': no Dask scheduler answers: Connection refused",
    ),
    "NO_WORKERS_STARTED": (
        {"reason": "Nanny failed to start"},
        "the workers of a local Dask cluster did not start (in a script, the call has to be behind "
        'if __name__ == "__main__"): Nanny failed to start',
    ),
    "WORKERS_DIED": ({"name": "a_flc.fits"}, "a_flc.fits: every worker that was given it died"),
    "CANCELLED": (
        {"name": "a_flc.fits", "reason": "blot-1-a_flc.fits"},
        "a_flc.fits: was cancelled on the cluster: blot-1-a_flc.fits",
    ),
    "WORKER_CANNOT_IMPORT": (
        {"reason": "No module named 'skyblot'"},
        "a worker cannot import skyblot, it has to be installed on all of them: No module named 'skyblot'",
    ),
    "OTHER_VERSION": (
        {"worker": "tcp://node1:40123", "version": "1.0", "expected": "1.1"},
        "the worker tcp://node1:40123 has skyblot 1.0, not 1.1 as the process that started the run: "
        "install the same on both",
    ),
    "NOT_ON_WORKER": (
        {"name": "/data/a_flc.fits", "worker": "tcp://node1:40123"},
        "/data/a_flc.fits: is not there on the worker tcp://node1:40123; all workers have to share the files",
    ),
    "NO_WORKERS_YET": ({}, "the cluster has no workers yet: the run begins when the first one is there"),
    # Cosmic rays
    "NOT_FOR_COMPARISON": (
        {"names": "outscale, orient"},
        "outscale, orient: not for a comparison, which is made on the exposure's own pixels",
    ),
    "NOT_A_MASK": (
        {"name": "a_sci1_crmask.fits", "exposure": "b_flc.fits[sci,1]"},
        "a_sci1_crmask.fits: is not a mask of b_flc.fits[sci,1]",
    ),
    "NO_TAIL_DIRECTION": (
        {"name": "a_cal.fits[sci,1]", "value": 5, "instrument": "JWST NIRCAM"},
        "a_cal.fits[sci,1]: cte_tail = 5, but JWST NIRCAM has no known direction of tails: "
        "give cte_direction, 1 (to larger y) or -1",
    ),
    "MISALIGNED": (
        {"dx": 0.312, "dy": -0.045, "most": 0.1},
        "its sources lie (+0.31, -0.04) pixel from where the blot has them: more than 0.1 pixel makes sources look "
        "like cosmic rays; align the exposures first",
    ),
    "UNLIKELY_FRACTION": (
        {
            "percent": 31.234,
            "low": 0.025,
            "high": 4.13,
            "instrument": "HST WFC3",
            "seconds": 350.0,
            "question": "are exposure and blot in the same unit, and aligned?",
        },
        "31.23 % of its pixels were rejected, and 0.025 to 4.1 % are expected of HST WFC3 in 350 s: "
        "are exposure and blot in the same unit, and aligned?",
    ),
    # Command line
    "ONE_OUTPUT": (
        {"count": 2, "names": "a_flc.fits[sci,1], a_flc.fits[sci,2]"},
        "--output names one file, but there are 2 images to blot onto (a_flc.fits[sci,1], a_flc.fits[sci,2]): "
        "use --output-dir, or name one extension, as in file.fits[sci,1]",
    ),
    "CHECK_WHAT": ({}, "--check needs the FILE to validate"),
    "NOT_A_PAGE": (
        {"name": "report.pdf"},
        "--report report.pdf: expected the name of a page to write, .html",
    ),
    "REPORT_OTHER_WCS": (
        {},
        "--report compares blots with exposures pixel by pixel: it does not go with another WCS "
        "(--outscale, --orient, --raref, --decref, --xrefpix, --yrefpix, --outnx, --outny)",
    ),
}
