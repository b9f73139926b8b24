"""What was compared is what is copied, and what was made from something else is made anew."""

import os
import shutil
from pathlib import Path

import pytest
from astropy.io import fits

import skyblot
from skyblot.steps import reject as steps_reject


def replaced(path: Path, how: str) -> None:
    """Put another file in a file's place, or change it, leaving size and, if it can be, time as
    they are.
    """
    facts = os.stat(path)
    if how == "in place":
        with fits.open(path, mode="update") as hdus:
            hdus["SCI"].data[...] += 1
        return
    other = path.with_name("other")
    shutil.copy(path, other)
    with fits.open(other, mode="update") as hdus:
        hdus["SCI"].data[...] += 1
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    os.replace(other, path)


@pytest.mark.parametrize("how", ["in place", "another file of equal size and time"])
@pytest.mark.parametrize("kind", ["clean", "update_dq", "one_file"])
def test_copies_are_of_the_file_that_was_compared(visit, out, monkeypatch, kind, how):
    one = visit.exposures[0]
    find = steps_reject.BadPixels

    def find_and_change(*facts):
        replaced(one, how)
        return find(*facts)

    monkeypatch.setattr(steps_reject, "BadPixels", find_and_change)
    with pytest.raises(skyblot.BatchError, match="has changed since it was compared"):
        skyblot.reject_files(visit.med, [f"{one}[sci,1]"], out, **{kind: True})
    assert [
        path.name for path in out.iterdir() if "mask" not in path.name or kind == "one_file"
    ] == []


def kept(visit, out, med=None, **options):
    results = skyblot.blot_files(med or visit.med, visit.exposures[:1], out, resume=True, **options)
    return [result.kept for result in results]


def test_two_mosaics_of_one_name_size_and_time_are_two(visit, out, tmp_path):
    other = tmp_path / "elsewhere" / visit.med.name
    other.parent.mkdir()
    shutil.copy2(visit.med, other)
    assert kept(visit, out) == [False, False]
    assert kept(visit, out) == [True, True]
    assert kept(visit, out, other) == [False, False]
    link = tmp_path / "link" / visit.med.name
    link.parent.mkdir()
    link.symlink_to(other)
    assert kept(visit, out, link) == [True, True]


def test_all_that_makes_the_bytes_counts(visit, out):
    with fits.open(visit.med, mode="update") as hdus:
        hdus.append(fits.ImageHDU(abs(hdus[-1].data) * 0 + 1, hdus[-1].header, name="ERR"))
    fz = out / "x"
    fz.mkdir()
    for options in ({}, {"errors": True}, {"interp": "linear"}):
        assert kept(visit, out, **options) == [False, False]
        assert kept(visit, out, **options) == [True, True]
    for compress in (True, False):  # under one name
        name = out / "isky01a1q_sci1_blt.fits"
        how = {"compress": compress, "overwrite": True}
        skyblot.blot_file(visit.med, f"{visit.exposures[0]}[sci,1]", name, **how)
        assert kept(visit, out)[0] is not compress
