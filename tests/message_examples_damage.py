"""Examples of messages about damaged tables, and names that are none."""

EXAMPLES = {
    "OUTSIDE_HEAP": (
        {"name": "c4d_ooi.fits.fz[s30,1]"},
        "c4d_ooi.fits.fz[s30,1]: damaged: its table refers to bytes outside of it",
    ),
    "NOT_A_URL": ({"name": "http://[::1", "reason": "Invalid IPv6 URL"}, "http://[::1: is not a URL: Invalid IPv6 URL"),
}
