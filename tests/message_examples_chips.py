"""An example of every message about which image is meant, and about files in the wrong place."""

F = "visit/isky01a1q_flc.fits"

EXAMPLES = {
    "FIRST_OF_MANY": (
        {"name": F, "count": 2, "extension": "sci,1"},
        "visit/isky01a1q_flc.fits: has 2 images, the first, [sci,1], is used",
    ),
    "SEVERAL_EXTENSIONS": (
        {"name": "x.fits[chip,1]", "count": 3, "numbers": "[1], [2], [3]"},
        "x.fits[chip,1]: 3 extensions are called so, expected one by its number: [1], [2], [3]",
    ),
}
