"""Examples of messages about memory."""

EXAMPLES = {
    "NEEDS_MEMORY": (
        {"name": "huge_flc.fits[sci,1]", "needed": "25.8 GB", "allowed": "8.0 GB"},
        "huge_flc.fits[sci,1]: needs about 25.8 GB of memory, 8.0 GB are allowed: give more (memory)",
    ),
}
