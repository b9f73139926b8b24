"""What a run of the command line did: allowed outcomes, and those that are faults."""

import hashlib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

#: Outcomes that are allowed: all was done, or a part of it and the rest told, or nothing.
GOOD = ("done", "partly done", "refused", "interrupted")
#: What only Python says, and nobody who uses a command line should have to read.
PYTHON = re.compile(
    r"Traceback|<class|<function|object at 0x|\bnp\.\w+\(|\barray\(|\bdtype\("
    r"|NoneType|not subscriptable"
    r"|has no attribute|unsupported operand|not iterable|positional argument|unpack|\[Errno"
    r"|\b(Key|Type|Index|Value|Attribute|Assertion|ZeroDivision|Overflow|Runtime|Memory|Lookup|Recursion|LinAlg|Verify)Error\b"
)
#: No sentence is as long, whatever names and reasons are in it.
LONGEST = 6200


@dataclass(frozen=True)
class Verdict:
    """The outcome of a case, and what shows it."""

    outcome: str
    detail: str = ""

    @property
    def good(self):
        return self.outcome in GOOD


def state_of(folder):
    """Name, and a digest of the content, of every file in a folder."""
    folder = Path(folder)
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def judge(
    code,
    out,
    err,
    before,
    after,
    folder,
    *,
    temporaries=(),
    may_leave=False,
    single=True,
    debug=False,
):
    """Return what became of a run.

    Parameters
    ----------
    code : int
        Exit code.
    out, err : str
        What it printed.
    before, after : dict
        `state_of` its folder.
    folder : Path
    temporaries : sequence of str
        What is in the folder for temporary files.
    may_leave : bool
        Temporary files could not be removed.
    single : bool
        One exposure was named: there is one sentence, then.
    debug : bool
        Tracebacks were asked for.
    """
    for name, digest in before.items():
        if after.get(name) != digest and not name.startswith("out/"):
            return Verdict("changed input", name)
    left = [
        name
        for name in after
        if name not in before and (name.endswith(".tmp") or "/." in f"/{name}")
    ]
    if (left or temporaries) and not may_leave:
        return Verdict("left over", str([*left, *temporaries]))
    made = [name for name in after if after[name] != before.get(name) and name not in left]
    for name in made:
        problem = incomplete(Path(folder) / name)
        if problem:
            return Verdict("partial file", f"{name}: {problem}")
    return _told(code, err, made, single, folder, debug)


def _told(code, err, made, single, folder, debug):
    lines = [
        line
        for line in err.splitlines()
        if line.strip() and not line.startswith(("warning: ", "Usage: ", "Try "))
    ]
    told = [line for line in lines if line.startswith(("skyblot: error: ", "Error: "))]
    if "internal error" in err or code == 3:
        return Verdict(
            "internal error",
            next(line for line in [*lines, "?"] if "internal" in line or line == "?"),
        )
    if code not in (0, 1, 2, 130):
        return Verdict("odd exit code", f"{code}: {err[-300:]}")
    # which was asked for
    if "the memory is not enough" in err and "for an array with shape (99999999" not in err:
        return Verdict("memory", lines[-1])
    if "Traceback" in err:
        return Verdict("done" if debug else "traceback", "" if debug else err[-300:])
    if code == 2:
        if not told or (single and len(lines) > 1):
            return Verdict("no sentence" if not told else "several sentences", err[-600:])
        # but a log
        if [name for name in made if not (Path(folder) / name).read_bytes().startswith(b"{")]:
            return Verdict("refused and written", f"{made}: {told[0]}")
    for line in err.splitlines():
        if PYTHON.search(line):
            return Verdict("Python's words", line[:400])
        if len(line) > LONGEST:
            return Verdict("long sentence", f"{len(line)}: {line[:400]}")
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line):
            return Verdict("control characters", repr(line[:400]))
    return Verdict({0: "done", 1: "partly done", 2: "refused", 130: "interrupted"}[code])


def incomplete(path):
    """Why a file that was written is not complete, None where it is."""
    content = path.read_bytes()
    if not content and path.name == "log.json":  # to which nothing could be written
        return None
    if content.startswith(b"SIMPLE"):
        return _incomplete_fits(path)
    if content.startswith(b"#ASDF"):
        return _incomplete_asdf(path)
    endings = {
        b"\x89PNG": b"IEND\xaeB`\x82",
        b"<!DOC": b"</html>\n",
        b"_task": b"\n",
        b'{"eve': b"}\n",
    }
    for start, end in endings.items():
        if content.startswith(start):
            return (
                None if content.rstrip(b"\n").endswith(end.rstrip(b"\n")) else "its end is missing"
            )
    return f"begins with {content[:20]!r}"


def _incomplete_fits(path):
    from astropy.io import fits

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with fits.open(path, memmap=False) as hdus:
                for hdu in hdus:
                    _ = getattr(hdu, "data", None)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    if path.stat().st_size % 2880:
        return f"{path.stat().st_size} bytes are no whole blocks"
    return next((str(each.message) for each in caught if "truncated" in str(each.message)), None)


def _incomplete_asdf(path):
    import asdf

    with warnings.catch_warnings(), asdf.config_context() as config:
        warnings.simplefilter("ignore")
        config.validate_on_read = False
        try:
            with asdf.open(path, memmap=False, lazy_load=False) as opened:
                _ = opened["roman"]["data"][...]
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return None
