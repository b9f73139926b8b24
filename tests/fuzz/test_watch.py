"""The fuzzer sees what it is to see: each kind of fault, where there is one."""

import errno

import pytest
from fuzz_faults import Failing, faulty
from fuzz_judge import incomplete, judge

from skyblot.io.atomic import atomic_write

SENTENCE = "skyblot: error: a.fits: no such file\n"
BAD = {
    "internal error": (3, "skyblot: internal error, KeyError: 'x'\n"),
    "no sentence": (2, ""),
    "several sentences": (2, SENTENCE * 2),
    "Python's words": (2, "skyblot: error: a.fits: 'NoneType' object is not iterable\n"),
    "control characters": (2, "skyblot: error: \x1b[2J: no such file\n"),
    "memory": (2, "skyblot: error: the memory is not enough: Unable to allocate 2.24 GiB\n"),
    "odd exit code": (7, ""),
    "traceback": (1, "Traceback (most recent call last):\n"),
}


@pytest.mark.parametrize("outcome", BAD)
def test_faults_are_seen(tmp_path, outcome):
    code, err = BAD[outcome]
    verdict = judge(code, "", err, {}, {}, tmp_path)
    assert (verdict.outcome, verdict.good) == (outcome, False)


@pytest.mark.parametrize(
    ("code", "err", "outcome"),
    [(0, "", "done"), (2, SENTENCE, "refused"), (1, SENTENCE, "partly done")],
)
def test_what_is_allowed_is_seen(tmp_path, code, err, outcome):
    assert judge(code, "", err, {}, {}, tmp_path).outcome == outcome


def test_files_are_looked_at(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.fits").write_bytes(b"SIMPLE  =                    T")
    assert judge(0, "", "", {"a": "1"}, {"a": "2"}, tmp_path).outcome == "changed input"
    assert judge(0, "", "", {}, {"out/.x.tmp": "1"}, tmp_path).outcome == "left over"
    assert judge(0, "", "", {}, {"out/x.fits": "1"}, tmp_path).outcome == "partial file"
    assert incomplete(tmp_path / "out" / "x.fits")


@pytest.mark.parametrize("kind", ["write", "fsync", "link", "open", "unlink"])
def test_calls_fail_one_by_one(tmp_path, kind):
    def write(failing):
        with faulty(failing), atomic_write(tmp_path / "x.bin", overwrite=True) as stream:
            stream.write(b"x" * 10)

    clean = Failing([tmp_path])
    write(clean)
    (tmp_path / "x.bin").write_bytes(b"old")
    assert clean.counts[kind if kind != "link" else "rename"] == 1
    failing = Failing([tmp_path], kind if kind != "link" else "rename", 1, errno.EIO)
    if kind == "unlink":
        write(failing)  # harmless: there is nothing left to be removed
    else:
        with pytest.raises(OSError, match="cannot be written: Input/output error"):
            write(failing)
        assert [path.name for path in tmp_path.iterdir()] == ["x.bin"]
        assert (tmp_path / "x.bin").read_bytes() == b"old"
    assert failing.hit
