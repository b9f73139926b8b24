"""Trees of ASDF files that stand for more than they hold, or for what is elsewhere."""

import pytest
from astropy.io import fits

from skyblot.errors import FileError
from skyblot.io import tree as tree_module
from skyblot.io.tree import check_tree

pytest.importorskip("asdf")

EVENTS = tree_module._events
HEAD = (
    "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- "
    "!core/asdf-1.1.0\n"
)
BOMB = "a0: &a0 [1, 1]\n" + "".join(f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]\n" for k in range(1, 60))
GOOD = {
    "shared nodes": "a: &a {x: [1, 2]}\nb: [*a, *a, *a]\n",
    "arrays in blocks": (
        "a: !core/ndarray-1.0.0 {source: 0, shape: [2]}\nb: !core/ndarray-1.0.0 {source: -1}\n"
    ),
    "arrays in JWST's extensions": "a: !core/ndarray-1.0.0 {source: 'fits:SCI,1'}\n",
    "arrays in the tree": (
        "a: !core/ndarray-1.0.0 [1, 2]\nb: !core/ndarray-1.0.0 {data: [1], shape: [1]}\n"
    ),
    "a source that is no array's": "a: {source: 'https://example.org/'}\n",
    "a place in the tree": "a: {$ref: '#/b'}\nb: 1\n",
}
BAD = {
    "a bomb": (BOMB, "nodes"),
    "itself": ("a: &a [1, *a]\n", "contains itself"),
    "itself, deeper": ("a: &a {b: [1, {c: *a}]}\n", "contains itself"),
    "many levels": ("a: " + "[" * 500 + "]" * 500 + "\n", "levels"),
    "many levels of blocks": ("".join(f"{' ' * k}a:\n" for k in range(500)), "levels"),
    "a URL": ("a: !core/ndarray-1.0.0 {source: 'http://127.0.0.1:9/a.asdf'}\n", "refers by source"),
    "a file": (
        "a: {b: !core/ndarray-1.0.0 {source: other.asdf, shape: [2]}}\n",
        "refers by source",
    ),
    "a number in quotes": ("a: !core/ndarray-1.0.0 {source: '0'}\n", "refers by source"),
    "a fraction": ("a: !core/ndarray-1.0.0 {source: 0.5}\n", "refers by source"),
    "a list": ("a: !core/ndarray-1.0.0 {source: [0]}\n", "refers by source"),
    "an alias": ("x: &x other.asdf\na: !core/ndarray-1.0.0 {source: *x}\n", "refers by source"),
    "a key that is an alias": (
        "x: &x source\na: !core/ndarray-1.0.0 {*x : other.asdf}\n",
        "an alias",
    ),
    "what is merged": ("x: &x {source: other.asdf}\na: !core/ndarray-1.0.0 {<<: *x}\n", "merged"),
    "a tag in full": (
        "a: !<tag:stsci.org:2014:core/ndarray-1.0.0> {source: other.asdf}\n",
        "refers by source",
    ),
    "a tag with an escape": ("a: !core/nd%61rray-1.0.0 {source: other.asdf}\n", "refers by source"),
    "a reference": ("a: {$ref: 'http://127.0.0.1:9/a.asdf#/b'}\n", "refers by $ref"),
    "no YAML": ("a: [1\nb: 2\n", "expected"),
}


def tree(text):
    return (HEAD + text + "...\n").encode()


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_trees_that_are_read(text):
    check_tree(tree(text), "a.asdf")


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD)
def test_trees_that_are_refused(text, words):
    with pytest.raises(FileError, match="not a readable ASDF file") as caught:
        check_tree(tree(text), "a.asdf")
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["a bomb", "itself", "many levels"])
def test_a_walk_ends_once_too_much_is_known(name, monkeypatch):
    """A bomb of 60 levels stands for 2**60 nodes; each of its lines has at most six events, and 23
    lines are enough.
    """
    seen = []

    def counted(text):
        for event in EVENTS(text):
            seen.append(event)
            yield event

    monkeypatch.setattr(tree_module, "_events", counted)
    with pytest.raises(FileError):
        check_tree(tree(BAD[name][0]), "a.asdf")
    assert len(seen) < {"a bomb": 150, "itself": 20, "many levels": 220}[name]


@pytest.mark.parametrize(
    "text", [BAD[name][0] for name in ("a bomb", "itself", "a URL")], ids=["bomb", "self", "URL"]
)
@pytest.mark.parametrize("command", ["info", "blot", "reject", "show"])
def test_every_command_refuses_them(visit, run, tmp_path, command, text):
    path = tmp_path / "r_cal.asdf"
    path.write_bytes(tree("roman:\n" + "".join(f"  {line}\n" for line in text.splitlines())))
    arguments = {"info": [path], "show": [path, "-o", tmp_path / "a.png"]}
    code, _, problem = run(
        command, *arguments.get(command, [visit.med, path, "--output-dir", tmp_path])
    )
    assert code == 2
    assert "r_cal.asdf: not a readable ASDF file" in problem


def test_the_tree_of_a_fits_file_is_looked_at_too(visit, run, tmp_path):
    path = tmp_path / "jw_cal.fits"
    bytes_ = tree(
        "meta: {wcs: {b: !<tag:stsci.edu:gwcs/wcs-1.0.0> {}, a: !core/ndarray-1.0.0 {source: "
        "'http://127.0.0.1:9/'}}}\n"
    )
    column = fits.Column("ASDF_METADATA", f"{len(bytes_)}B", array=[list(bytes_)])
    with fits.open(visit.exposures[0]) as hdus:
        hdus.append(fits.BinTableHDU.from_columns([column], name="ASDF"))
        hdus.writeto(path)
    code, _, problem = run("blot", visit.med, f"{path}[sci,1]", "--output-dir", tmp_path)
    assert code in (0, 2)
    assert "refers by source to" in problem


@pytest.mark.parametrize("value", ["1000", "999999999", "-1"])
def test_tables_with_more_columns_than_fits_has(tmp_path, run, value):
    path = tmp_path / "t.fits"
    fits.HDUList(
        [fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])])]
    ).writeto(path)
    card = b"TFIELDS =                    1"
    path.write_bytes(path.read_bytes().replace(card, b"TFIELDS = " + value.rjust(20).encode()))
    code, _, problem = run("info", path)
    assert code == 2
    assert f"TFIELDS = {value}" in problem
