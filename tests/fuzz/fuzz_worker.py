"""A process that runs cases one after the other, each by the command line's own entry, and tells
what became of them.

It is given a kind of work, its folders, and reads one item a line: the number of a case, or the
name of a fault.
"""

import faulthandler
import io
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
#: Bytes that a case may take on top of what the process has: files are small, so what needs more is
#: a bomb.
MEMORY = 2 << 30
FILE = 64 << 20


class Captured:
    """What is printed, as text."""

    def __init__(self):
        self.out = io.TextIOWrapper(io.BytesIO(), "utf-8", "strict", write_through=True)
        self.err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True)

    def texts(self):
        return [each.buffer.getvalue().decode("utf-8", "replace") for each in (self.out, self.err)]


@contextmanager
def working(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run_line(arguments, folder):
    """Run ``skyblot ...`` in a folder; return its exit code, stdout and stderr."""
    from skyblot.cli import main
    from skyblot.errors import SkyblotError

    captured, streams = Captured(), (sys.stdout, sys.stderr)
    with working(folder), warnings.catch_warnings():
        sys.stdout, sys.stderr = captured.out, captured.err
        try:
            main(list(arguments))
            code = 0
        except SystemExit as stopped:
            code = (
                stopped.code if isinstance(stopped.code, int) else 0 if stopped.code is None else 1
            )
        except (SkyblotError, OSError) as error:  # let through by --debug
            captured.err.write(f"skyblot: error: {getattr(error, 'strerror', None) or error}\n")
            code = 2
        except BaseException as error:
            captured.err.write(f"internal error: {type(error).__name__}: {error}\n")
            code = 3
        finally:
            sys.stdout, sys.stderr = streams
    return (code, *captured.texts())


def run_case(case, folder, temporary):
    """Run a case in an empty folder; return its verdict and what it printed."""
    from fuzz_judge import Verdict, judge, state_of

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    before = state_of(folder)
    code, out, err = run_line(case.arguments, folder)
    verdict = judge(
        code,
        out,
        err,
        before,
        state_of(folder),
        folder,
        temporaries=os.listdir(temporary),
        single=case.single,
        debug="--debug" in case.arguments,
    )
    # it was asked for
    if verdict.outcome == "memory" and {"--outnx", "--outny"} & set(case.arguments):
        verdict = Verdict("refused")
    # a mask and a copy, or two chips
    several = case.arguments[0] == "reject" or "c_flc.fits" in case.arguments
    if verdict.outcome == "refused and written" and several:  # what is there is complete
        verdict = Verdict("refused")
    for name in os.listdir(temporary):
        os.unlink(temporary / name)
    return verdict, out, err


def limit_memory():
    """Let memory bombs fail, here and not elsewhere on the machine."""
    pages = (
        int(Path("/proc/self/statm").read_text().split()[0])
        if os.path.exists("/proc/self/statm")
        else 1 << 18
    )
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)


def read_base(folder):
    return {
        path.name: path.read_bytes() for path in sorted(Path(folder).iterdir()) if path.is_file()
    }


def work(kind, base, folder):
    """Yield what became of each item that is read."""
    import fuzz_cases
    import fuzz_faults

    files = read_base(base)
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)
    warm_up(files, folder / "case", temporary)
    limit_memory()
    yield {"ready": True}
    for line in sys.stdin:
        item = line.strip()
        yield {"begin": item}
        start = time.process_time()
        if kind == "cases":
            case = fuzz_cases.make_case(int(item), files)
            verdict, _, err = run_case(case, folder / "case", temporary)
            told = {"command": case.arguments[0], "done": [what for _, what in case.done]}
        else:
            verdict, err, told = fuzz_faults.run_fault(item, files, folder / "case", temporary)
        seconds = round(time.process_time() - start, 3)
        yield {
            "item": item,
            "outcome": verdict.outcome,
            "detail": verdict.detail,
            "seconds": seconds,
            **told,
            "err": err[-400:],
        }


def warm_up(files, folder, temporary):
    """Load and compile all that cases need, before memory is limited."""
    from fuzz_cases import Case

    if "med.fits" in files:
        case = Case(
            {name: files[name] for name in ("med.fits", "a_flt.fits")},
            ["blot", "med.fits", "a_flt.fits", "-o", "out/x.fits"],
        )
        run_case(case, folder, temporary)
        run_case(
            Case(case.files, ["reject", "med.fits", "a_flt.fits", "--output-dir", "out"]),
            folder,
            temporary,
        )
        run_case(Case(case.files, ["show", "med.fits", "-o", "out/a.png"]), folder, temporary)
    if "r_cal.asdf" in files:
        names = ("r_coadd.asdf", "r_cal.asdf")
        line = ["blot", *names, "--output-dir", "out"]
        run_case(Case({name: files[name] for name in names}, line), folder, temporary)


def main():
    kind, base, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    with open(folder / "worker.log", "ab") as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    faulthandler.enable()
    for answer in work(kind, base, folder):
        print(json.dumps(answer), file=channel, flush=True)


if __name__ == "__main__":
    main()
