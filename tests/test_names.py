"""Names of files and extensions, and of the blots made from them."""

from pathlib import Path

import pytest

from skyblot.errors import FileError
from skyblot.io.images import blot_name
from skyblot.io.names import ImageName, parse_name


@pytest.mark.parametrize(
    ("name", "path", "extension"),
    [
        ("a.fits", "a.fits", None),
        ("a.fits[0]", "a.fits", 0),
        ("a.fits[12]", "a.fits", 12),
        ("a.fits[sci]", "a.fits", "SCI"),
        ("a.fits[SCI,1]", "a.fits", ("SCI", 1)),
        ("a.fits[ sci , 2 ]", "a.fits", ("SCI", 2)),
        ("dir.v2/a.b_flc.fits.gz[Err,10]", "dir.v2/a.b_flc.fits.gz", ("ERR", 10)),
        ("a[1].fits", "a[1].fits", None),
        ("a[1].fits[sci,2]", "a[1].fits", ("SCI", 2)),
        ("star α.fits[d2imarr,1]", "star α.fits", ("D2IMARR", 1)),
    ],
)
def test_parse_name(name, path, extension):
    assert parse_name(name) == ImageName(Path(path), extension)


@pytest.mark.parametrize(
    "brackets",
    [
        "[]",
        "[,]",
        "[sci,]",
        "[sci,0]",
        "[sci,-1]",
        "[sci,x]",
        "[-1]",
        "[1,2]",
        "[a,b]",
        "[sci,²]",
        "[sci,٢]",
        "[²]",
        "[+1]",
        "[1234567890123]",
    ],
)
def test_what_is_not_an_extension_is_refused_with_the_name(brackets):
    with pytest.raises(FileError) as caught:
        parse_name(f"a_flt.fits{brackets}")
    assert f"a_flt.fits{brackets}" in str(caught.value)
    assert "[sci,2]" in str(caught.value)


def test_a_file_whose_name_ends_in_brackets_is_that_file(tmp_path):
    odd = tmp_path / "a.fits[sci,1]"
    odd.touch()
    assert parse_name(odd) == ImageName(odd)
    assert parse_name(f"{odd}[sci,1]") == ImageName(odd, ("SCI", 1))


@pytest.mark.parametrize("name", ["a.fits", "a.fits[3]", "a.fits[sci]", "a.fits[sci,2]"])
def test_a_parsed_name_is_written_as_it_was(name):
    where = parse_name(name)
    assert str(where) == name
    assert parse_name(where) is where


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("j8c0d1bwq_flc.fits[sci,1]", "j8c0d1bwq_sci1_blt.fits"),
        ("j8c0d1bwq_flc.fits[SCI,12]", "j8c0d1bwq_sci12_blt.fits"),
        ("some/where/j8c0d1bwq_flt.fits", "j8c0d1bwq_sci1_blt.fits"),
        ("j8c0d1bwq_flc.fits[sci]", "j8c0d1bwq_sci1_blt.fits"),
        ("j8c0d1bwq_flc.fits[4]", "j8c0d1bwq_sci4_blt.fits"),
        ("j8c0d1bwq_flc.fits[err,2]", "j8c0d1bwq_err2_blt.fits"),
        ("image.fits", "image_sci1_blt.fits"),
        ("image.fits[0]", "image_sci0_blt.fits"),
        ("image", "image_sci1_blt.fits"),
        ("ngc.1300.v2_drz.fits[sci,1]", "ngc.1300.v2_sci1_blt.fits"),
        ("jw01_0001_nrcb5_cal.fits.gz[sci,1]", "jw01_0001_nrcb5_sci1_blt.fits"),
        ("image.fits.fz[1]", "image_sci1_blt.fits"),
        ("field α_flc.fits[sci,2]", "field α_sci2_blt.fits"),
    ],
)
def test_blot_name(name, expected):
    assert blot_name(parse_name(name)) == expected
