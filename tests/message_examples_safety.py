"""Examples of messages about files that are not to be read or replaced, and of limits."""

EXAMPLES = {
    "NOT_A_FILE": ({"name": "pipe.fits"}, "pipe.fits: is no regular file, expected one, or a URL"),
    "NOT_REPLACED": (
        {"name": "/dev/null"},
        "/dev/null: is no regular file, expected the name of a new file, or of one to replace",
    ),
    "NOT_OWN": (
        {"name": "blots/a_blt.fits", "noun": "blot"},
        "blots/a_blt.fits: is no blot of skyblot's, and --resume (resume=True) replaces no other; --overwrite does",
    ),
    "NO_MEMORY": (
        {"reason": "Unable to allocate 2.00 TiB"},
        "the memory is not enough: Unable to allocate 2.00 TiB",
    ),
    "SAME_OUTPUT": ({"name": "run.log"}, "run.log: is the same file as another output, expected one for each"),
}
