"""Which exposures are meant by association tables of HST, JWST and Roman."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from inputs_data import refused, touch

from skyblot.errors import SkyblotError
from skyblot.io.inputs import expand_references

MEMBERS = [
    ("J8C0D1BWQ", "EXP-DTH", True),
    ("J8C0D1BXQ", "EXP-CRJ", True),
    ("J8C0D1BZQ", "EXP-DTH", False),
    ("J8C0D1011", "PROD-CRJ", True),
    ("J8C0D1BYQ", "exp-targ", True),
    ("J8C0D1010", "PROD-DTH", True),
]


# HST association tables


def write_table(
    path, members=MEMBERS, names=("MEMNAME", "MEMTYPE", "MEMPRSNT"), formats=("14A", "14A", "L")
):
    columns = [
        fits.Column(name=name, format=form, array=np.array(values))
        for name, form, values in zip(names, formats, zip(*members, strict=True), strict=False)
    ]
    table = fits.BinTableHDU.from_columns(columns, name="ASN")
    Path(path).parent.mkdir(exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)


@pytest.mark.parametrize(
    "name", ["j8c0d1010_asn.fits", "J8C0D1010_ASN.FITS", "j8c0d1010_asn.fits.gz"]
)
def test_an_hst_association_gives_its_exposures(name):
    write_table(f"visit[1]/{name}")
    touch(
        "visit[1]/j8c0d1bwq_flt.fits",
        "visit[1]/j8c0d1bwq_flc.fits.gz",
        "visit[1]/J8C0D1BXQ_FLT.FITS",
    )
    touch(
        "visit[1]/j8c0d1byq_c0m.fits", "visit[1]/j8c0d1bzq_flc.fits", "visit[1]/j8c0d1011_flc.fits"
    )
    expected = [
        "visit[1]/j8c0d1bwq_flc.fits.gz",
        "visit[1]/J8C0D1BXQ_FLT.FITS",
        "visit[1]/j8c0d1byq_c0m.fits",
    ]
    assert expand_references([f"visit[1]/{name}"]).exposures == expected
    assert expand_references([f"visit[1]/{name}[sci,1]"]).exposures == [
        f"{each}[sci,1]" for each in expected
    ]


def test_an_association_in_the_current_folder_in_a_pattern_and_in_a_list():
    write_table("a_asn.fits", MEMBERS[:1])
    write_table("b_asn.fits", MEMBERS[:2])
    touch("j8c0d1bwq_flc.fits", "j8c0d1bxq_flc.fits")
    Path("list.txt").write_text("b_asn.fits")
    expected = ["j8c0d1bwq_flc.fits", "j8c0d1bxq_flc.fits"]
    assert expand_references(["a_asn.fits"]).exposures == expected[:1]
    assert expand_references(["*_asn.fits"]).exposures == expected
    assert expand_references(["@list.txt"]).exposures == expected


def test_columns_are_found_in_any_case_and_order():
    write_table(
        "a_asn.fits",
        [(1, True, "j8c0d1bwq", "EXP-DTH")],
        ["n", "memprsnt", "MemName", "MEMTYPE"],
        "JL",
    )
    assert "lacks MEMNAME, MEMTYPE" in refused("a_asn.fits")
    write_table(
        "b_asn.fits",
        [(1, True, "j8c0d1bwq", "EXP-DTH")],
        ["n", "memprsnt", "MemName", "MEMTYPE"],
        ["J", "L", "14A", "14A"],
    )
    touch("j8c0d1bwq_flt.fits")
    assert expand_references(["b_asn.fits"]).exposures == ["j8c0d1bwq_flt.fits"]


def test_a_missing_member_is_named():
    write_table("sub/a_asn.fits")
    touch("sub/j8c0d1bwq_flc.fits", "j8c0d1bxq_flc.fits", "sub/j8c0d1bxq_raw.fits")
    message = refused("sub/a_asn.fits")
    assert message.startswith("sub/a_asn.fits: its member J8C0D1BXQ is missing")
    assert "j8c0d1bxq_flc.fits or j8c0d1bxq_flt.fits" in message
    assert message.endswith("in sub")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"members": MEMBERS[3:4]}, "no member of this association is an exposure"),
        ({"members": MEMBERS[2:3]}, "no member of this association is an exposure"),
        (
            {"names": ("NAME", "MEMTYPE", "MEMPRSNT")},
            "its table lacks MEMNAME, expected the columns MEMNAME, MEMT",
        ),
        ({"names": ("MEMNAME",)}, "its table lacks MEMTYPE, MEMPRSNT"),
        ({"members": [("", "EXP-DTH", True)]}, "its table cannot be read: ''"),
        (
            {"members": [("a", "EXP-DTH", "F")], "formats": ("9A", "9A", "1A")},
            "MEMPRSNT is 'F', expected true",
        ),
        ({"members": [(7, "EXP-DTH", True)], "formats": ("J", "9A", "L")}, "7 is not the name"),
    ],
)
def test_a_table_that_is_no_association_is_refused(changes, expected):
    write_table("a_asn.fits", **changes)
    message = refused("a_asn.fits")
    assert message.startswith("a_asn.fits: ")
    assert expected in message


def test_a_file_that_is_no_table_is_refused():
    assert refused("a_asn.fits") == "a_asn.fits: no such association"
    fits.PrimaryHDU(np.zeros((2, 2))).writeto("b_asn.fits")
    assert "it holds no table" in refused("b_asn.fits")
    Path("c_asn.fits").write_text("not FITS at all")
    assert refused("c_asn.fits").startswith(
        "c_asn.fits: not an association: its table cannot be read"
    )
    Path("d_asn.fits.gz").write_text("not gzip at all")
    assert refused("d_asn.fits.gz").startswith("d_asn.fits.gz: this association cannot be read")


def association_bytes():
    write_table("whole_asn.fits")
    return Path("whole_asn.fits").read_bytes()


def test_a_truncated_or_damaged_table_never_gives_a_traceback():
    content = association_bytes()
    touch(
        *(f"{name.lower()}_flc.fits" for name, kind, _ in MEMBERS if kind.lower().startswith("exp"))
    )
    expected = expand_references(["whole_asn.fits"]).exposures
    assert len(expected) == 3

    @given(
        st.integers(0, len(content) - 1),
        st.integers(0, 255),
        st.integers(1, len(content)),
        st.booleans(),
    )
    def check(position, byte, length, compressed):
        damaged = bytearray(content)
        damaged[position] = byte
        name = "damaged_asn.fits.gz" if compressed else "damaged_asn.fits"
        Path(name).write_bytes(
            gzip.compress(damaged, 1)[:length] if compressed else damaged[:length]
        )
        try:
            found = expand_references([name]).exposures
        except SkyblotError:
            return
        # A byte can change who is present, and what a member is called: then that file is missing.
        assert set(found) <= set(expected)

    check()


# JWST and Roman associations


def write_json(path, *products, **extra):
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(json.dumps({"asn_type": "image3", "products": products, **extra}))


def members(*names, exptype="science"):
    return [{"expname": name, "exptype": exptype} for name in names]


@pytest.mark.parametrize("suffix", ["cal.fits", "cal.asdf"])
def test_a_json_association_gives_its_science_members(suffix):
    first, second, third = (f"exposure{k}_{suffix}" for k in (2, 1, 3))
    write_json(
        "sub/image3_asn.json",
        {
            "name": "p1",
            "members": [
                *members(first, f"../{second}"),
                *members("target_cat.ecsv", exptype="tacq"),
            ],
        },
        {
            "name": "p2",
            "members": [
                *members(first, exptype="SCIENCE"),
                *members("s3://b/x.fits"),
                {"expname": "y"},
            ],
        },
        {"name": "p3", "members": members(os.path.abspath(third))},
    )
    touch(f"sub/{first}", second, third)
    expected = [f"sub/{first}", f"sub/../{second}", "s3://b/x.fits", os.path.abspath(third)]
    assert expand_references(["sub/image3_asn.json"]).exposures == expected
    assert expand_references(["sub/*.json[sci,1]"]).exposures == [
        f"{name}[sci,1]" for name in expected
    ]


def test_a_missing_json_member_is_named():
    write_json("sub/a_asn.json", {"members": members("there_cal.fits", "gone_cal.fits")})
    touch("sub/there_cal.fits", "gone_cal.fits")
    expected = "sub/a_asn.json: its member gone_cal.fits is missing, looked for sub/gone_cal.fits"
    assert refused("sub/a_asn.json") == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "not valid JSON"),
        ('{"products": [', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        (b"\xff\xfe\xfa", "not valid JSON"),
        ("[]", "expected a list of products"),
        ("null", "expected a list of products"),
        ("{}", "expected a list of products"),
        ('{"products": {"members": []}}', "expected a list of products"),
        ('{"products": ["a"]}', "expected a list of members"),
        ('{"products": [{}]}', "expected a list of members"),
        ('{"products": [{"members": {"expname": "a"}}]}', "expected a list of members"),
        (
            '{"products": []}',
            "no member of this association is an exposure, expected one with exptype 'science'",
        ),
        (
            '{"products": [{"members": ["a", 3]}]}',
            "no member of this association is an exposure, expected one with exptype 'science'",
        ),
        (
            '{"products": [{"members": [{"expname": "a", "exptype": null}]}]}',
            "no member of this association is an exposure, expected one with exptype 'science'",
        ),
        ('{"products": [{"members": [{"exptype": "science"}]}]}', "has expname None"),
        ('{"products": [{"members": [{"exptype": "science", "expname": 3}]}]}', "has expname 3"),
        (
            '{"products": [{"members": [{"exptype": "science", "expname": "a\\u0000"}]}]}',
            "has expname 'a\\x00'",
        ),
    ],
)
def test_what_is_no_json_association_is_refused(content, expected):
    Path("a_asn.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    message = refused("a_asn.json")
    assert message.startswith("a_asn.json: ")
    assert expected in message


def test_an_absent_json_association_is_refused():
    assert refused("a_asn.json") == "a_asn.json: no such association"
