"""Which exposures are meant by names, patterns, lists and folders."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs_data import refused, touch

from skyblot.errors import ParameterError, SkyblotError
from skyblot.io.inputs import expand_references

# Names


@pytest.mark.parametrize(
    "name",
    [
        "x_flc.fits",
        "./data/x_flc.fits",
        "x_flc.fits[1]",
        "x_flc.fits[sci,2]",
        "x_flc.fits[SCI]",
        "r0001_wfi01_cal.asdf",
        "s3://bucket/j8*[0-9]q_flc.fits",
        "https://host/x_flc.fits?version=2#[sci,1]",
        "https://host/j8c0d1010_asn.fits",
        "simplecache::s3://bucket/@list.txt",
        "image",
        "star α_flt.fits[sci,1]",
    ],
)
def test_names_and_urls_stay_as_they_are(name):
    assert expand_references([name]).exposures == [name]


def test_paths_and_a_single_name_are_accepted(folder):
    assert expand_references([folder / "x_flc.fits"]).exposures == [str(folder / "x_flc.fits")]
    assert expand_references("x_flc.fits").exposures == ["x_flc.fits"]
    assert expand_references([]).exposures == []


@pytest.mark.parametrize(
    "name", ["a*.fits", "a[0-9].fits", "a?.fits[sci,1]", "@list.txt", "a_flc.fits[sci,0]"]
)
def test_what_exists_as_it_stands_is_that_file(name):
    touch(name, "a1.fits", "ab.fits")
    assert expand_references([name]).exposures == [name]


def test_what_exists_as_it_stands_can_have_an_extension():
    touch("a*.fits", "ab.fits", "b.fits[sci,1]")
    for name in ("a*.fits[1]", "b.fits[sci,1][sci,2]"):
        assert expand_references([name]).exposures == [name]


def test_spellings_of_one_file_count_once_the_first_is_kept(folder):
    (folder / "data").mkdir()
    os.symlink("data", "link")
    names = [
        "data/x.fits[SCI,1]",
        "./data/x.fits[ sci,1 ]",
        folder / "data/x.fits[sci,1]",
        "link/x.fits[sci,1]",
    ]
    others = ["data/x.fits[sci,2]", "data/x.fits", "data/y.fits"]
    assert expand_references([*names, *others, *names]).exposures == [names[0], *others]


def test_links_with_names_of_their_own_are_kept():
    touch("a_flc.fits")
    os.symlink("a_flc.fits", "b_flc.fits")
    assert expand_references(["a_flc.fits", "b_flc.fits"]).exposures == ["a_flc.fits", "b_flc.fits"]


@pytest.mark.parametrize("name", ["", "  ", "a\0*", "a\0/*.fits", b"a.fits", 3, None])
def test_what_is_no_name_is_refused(name):
    assert repr(name) in refused("a.fits", name, error=ParameterError)


def test_a_wrong_extension_is_refused_and_no_pattern():
    touch("image", "xs")
    assert "[sci,0] is not an extension" in refused("*_flc.fits[sci,0]")
    assert "[sci,x] is not an extension" in refused("image[sci,x]")


# Patterns


def test_patterns_are_expanded_in_sorted_order():
    touch(
        "data/j8b2q_flc.fits",
        "data/j8a1q_flc.fits",
        "data/j8axq_flc.fits",
        "data/.j81q_flc.fits",
        "data/x.txt",
    )
    assert expand_references(["data/j8*[0-9]q_flc.fits"]).exposures == [
        "data/j8a1q_flc.fits",
        "data/j8b2q_flc.fits",
    ]
    assert expand_references(["data/j8?xq_*", "data/j8*"]).exposures == [
        f"data/j8{root}q_flc.fits" for root in ("ax", "a1", "b2")
    ]


@pytest.mark.parametrize("extension", ["[1]", "[sci]", "[sci,2]"])
def test_a_pattern_gives_its_extension_to_each_file(extension):
    touch("a1_flc.fits", "a2_flc.fits", "b_flc.fits")
    assert expand_references([f"a[12]_flc.fits{extension}"]).exposures == [
        f"a{k}_flc.fits{extension}" for k in (1, 2)
    ]


def test_brackets_that_are_no_extension_are_characters():
    touch("visit1/a_flc.fits", "visit2/b_flc.fits", "visit3/c_flc.fits")
    assert expand_references(["visit[1-2]"]).exposures == ["visit1/a_flc.fits", "visit2/b_flc.fits"]


def test_two_stars_go_into_folders():
    touch("a/b/c_flc.fits", "a/d_flc.fits", "e_flc.fits", "a/f_flt.fits")
    expected = ["a/b/c_flc.fits", "a/d_flc.fits", "e_flc.fits"]
    assert expand_references(["**/*_flc.fits"]).exposures == expected


def test_absolute_patterns(folder):
    touch("a_flc.fits")
    assert expand_references([f"{folder}/*_flc.fits"]).exposures == [f"{folder}/a_flc.fits"]


@pytest.mark.parametrize(
    "name", ["*_flc.fits", "no/such/*", "x[1-3]", "*_flc.fits[sci,1]", "[1]", "a*" + 5000 * "b"]
)
def test_a_pattern_that_matches_nothing_is_refused(name):
    message = refused(name)
    assert message.removesuffix(": no file matches this pattern") in (
        name,
        name.removesuffix("[sci,1]"),
    )


# Lists


def test_a_list_names_files_relative_to_its_folder(folder):
    touch("data[1]/a_flc.fits", "data[1]/b_flc.fits", "data[1]/sub/c_flc.fits", "data[1]/#d.fits")
    lines = [
        "# all of it",
        "",
        "   ",
        "b_flc.fits[sci,2]   # the second chip",
        f"{folder}/absolute_flc.fits",
        "s3://bucket/x.fits#part",
        "*_flc.fits[sci,1]",
        "  sub\t# a folder",
        "with space.fits",
        "../up.fits",
    ]
    Path("data[1]/list.txt").write_text("\ufeff" + "\r\n".join(lines), "utf-8")
    assert expand_references(["@data[1]/list.txt"]).exposures == [
        "data[1]/b_flc.fits[sci,2]",
        f"{folder}/absolute_flc.fits",
        "s3://bucket/x.fits#part",
        "data[1]/a_flc.fits[sci,1]",
        "data[1]/b_flc.fits[sci,1]",
        "data[1]/sub/c_flc.fits",
        "data[1]/with space.fits",
        "data[1]/../up.fits",
    ]


def test_lists_in_lists_are_relative_to_their_own_folder():
    touch("sub/c.fits")
    Path("a.txt").write_text("a.fits\n@sub/b.txt\n@sub/b.txt\nz.fits")
    Path("sub/b.txt").write_text("b.fits\n@../c.txt\nc*")
    Path("c.txt").write_text("c.fits")
    assert expand_references(["@a.txt"]).exposures == [
        "a.fits",
        "sub/b.fits",
        "sub/../c.fits",
        "sub/c.fits",
        "z.fits",
    ]


@pytest.mark.parametrize("others", [0, 1, 3])
def test_a_list_that_contains_itself_is_refused(others):
    for k in range(others + 1):
        Path(f"{k}.txt").write_text(f"a.fits\n@./{(k + 1) % (others + 1)}.txt\n")
    message = refused("@0.txt")
    assert "this list contains itself" in message
    assert message.startswith("0.txt, line 2: ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "names no exposure"),
        (b"# nothing\n\n", "names no exposure"),
        (b"SIMPLE  =  T\0\0", "is not a list"),
        (b"caf\xe9.fits\n", "is not a list"),
        (b"a.fits\n\nno*.fits\n", "line 3: no*.fits: no file matches"),
        (b"@other.txt", "line 1: other.txt: no such list"),
        (b"@", "line 1: @: no such list"),
        (b"a.fits[sci,0]", "[sci,0] is not an extension"),
    ],
)
def test_a_list_that_is_none_is_refused_by_name(content, expected):
    Path("list.txt").write_bytes(content)
    message = refused("x.fits", "@list.txt")
    assert expected in message
    assert message.startswith("list.txt") or "not an extension" in message


def test_lists_that_cannot_be_read(folder, monkeypatch):
    assert refused("@none.txt") == "none.txt: no such list"
    (folder / "sub").mkdir()
    assert refused("@sub").startswith("sub: this list cannot be read")
    monkeypatch.setattr("skyblot.io.inputs._LARGEST", 10)
    Path("list.txt").write_text("a.fits\nb.fits\n")
    assert "list.txt: is not a list, expected at most 0 MB" in refused("@list.txt")


def test_a_list_takes_no_extension_and_no_url():
    touch("list.txt", "list[1]")
    assert "@list.txt[sci,1]: a list takes no extension" in refused(
        "@list.txt[sci,1]", error=ParameterError
    )
    assert "local files" in refused("@https://host/list.txt", error=ParameterError)
    Path("list[1]").write_text("a.fits")
    assert expand_references(["@list[1]"]).exposures == ["a.fits"]


# Folders


def test_a_folder_gives_its_exposures_sorted():
    wanted = [
        "IB2_FLT.FITS",
        "j8a_flc.fits",
        "j8b_flt.fits.gz",
        "jw01_nrca1_cal.fits",
        "jw02_nrca1_a3001_crf.fits",
        "jw02_nrca1_c1001_crf.fits",
        "jw03_nrca1_crf.fits",
        "r0001_wfi01_f158_cal.asdf",
        "u2x_c0m.fits",
        "z_flc.fits.fz",
    ]
    others = [
        "j8a_flt.fits",
        "j8a_flc.fits.gz",
        "u2x_c1m.fits",
        "jw02_nrca1_cal.fits",
        "jw03_nrca1_cal.fits.gz",
    ]
    others += [
        "j8a_sci1_blt.fits",
        "j8a_blt_flc.fits",
        "r0001_wfi01_blt.asdf",
        "j8a_flc_mask.fits",
        "j8a_raw.fits",
    ]
    others += [
        "j8c_asn.fits",
        "mosaic_drc.fits",
        "mosaic_i2d.fits",
        "image3_asn.json",
        "j8a_flc.fits.part",
        "_flc.fits",
    ]
    touch(*(f"data/{name}" for name in (*wanted, *others, "sub/y_flc.fits", "deep_flc.fits/x")))
    expected = [f"data/{name}" for name in wanted]
    assert expand_references(["data"]).exposures == expected
    assert expand_references(["da*"]).exposures == expected
    assert expand_references(["data[sci,1]"]).exposures == [f"{name}[sci,1]" for name in expected]


def test_the_current_folder():
    touch("j8a_flc.fits")
    assert expand_references(["."]).exposures == ["./j8a_flc.fits"]
    assert expand_references([".", "j8a_flc.fits"]).exposures == ["./j8a_flc.fits"]


@pytest.mark.parametrize(
    ("product", "lesser"),
    [("flc", "flt"), ("flc", "c0m"), ("flt", "c0m"), ("crf", "cal"), ("a3001_crf", "cal")],
)
def test_of_one_root_the_better_product_is_taken(product, lesser):
    touch(f"data/x_{lesser}.fits", f"data/x_{product}.fits.gz", f"data/y_{lesser}.fits")
    assert expand_references(["data"]).exposures == [
        f"data/x_{product}.fits.gz",
        f"data/y_{lesser}.fits",
    ]


def test_a_folder_without_exposures_is_refused_with_what_was_looked_for():
    touch("data/j8a_sci1_blt.fits", "data/x_drz.fits")
    message = refused("data")
    assert message.startswith(
        "data: this folder holds no exposure, looked for *_flc.fits, *_flt.fits"
    )
    assert "*_cal.asdf" in message


def test_a_folder_that_cannot_be_read_is_refused(folder, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("skyblot.io.inputs.os.listdir", denied)
    assert refused(folder) == f"{folder}: this folder cannot be read: Permission denied"


# Whatever is given


#: Without a slash: /** would walk the whole machine.
TEXTS = st.text(
    st.sampled_from("ab[]*?@#,.1 \\-!:~\0\n") | st.characters(exclude_characters="/"), max_size=12
)


@given(st.lists(TEXTS, max_size=4))
def test_any_text_is_expanded_or_refused_and_expanding_again_changes_nothing(names):
    try:
        found = expand_references(names).exposures
    except SkyblotError:
        return
    assert len(set(found)) == len(found) <= len(names)
    assert expand_references(found).exposures == found


# Products


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["x_flc.fits", "x_sci1_crmask.fits", "x_sci2_blt.fits", "x_crclean.fits"], 1),
        (["r_v1.fits[1]", "r_v1_n1_1_blt.fits.fz", "r_v1_crmask.fits.gz[1]", "r_v1_crdq.fits"], 1),
        (["r_cal.asdf", "r_blt.asdf", "r_crmask.fits"], 1),
        # of another exposure, or of one that is not named
        (["x_flc.fits", "xy_sci1_crmask.fits"], 2),
        (["x_sci1_blt.fits", "x_sci1_crmask.fits"], 2),
        (["x_flc.fits", "x_crf.fits", "x_truth.fits"], 3),
    ],
)
def test_products_are_left_out_where_their_exposures_are_named(names, kept):
    assert expand_references(names).exposures == names[:kept]
