"""A case of the fuzzer: files, some of them changed, and a command line. A number stands for each,
always the same.
"""

import random
from dataclasses import dataclass, field

from fuzz_mutations import mutate
from fuzz_options import BLOT, FILES, INFO, ONLY_BLOT, REJECT, SHOW

#: The mosaic of each exposure, and what lies beside the exposure; the order is that of the command
#: line.
SETS = (
    ("med.fits", "a_flt.fits", ()),
    ("med.fits", "b_flt.fits", ()),
    ("med.fits.fz", "d_flt.fits.fz", ()),
    ("med.fits", "d_flt.fits.fz", ()),
    ("med.fits.fz", "h_flt.fits.fz", ()),
    ("med.fits.bz2", "a_flt.fits.gz", ()),
    ("med.fits", "b_flt.fits.xz", ()),
    ("coadd.fits", "g.fits", ("g.head", "g.weight.fits")),
    ("c_med.fits", "c_flc.fits", ()),
    ("j_i2d.fits", "j_cal.fits", ()),
    ("r_coadd.asdf", "r_cal.asdf", ()),
    ("r_coadd.asdf", "z_cal.asdf", ()),
    (
        "med.fits",
        "@list.txt",
        ("list.txt", "more.txt", "a_flt.fits", "b_flt.fits", "d_flt.fits.fz"),
    ),
    ("med.fits", "asn.json", ("asn.json", "a_flt.fits", "b_flt.fits")),
    ("med.fits", "v_asn.fits", ("v_asn.fits", "a_flt.fits", "b_flt.fits")),
)
#: Of each command, how often it is chosen.
COMMANDS = ("blot",) * 5 + ("reject",) * 5 + ("info",) * 3 + ("show",)


@dataclass
class Case:
    """Files by name, what was done to which, and the command line, which writes into the folder
    ``out``.
    """

    files: dict[str, bytes]
    arguments: list[str]
    done: list[tuple[str, str]] = field(default_factory=list)

    @property
    def single(self):
        """Whether one exposure is named, and no list of them."""
        lists = any(each.startswith("@") or "asn" in each or "*" in each for each in self.arguments)
        logged = {"-v", "--verbose", "--debug", "--dry-run"} & set(self.arguments)
        return (
            not (lists or logged or "c_flc.fits" in self.arguments)
            and "d_flt.fits" not in self.arguments[3:]
        )


def _options(chance, table):
    made = []
    for name in chance.sample(sorted(table), chance.choice((0, 0, 1, 1, 2))):
        values = table[name]
        made += [name] if values is None else [name, chance.choice(values)]
    return made


def _line(chance, mosaic, exposures):
    """A command line, and the options that it may have on top of it."""
    command = chance.choice(COMMANDS)
    if command == "info":
        pair = ["--with", mosaic] if chance.random() < 0.5 else []
        return [
            command,
            *(["a_flt.fits"] if exposures[0][0] in "@" or "asn" in exposures[0] else exposures),
            *pair,
        ], INFO
    if command == "show":
        return [command, chance.choice((mosaic, exposures[0])), "-o", "out/a.png"], SHOW
    if command == "blot":
        single = len(exposures) == 1 and exposures[0].startswith(
            ("a_", "b_", "g", "r_", "d_", "z_", "j_")
        )
        output = (
            ["-o", f"out/x{'.asdf' if exposures[0].endswith('.asdf') else '.fits'}"]
            if single and chance.random() < 0.5
            else []
        )
        return [command, mosaic, *exposures, "--output-dir", "out", *output], BLOT | ONLY_BLOT
    more = chance.choice(
        (
            [],
            ["--update-dq"],
            ["--clean"],
            ["--update-dq", "--clean", "--save-blots"],
            ["--rule", "plain"],
        )
    )
    return [command, mosaic, *exposures, "--output-dir", "out", *more], BLOT | REJECT


def make_case(number, base, sets=SETS):
    """Return the case of a number, from the bytes of the files it starts from."""
    chance = random.Random(f"skyblot {number}")
    mosaic, exposure, beside = chance.choice([each for each in sets if each[0] in base])
    exposures = [exposure]
    names = [
        mosaic,
        *beside,
        *(() if exposure.startswith("@") or exposure in beside else (exposure,)),
    ]
    if (
        len(names) == 2
        and chance.random() < 0.15
        and "a_flt.fits" in base
        and not mosaic.startswith(("r_", "j_", "c"))
    ):
        exposures.append("d_flt.fits")  # one bad exposure, and a good one
        names.append("d_flt.fits")
    line, table = _line(chance, mosaic, exposures)
    case = Case({}, line)
    odd = chance.random()
    if odd < 0.3:
        line += _options(chance, table)
    if odd < 0.1:
        place = chance.randrange(1, len(line))
        if not line[place].startswith("-") and line[place] != "out":
            line[place] = chance.choice(FILES)
    if "my.cfg" in base and (odd > 0.97 or "my.cfg" in line) and line[0] in ("blot", "reject"):
        names.append("my.cfg")
        line += [] if "my.cfg" in line else ["--config", "my.cfg"]
    case.files = {name: base[name] for name in names}
    changes = 0 if odd < 0.15 else chance.choice((1, 1, 1, 2, 3))
    targets = [name for name in names if name != "d_flt.fits"]
    if odd > 0.97 and "my.cfg" in names:
        targets = ["my.cfg"]
    for _ in range(changes):
        name = chance.choice(targets)
        case.files[name], what = mutate(name, case.files[name], chance)
        case.done.append((name, what))
    return case
