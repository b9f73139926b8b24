"""What is read is never written, whatever its role and whatever name it has; and only files are
replaced.
"""

import json
import os
import shutil

import pytest
from samples import digests

import skyblot
from skyblot.errors import FileError
from skyblot.io.atomic import atomic_write, check_apart, check_output


def named(visit, role):
    """A file in a role, and the arguments that give it that role."""
    one, med = visit.exposures[0], visit.med
    if role == "mosaic":
        return med, [med, one]
    if role == "exposure":
        return one, [med, one]
    if role == "weights":
        path = visit.folder / "skydemo_drz_wht.fits"
        shutil.copy(med, path)
        shutil.copy(med, visit.folder / "skydemo_drz_sci.fits")
        return path, [visit.folder / "skydemo_drz_sci.fits", one]
    if role == "head":
        path = visit.folder / "isky01a1q_flc.head"
        path.write_text("")
        return path, [med, one]
    if role == "list":
        path = visit.folder / "all.txt"
        path.write_text(f"{one.name}[sci,1]\n")
        return path, [med, f"@{path}"]
    if role == "list in a list":
        inner, outer = visit.folder / "inner.txt", visit.folder / "outer.txt"
        inner.write_text(f"{one.name}[sci,1]\n")
        outer.write_text("@inner.txt\n")
        return inner, [med, f"@{outer}"]
    if role == "association":
        path = visit.folder / "asn.json"
        members = [{"expname": one.name, "exptype": "science"}]
        path.write_text(json.dumps({"products": [{"members": members}]}))
        return path, [med, f"{path}[sci,1]"]
    path = visit.folder / "my.cfg"
    path.write_text("interp = linear\n")
    return path, [med, one, "--config", path]


ROLES = ("mosaic", "exposure", "weights", "head", "list", "list in a list", "association", "cfg")


@pytest.mark.parametrize("spelling", ["itself", "symbolic link", "hard link"])
@pytest.mark.parametrize("role", ROLES)
def test_no_output_of_blot_is_a_file_that_is_read(visit, run, tmp_path, role, spelling):
    victim, arguments = named(visit, role)
    output = victim
    if spelling != "itself":
        output = tmp_path / "link.fits"
        os.symlink(victim, output) if spelling == "symbolic link" else os.link(victim, output)
    before = digests(visit.folder)
    arguments = [f"{each}[sci,1]" if each == visit.exposures[0] else each for each in arguments]
    for option in ("-o", "--log"):
        if (option, output) == ("--log", victim) and role not in ("association", "list"):
            continue  # refused before, as no log
        code, _, problem = run(
            "blot", *arguments, option, output, "--overwrite", "--output-dir", tmp_path
        )
        assert code == 2
        assert problem.endswith("is an input file; inputs are never overwritten\n"), problem
        assert digests(visit.folder) == before


def test_reject_keeps_what_it_reads(visit, run, out):
    """A list called like a mask, and a page of parameters."""
    path = out / "isky01a1q_sci1_crmask.fits"
    path.write_text(f"{visit.exposures[0]}[sci,1]\n")
    before = digests(out)
    code, _, problem = run("reject", visit.med, f"@{path}", "--output-dir", out, "--overwrite")
    assert (code, digests(out)) == (2, before)
    assert problem == f"skyblot: error: {path}: is an input file; inputs are never overwritten\n"


def test_show_keeps_what_it_shows(visit, run):
    before = digests(visit.folder)
    for output in (visit.med, visit.exposures[0]):
        code, _, problem = run("show", output, "-o", output, "--overwrite")
        assert code == 2
        assert "is an input file" in problem
    assert digests(visit.folder) == before


def test_two_outputs_are_two_files(visit, run, tmp_path):
    blot, page = tmp_path / "blot.fits", tmp_path / "page.html"
    page.symlink_to(blot)
    arguments = ["blot", visit.med, f"{visit.exposures[0]}[sci,1]", "-o", blot]
    for option in (["--log", blot], ["--report", page, "--overwrite"]):
        code, _, problem = run(*arguments, *option)
        assert code == 2
        assert "is the same file as another output" in problem
    assert list(tmp_path.glob("*.fits")) == []


def test_names_of_missing_files_are_compared_by_their_folders(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(FileError, match="same file as another output"):
        check_apart([], [tmp_path / "a.fits", tmp_path / "link" / "a.fits"])
    check_apart([], [tmp_path / "a.fits", tmp_path / "b.fits"])


@pytest.mark.parametrize("overwrite", [True, False])
def test_only_files_are_replaced(tmp_path, overwrite):
    fifo, link, folder = tmp_path / "fifo", tmp_path / "link", tmp_path / "folder"
    os.mkfifo(fifo)
    link.symlink_to("/dev/null")
    folder.mkdir()
    for path in (fifo, link):
        with pytest.raises(FileError, match="is no regular file, expected the name of a new file"):
            check_output(path, overwrite=overwrite)
    with pytest.raises(FileError, match="is a folder"), atomic_write(folder, overwrite=overwrite):
        pass
    assert link.is_symlink()
    assert fifo.is_fifo()


@pytest.mark.parametrize(
    "name", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/dev/a_new_name", "/proc/self/fd/1"]
)
def test_no_device_is_replaced(visit, run, name):
    """/dev/stdout may lead to a file: the link is to stay all the same."""
    code, _, problem = run(
        "blot", visit.med, f"{visit.exposures[0]}[sci,1]", "-o", name, "--overwrite"
    )
    assert code == 2
    assert problem.startswith(f"skyblot: error: {name}: ")
    assert not os.path.isfile("/dev/null")


def test_resuming_replaces_blots_only(visit, out):
    skyblot.blot_files(visit.med, visit.exposures, out)
    mine, theirs = sorted(out.iterdir())[:2]
    theirs.write_bytes(b"something else")
    with pytest.raises(FileError, match="is no blot of skyblot's, and --resume"):
        skyblot.blot_files(visit.med, visit.exposures, out, resume=True, interp="linear")
    assert theirs.read_bytes() == b"something else"
    assert skyblot.blot_files(visit.med, visit.exposures, out, resume=True, overwrite=True)[0].kept
    assert mine.exists()


def test_a_run_removes_what_killed_runs_left_in_its_folder(visit, out):
    with atomic_write(out / "other.fits", overwrite=False) as stream:
        name = os.path.basename(stream.name)
    host = name.removeprefix(".other.fits.").rsplit("-", 2)[0]
    (out / "other.fits").unlink()
    left, living = (
        out / f".gone.png.{host}-{number}-0123abcd.tmp" for number in (2**22 + 1, os.getpid())
    )
    others = out / ".my.tmp", out / ".gone.png.other-4194305-0123abcd.tmp"
    for path in (left, living, *others):
        path.touch()
    skyblot.blot_files(visit.med, visit.exposures[:1], out)
    assert not left.exists()
    assert all(path.exists() for path in (living, *others))


def test_what_is_no_file_is_not_read(visit, run, tmp_path):
    """A FIFO has no end, nor has a device: commands that waited for one would hang."""
    fifo = tmp_path / "pipe.fits"
    os.mkfifo(fifo)
    one = visit.exposures[0]
    for arguments in (
        ("info", fifo),
        ("show", fifo, "-o", tmp_path / "a.png"),
        ("blot", fifo, one),
        ("blot", visit.med, fifo, "--output-dir", tmp_path),
        ("blot", visit.med, f"@{fifo}", "--output-dir", tmp_path),
        ("reject", visit.med, fifo, "--output-dir", tmp_path),
        ("reject", visit.med, f"{one}[sci,1]", "--output-dir", tmp_path, "--dq", fifo),
        ("info", "/dev/zero"),
        ("blot", visit.med, "@/dev/zero", "--output-dir", tmp_path),
    ):
        code, _, problem = run(*arguments)
        assert code in (1, 2), arguments
        assert "is no regular file, expected one, or a URL" in problem, (arguments, problem)


def test_no_name_in_a_header_is_fetched(visit, out, run):
    """Of a blot's record, nothing but files on disk are looked at."""
    from astropy.io import fits

    blot = skyblot.blot_files(visit.med, visit.exposures[:1], out)[0].path
    with fits.open(blot, mode="update") as hdus:
        hdus["SCI"].header["BLOTREF"] = "http://127.0.0.1:9/x_flc.fits[sci,1]"
        hdus["SCI"].header["BLOTSRC"] = "memory://m.fits"
    code, printed, _ = run("show", blot, "-o", out / "a.png")
    assert code == 0
    assert printed.strip().endswith("blot")
