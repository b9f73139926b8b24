"""A system that fails: the Nth write, fsync, link, rename, unlink, open or read of a command, with
an error of its own.

Calls from Python are made to fail one by one. Writes fail in the kernel too, beyond a size that
files may have, which meets those that NumPy makes by itself; and files cannot be opened beyond a
number of them.
"""

import builtins
import errno
import io
import os
import resource
import shutil
import threading
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

#: What each kind of call may fail with.
ERRORS = {
    "write": (errno.ENOSPC, errno.EIO),
    "fsync": (errno.EIO, errno.ENOSPC),
    "link": (errno.EPERM, errno.EIO, errno.EMLINK),
    "rename": (errno.EACCES, errno.EIO),
    "unlink": (errno.EACCES, errno.EIO),
    "open": (errno.EACCES, errno.EMFILE, errno.ENOSPC, errno.EIO),
    "read": (errno.EIO,),
    "mkdir": (errno.ENOSPC, errno.EACCES),
    "list": (errno.EIO,),
}
_CALLS = {
    "fsync": "fsync",
    "link": "link",
    "replace": "rename",
    "rename": "rename",
    "unlink": "unlink",
    "remove": "unlink",
    "open": "open",
    "preadv": "read",
    "mkdir": "mkdir",
    "listdir": "list",
    "scandir": "list",
}
PLAIN, PAIR = ("med.fits", "a_flt.fits"), ("med.fits", "a_flt.fits", "d_flt.fits.fz")
#: Files, and the command that reads and writes them: it is run where its outputs are not there yet,
#: and where they are.
SCENARIOS = {
    "blot": (PLAIN, ["blot", *PLAIN, "-o", "out/x.fits"]),
    "blot compressed": (PLAIN, ["blot", *PLAIN, "-o", "out/x.fits", "--compress"]),
    "blot log and report": (
        PLAIN,
        ["blot", *PLAIN, "--output-dir", "out", "--log", "out/log.json", "--report", "out/p.html"],
    ),
    "blot two": (PAIR, ["blot", *PAIR, "--output-dir", "out", "--memory", "1G"]),
    "blot packed": (
        ("med.fits.bz2", "a_flt.fits.gz"),
        ["blot", "med.fits.bz2", "a_flt.fits.gz", "--output-dir", "out"],
    ),
    "blot tables": (
        ("c_med.fits", "c_flc.fits"),
        ["blot", "c_med.fits", "c_flc.fits", "--output-dir", "out"],
    ),
    "blot jwst": (
        ("j_i2d.fits", "j_cal.fits"),
        ["blot", "j_i2d.fits", "j_cal.fits", "--output-dir", "out"],
    ),
    "blot roman": (
        ("r_coadd.asdf", "r_cal.asdf"),
        ["blot", "r_coadd.asdf", "r_cal.asdf", "-o", "out/x.asdf"],
    ),
    "blot list": (
        (*PLAIN, "asn.json", "b_flt.fits"),
        ["blot", "med.fits", "asn.json", "--output-dir", "out"],
    ),
    "reject": (PLAIN, ["reject", *PLAIN, "--output-dir", "out"]),
    "reject all": (
        PLAIN,
        [
            "reject",
            *PLAIN,
            "--output-dir",
            "out",
            "--save-blots",
            "--update-dq",
            "--clean",
            "--report",
            "out/p.html",
        ],
    ),
    "reject tiles": (PAIR, ["reject", *PAIR, "--output-dir", "out", "--update-dq", "--clean"]),
    "reject packed": (
        ("med.fits", "b_flt.fits.xz"),
        ["reject", "med.fits", "b_flt.fits.xz", "--output-dir", "out", "--clean"],
    ),
    "reject one file": (
        ("c_med.fits", "c_flc.fits"),
        ["reject", "c_med.fits", "c_flc.fits", "--output-dir", "out", "--one-file"],
    ),
    "reject ground": (
        ("coadd.fits", "g.fits", "g.head", "g.weight.fits"),
        ["reject", "coadd.fits", "g.fits", "--output-dir", "out"],
    ),
    "reject roman": (
        ("r_coadd.asdf", "r_cal.asdf"),
        ["reject", "r_coadd.asdf", "r_cal.asdf", "--output-dir", "out", "--update-dq", "--clean"],
    ),
    "show": (PLAIN, ["show", "a_flt.fits", "-o", "out/a.png"]),
    "config": (("my.cfg",), ["config", "out/new.cfg"]),
    "config check": (("my.cfg",), ["config", "my.cfg", "--check"]),
    "info": (PAIR, ["info", *PAIR]),
    "info with": (PLAIN, ["info", "a_flt.fits", "--with", "med.fits"]),
    "demo": ((), ["demo", "out"]),
}
#: Commands of several outputs: what is complete stays where another one fails.
SEVERAL = ("reject", "demo", "blot log and report", "blot tables")


class Failing:
    """Calls that concern some folders, counted by kind; one of them fails."""

    def __init__(self, folders, kind="", number=0, code=0):
        self._folders = tuple(os.path.realpath(folder) for folder in folders)
        self._kind, self._number, self._code = kind, number, code
        self._lock = threading.Lock()
        self.counts = dict.fromkeys(ERRORS, 0)
        self.hit = False

    def call(self, kind, name=None):
        """Count a call, or fail it."""
        with self._lock:
            self.counts[kind] += 1
            fails = kind == self._kind and self.counts[kind] == self._number
            self.hit |= fails
        if fails:
            raise OSError(self._code, os.strerror(self._code), name)

    def concerns(self, name):
        """Whether a file, by its name or its number, is in one of the folders."""
        try:
            if isinstance(name, int):
                name = os.readlink(f"/proc/self/fd/{name}")
            path = os.path.realpath(os.fsdecode(name))
        except (OSError, TypeError, ValueError):
            return False
        return any(path == folder or path.startswith(f"{folder}/") for folder in self._folders)


def _raw_class(failing):
    class Raw(io.FileIO):
        def write(self, content):
            failing.call("write", None)
            return super().write(content)

        def readinto(self, buffer):
            failing.call("read", None)
            return super().readinto(buffer)

        def readall(self):
            failing.call("read", None)
            return super().readall()

    return Raw


def _opener(failing, opened):
    """`open`, whose files in the folders count what is done with them."""
    raw_class = _raw_class(failing)

    def opening(
        file,
        mode="r",
        buffering=-1,
        encoding=None,
        errors=None,
        newline=None,
        closefd=True,
        opener=None,
    ):
        if not failing.concerns(file):
            return opened(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if opener is None and not isinstance(file, int):
            failing.call("open", file)
        raw = raw_class(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        kind = (
            io.BufferedRandom
            if "+" in mode
            else io.BufferedReader
            if mode.startswith("r")
            else io.BufferedWriter
        )
        buffered = kind(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    return opening


def _counted(failing, kind, function):
    def call(*arguments, **named):
        if arguments and any(failing.concerns(each) for each in arguments[:2]):
            failing.call(
                kind, arguments[0] if isinstance(arguments[0], str | os.PathLike) else None
            )
        return function(*arguments, **named)

    return call


@contextmanager
def faulty(failing):
    """Put the failing calls in the place of the system's."""
    import astropy.io.fits.util as util

    to_file = util._array_to_file

    def array_to_file(array, outfile):
        if failing.concerns(getattr(outfile, "name", None)):
            try:
                failing.call("write")
            except OSError:  # as NumPy says it, without a number
                raise OSError(f"{array.size} requested and 0 written") from None
        return to_file(array, outfile)

    with ExitStack() as stack:
        opening = _opener(failing, io.open)
        stack.enter_context(patch.object(builtins, "open", opening))
        stack.enter_context(patch.object(io, "open", opening))
        stack.enter_context(patch.object(util, "_array_to_file", array_to_file))
        for name, kind in _CALLS.items():
            if hasattr(os, name):
                stack.enter_context(
                    patch.object(os, name, _counted(failing, kind, getattr(os, name)))
                )
        yield


@contextmanager
def limited(kind, value):
    """Let files have so many bytes at most, or so many more files be open."""
    which = {"size": resource.RLIMIT_FSIZE, "files": resource.RLIMIT_NOFILE}[kind]
    before = resource.getrlimit(which)
    if kind == "files":
        value += len(os.listdir("/proc/self/fd")) - 1
    resource.setrlimit(which, (value, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(which, before)


def run_fault(item, files, folder, temporary):
    """Run a fault, ``scenario:old:kind:number:code``; return its verdict, what was printed, and
    what was counted.
    """
    from fuzz_judge import Verdict, judge, state_of
    from fuzz_worker import run_line

    name, old, kind, number, code = item.split(":")
    wanted, arguments = SCENARIOS[name]
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    for each in wanted:
        (folder / each).write_bytes(files[each])
    if old == "old":
        with patch("skyblot.demo.detector.SMALL_CHIP_SHAPE", (64, 96)):
            run_line(arguments, folder)
        arguments = (
            [*arguments, "--overwrite"]
            if name != "demo" and not name.startswith("info") and "check" not in name
            else arguments
        )
    before = state_of(folder)
    failing = Failing((folder, temporary), kind, int(number), int(code))
    fault = limited(kind, int(number)) if kind in ("size", "files") else faulty(failing)
    with patch("skyblot.demo.detector.SMALL_CHIP_SHAPE", (64, 96)), fault:
        result, out, err = run_line(arguments, folder)
    after, left = state_of(folder), os.listdir(temporary)
    verdict = judge(
        result,
        out,
        err,
        before,
        after,
        folder,
        temporaries=left,
        may_leave=kind == "unlink",
        single=len(wanted) < 3 and "tables" not in name,
    )
    if verdict.outcome == "refused and written" and name.startswith(SEVERAL):
        verdict = Verdict("refused", "")
    for each in left:
        os.unlink(temporary / each)
    sizes = [path.stat().st_size for path in (folder / "out").iterdir()]
    told = {
        "counts": failing.counts,
        "hit": failing.hit or kind in ("size", "files"),
        "largest": max(sizes, default=0),
    }
    return verdict, err, {"command": name, "done": [kind], **told}


def faults_of(name, old, counts, largest):
    """Yield every fault of a scenario, by what a run without a fault did."""
    for kind, count in counts.items():
        for number in range(1, count + 1):
            for code in ERRORS[kind]:
                yield f"{name}:{old}:{kind}:{number}:{code}"
    for part in range(17):
        yield f"{name}:{old}:size:{largest * part // 16}:0"
    for number in range(14):
        yield f"{name}:{old}:files:{number}:0"
