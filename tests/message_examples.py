"""An example of every message about files and images: the fields it is given, and the whole sentence."""

F = "visit/isky01a1q_flc.fits"
SCI = f"{F}[sci,2]"

EXAMPLES = {
    # Files
    "NO_SUCH": ({"name": "visit.txt", "kind": "list"}, "visit.txt: no such list"),
    "NO_PERMISSION": ({"name": F}, "visit/isky01a1q_flc.fits: no permission to read it"),
    "IS_FOLDER": ({"name": "visit", "expected": "a FITS file"}, "visit: is a folder, expected a FITS file"),
    "CANNOT_READ": (
        {"name": "https://archive.org/a.fits", "reason": "the server answers 503 Service Unavailable"},
        "https://archive.org/a.fits: cannot be read: the server answers 503 Service Unavailable",
    ),
    "PART_CANNOT_BE_READ": (
        {"name": SCI, "part": "its WCS", "reason": "ERROR 5 in wcsset(): Invalid parameter value"},
        "visit/isky01a1q_flc.fits[sci,2]: its WCS cannot be read: ERROR 5 in wcsset(): Invalid parameter value",
    ),
    "KIND_CANNOT_BE": (
        {"name": "run.log", "kind": "log", "done": "written", "reason": "Permission denied"},
        "run.log: this log cannot be written: Permission denied",
    ),
    "NEEDS_PACKAGE": (
        {"name": "s3://bucket/a.fits", "package": "s3fs", "install": "pip install 'skyblot[remote]' s3fs"},
        "s3://bucket/a.fits: cannot be read without the package s3fs (pip install 'skyblot[remote]' s3fs)",
    ),
    "NOT_OF_KIND": (
        {"name": F, "kind": "a readable FITS file", "reason": "BITPIX = 7"},
        "visit/isky01a1q_flc.fits: not a readable FITS file: BITPIX = 7",
    ),
    "IS_NOT": (
        {"name": "visit.txt", "kind": "a list", "expected": "a text file (UTF-8) with one name a line"},
        "visit.txt: is not a list, expected a text file (UTF-8) with one name a line",
    ),
    "HAS_CHANGED": (
        {"name": "med.fits", "since": "since the run began"},
        "med.fits: has changed since the run began",
    ),
    "TOO_SHORT": (
        {"name": SCI, "part": "pixels", "needed": 2102400, "holder": "the file", "present": 1900800},
        "visit/isky01a1q_flc.fits[sci,2]: truncated: its pixels need 2102400 bytes, the file has 1900800",
    ),
    "NO_END": ({"name": "a.asdf", "part": "ASDF tree"}, "a.asdf: truncated: its ASDF tree does not end"),
    "GZIP_TOO_SHORT": ({"name": "a.fits.gz"}, "a.fits.gz: truncated: the compressed file ends too early"),
    "CUT_WHILE_READ": ({"name": "med.fits"}, "med.fits: truncated while it was read"),
    "NO_BLOCK": (
        {"name": "a.asdf", "number": 2},
        "a.asdf: truncated: the tree refers to block 2, which is not there",
    ),
    "GZIP_DAMAGED": (
        {"name": "a.fits.gz", "reason": "CRC check failed"},
        "a.fits.gz: the compressed file is damaged: CRC check failed",
    ),
    "EXTENSION_DAMAGED": (
        {"name": F, "number": 4, "count": 6},
        "visit/isky01a1q_flc.fits: damaged: extension 4 of 6 cannot be read",
    ),
    "HEADERS_OVERLAP": (
        {"name": F},
        "visit/isky01a1q_flc.fits: damaged: its header does not end before that of the next extension",
    ),
    "CANNOT_COPY": (
        {"name": "a.fits.gz", "folder": "/var/tmp", "reason": "No space left on device"},
        "a.fits.gz: cannot be copied into /var/tmp (TMPDIR): No space left on device",
    ),
    "CONCERNING": (
        {"name": "my.cfg, section [Data Scaling Parameters]", "reason": "expkey = '': expected a word"},
        "my.cfg, section [Data Scaling Parameters]: expkey = '': expected a word",
    ),
    "WHOLE_FILES_ONLY": (
        {"name": "https://archive.org/a.fits", "folder": "/var/tmp"},
        "https://archive.org/a.fits: its server sends whole files only: all of it is copied into /var/tmp",
    ),
    "REST_LEFT_OUT": (
        {"name": F, "number": 3},
        "visit/isky01a1q_flc.fits: what follows extension 3 is no FITS and is left out",
    ),
    # Output
    "NO_FOLDER": (
        {"name": "blots/a_blt.fits", "folder": "blots"},
        "blots/a_blt.fits: the folder blots does not exist",
    ),
    "READ_ONLY_FOLDER": (
        {"name": "blots/a_blt.fits", "folder": "blots"},
        "blots/a_blt.fits: the folder blots cannot be written to",
    ),
    "EXISTS": ({"name": "a_blt.fits"}, "a_blt.fits: exists already; --overwrite (overwrite=True) replaces it"),
    "CANNOT_WRITE": (
        {"name": "a_blt.fits", "reason": "No space left on device"},
        "a_blt.fits: cannot be written: No space left on device",
    ),
    "IS_INPUT": ({"name": "med.fits"}, "med.fits: is an input file; inputs are never overwritten"),
    "TWO_TO_ONE_FILE": (
        {"name": "blots/a_blt.fits"},
        "blots/a_blt.fits: two references would be written to this file; take them one by one",
    ),
    "WRONG_SUFFIX": (
        {"name": "blot.fits", "reference": "a_cal.asdf", "kind": "an ASDF file", "suffix": ".asdf"},
        "blot.fits: a blot onto a_cal.asdf is an ASDF file, expected a name that ends in .asdf",
    ),
    "NO_GZIP": (
        {"name": "blot.fits.gz", "suffix": ".fits"},
        "blot.fits.gz: no blot is compressed as a whole, expected a name that ends in .fits or .fits.fz",
    ),
    "HEADERS_NOT_COPIED": (
        {"name": SCI, "reason": "Unparsable card (D2IM1)"},
        "visit/isky01a1q_flc.fits[sci,2]: its headers cannot be copied: Unparsable card (D2IM1)",
    ),
    "NOTHING_TO_CHANGE": (
        {"name": "visit/r0_cal.asdf", "part": "roman/data"},
        "visit/r0_cal.asdf: has no roman/data to change",
    ),
    # Names, lists and associations
    "BAD_EXTENSION": (
        {"name": "a.fits[sci;1]", "text": "sci;1"},
        "a.fits[sci;1]: [sci;1] is not an extension, expected for example [1], [sci] or [sci,2]",
    ),
    "NO_EXTENSION": (
        {"name": "a.fits", "extension": "sci,3", "present": "[0], [sci,1], [sci,2]"},
        "a.fits: no extension [sci,3], it has [0], [sci,1], [sci,2]",
    ),
    "ASDF_EXTENSION": (
        {"name": "a.asdf", "extension": "sci"},
        "a.asdf: an ASDF file has no extensions, [sci] is not known",
    ),
    "NOT_A_NAME": ({"name": " "}, "' ': is not the name of a file"),
    "NO_MATCH": ({"name": "visit/*_flc.fits"}, "visit/*_flc.fits: no file matches this pattern"),
    "LIST_EXTENSION": (
        {"name": "@visit.txt[sci,1]"},
        "@visit.txt[sci,1]: a list takes no extension, write it behind each name in the list",
    ),
    "REMOTE_LIST": (
        {"name": "@https://archive.org/visit.txt"},
        "@https://archive.org/visit.txt: lists are read from local files only",
    ),
    "LIST_IN_ITSELF": ({"name": "visit.txt"}, "visit.txt: this list contains itself"),
    "EMPTY_LIST": (
        {"name": "visit.txt"},
        "visit.txt: this list names no exposure, expected one name a line",
    ),
    "EMPTY_FOLDER": (
        {"name": "visit", "expected": "*_flc.fits and *_flt.fits"},
        "visit: this folder holds no exposure, looked for *_flc.fits and *_flt.fits",
    ),
    "NO_EXPOSURE_MEMBER": (
        {"name": "jw1_asn.json", "expected": "exptype 'science'"},
        "jw1_asn.json: no member of this association is an exposure, expected one with exptype 'science'",
    ),
    "NO_MEMBER_FILE": (
        {"name": "j8c0_asn.fits", "member": "J8C0D1BWQ", "expected": "j8c0d1bwq_flc.fits in visit"},
        "j8c0_asn.fits: its member J8C0D1BWQ is missing, looked for j8c0d1bwq_flc.fits in visit",
    ),
    "MEMBER_NAME": (
        {"name": "jw1_asn.json", "value": None},
        "jw1_asn.json: a science member has expname None, expected the name of a file",
    ),
    # Images
    "NO_IMAGE": ({"name": "cat.fits"}, "cat.fits: holds no image"),
    "NOT_AN_IMAGE": (
        {"name": "cube.fits[sci,1]", "found": "its shape is (3, 60, 70)"},
        "cube.fits[sci,1]: its shape is (3, 60, 70), expected a 2-D image (ny, nx)",
    ),
    "NOT_ROMAN": (
        {"name": "a.asdf", "found": "asdf_library, meta"},
        "a.asdf: holds asdf_library, meta, expected a Roman image in roman/data",
    ),
    "NOT_WHOLE_NUMBERS": (
        {"name": SCI, "part": "DQ", "dtype": "float32"},
        "visit/isky01a1q_flc.fits[sci,2]: its DQ is float32, expected whole numbers",
    ),
    "PART_SHAPE": (
        {"name": SCI, "part": "ERR", "shape": (10, 160), "expected": (96, 160)},
        "visit/isky01a1q_flc.fits[sci,2]: its ERR has shape (10, 160), expected (96, 160)",
    ),
    "ARRAY_IS": (
        {"name": "out", "given": "list", "expected": "a writeable float32 array of shape (96, 160)"},
        "out is list: expected a writeable float32 array of shape (96, 160)",
    ),
    "ARRAY_HAS": (
        {"name": "the source", "what": "shape", "given": (9,), "expected": "a 2-D image, (ny, nx)"},
        "the source has shape (9,): expected a 2-D image, (ny, nx)",
    ),
    "CANNOT_AVERAGE": (
        {"dtype": "int16", "interp": "poly5"},
        "the source has dtype int16, which interp='poly5' cannot average: use interp='nearest', which keeps "
        "integers, or convert the source to float32",
    ),
    "INTEGER_SCALED": (
        {"scale": 2.0, "offset": 0.0, "dtype": "int16"},
        "scale = 2.0, offset = 0.0: an integer source (int16) keeps its values, expected 1 and 0",
    ),
    "NO_OVERLAP": (
        {"source": "med.fits[0]", "reference": SCI, "fill": 0.0},
        "med.fits[0] does not overlap visit/isky01a1q_flc.fits[sci,2]: every pixel of the blot is 0",
    ),
    "NO_PIXELS": ({"kind": "ImageHDU"}, "the source, a ImageHDU, has no pixels"),
    "MASKED_INTEGERS": (
        {"dtype": "int32"},
        "the source has masked pixels, and int32 has no NaN for them: give them a value",
    ),
    "AXIS_DROPPED": (
        {"shape": (1, 96, 160)},
        "the source has shape (1, 96, 160): its first axis is dropped",
    ),
}
