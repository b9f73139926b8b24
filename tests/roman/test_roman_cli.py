"""Roman's ASDF files on the command line."""

import warnings

import numpy as np
import pytest
from gwcs_files import map_error
from roman_files import MOSAIC, RAW, expected, roman_tree
from samples import texture

from skyblot import blot_file
from skyblot.cli import main


def run(capsys, *arguments):
    with warnings.catch_warnings(), pytest.raises(SystemExit) as caught:
        main([str(each) for each in arguments])
    return caught.value.code, capsys.readouterr()


def test_command(coadd, cal, tmp_path, capsys):
    code, shown = run(
        capsys, "blot", coadd, cal, "--output-dir", tmp_path, "--interp", "linear", "--no-addsky"
    )
    assert (code, shown.err) == (0, "")
    (path,) = tmp_path.iterdir()
    assert shown.out.startswith(f"{path}  200 x 240  100.0 % covered")
    assert np.abs(roman_tree(path)["data"] / 2 - expected()).max() <= map_error(texture(MOSAIC))


@pytest.mark.parametrize("which", ["source", "reference"])
def test_command_with_a_bad_file_is_exit_code_2_and_no_file(coadd, cal, tmp_path, capsys, which):
    (tmp_path / "bad.asdf").write_bytes(coadd.read_bytes()[:1000])
    names = [tmp_path / "bad.asdf", cal] if which == "source" else [coadd, tmp_path / "bad.asdf"]
    code, shown = run(capsys, "blot", *names, "-o", tmp_path / "out.asdf")
    assert code == 2
    assert (
        shown.err == f"skyblot: error: {tmp_path}/bad.asdf: truncated: its ASDF tree does not end\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["bad.asdf"]


def test_nobody_s_warnings_are_changed(coadd, cal, tmp_path):
    before = list(warnings.filters)
    blot_file(coadd, cal, tmp_path / "b.asdf", **RAW)
    assert warnings.filters == before
