"""An example of every message about data from the ground: the fields it is given, the whole sentence."""

EXAMPLES = {
    "NOISE_AT_LIMIT": (
        {"spread": 7.912, "used": 3.0},
        "the noise of its sky is 7.91 times what its errors, or gain and read noise, say, and 3 times is used: are "
        "they right (--err, --gain, --read-noise), and is the background flat (--background map)?",
    ),
}
