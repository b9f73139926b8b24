"""Cards that are stale, doubled, odd or contradictory: which of them make the WCS, and what is said
of others.
"""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from samples import read_wcs, rewrite, tan_header, texture, write_sci

import skyblot
from skyblot.errors import SkyblotWarning, WCSError
from skyblot.headers.facts import Facts, is_drizzled
from skyblot.io.images import open_image

SHAPE = (40, 50)
SIP = {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 9e-5, "B_1_1": 8e-5, "B_0_2": 3e-5}
SIP_CTYPE = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
TABLES = {"CPDIS1": "Lookup", "DP1.EXTVER": 1.0, "D2IMDIS1": "Lookup", "D2IM1.EXTVER": 1.0}
#: What makes an image a drizzled one: cards of its extension, of its primary header, extensions
#: beside it.
MARKS = {
    "D001VER": ({"D001VER": "3.7.0"}, {}, ()),
    "D001DATA": ({}, {"D001DATA": "a_flc.fits[sci,1]"}, ()),
    "NDRIZIM": ({}, {"NDRIZIM": 4}, ()),
    "S_RESAMP": ({}, {"S_RESAMP": "COMPLETE"}, ()),
    "WHT": ({}, {}, ("WHT",)),
    "CTX": ({}, {}, ("CTX",)),
}


def add_tables(header):
    """Cards that ask for look-up tables, which are not in the file."""
    for keyword, value in (("CPDIS1", "Lookup"), ("D2IMDIS1", "Lookup")):
        header[keyword] = value
    for keyword in ("DP1", "D2IM1"):
        header.append(fits.Card.fromstring(f"{keyword:8}= 'EXTVER: 1.0'"))
    return header


def write(path, cards, primary=None, beside=(), tables=False):
    header = tan_header(SHAPE, **cards)
    path = write_sci(path, texture(SHAPE), add_tables(header) if tables else header, primary)
    for name in beside:
        fits.append(path, np.ones(SHAPE, "f4"), fits.Header({"EXTNAME": name}))
    return path


def positions(wcs):
    return np.array(wcs.all_pix2world([0.0, 20.0, 49.0], [0.0, 15.0, 39.0], 0))


def wcs_of(path):
    with open_image(path) as image:
        return image.wcs()


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("left", ["SIP", "CPDIS and D2IM", "SIP and CPDIS and D2IM"])
def test_leftovers_of_a_drizzled_image_are_ignored_and_named(tmp_path, mark, left):
    cards, primary, beside = MARKS[mark]
    sip = SIP if "SIP" in left else {}
    path = write(tmp_path / "a_drz.fits", {**cards, **sip}, primary, beside, tables="CPDIS" in left)
    with pytest.warns(SkyblotWarning) as caught:
        wcs = wcs_of(path)
    assert [str(each.message) for each in caught] == [
        f"{path}[sci,1]: is a drizzled image: what its header has left of {left} from its "
        "exposures is ignored"
    ]
    assert not wcs.has_distortion
    np.testing.assert_array_equal(positions(wcs), positions(WCS(tan_header(SHAPE))))


def test_sip_that_a_drizzled_image_says_it_has_is_used(tmp_path):
    path = write(tmp_path / "a_drz.fits", {"NDRIZIM": 4, **SIP, **SIP_CTYPE})
    np.testing.assert_array_equal(positions(wcs_of(path)), positions(read_wcs(path)))
    assert wcs_of(path).sip is not None


@pytest.mark.parametrize("marks", [{}, {"S_RESAMP": "SKIPPED"}])
def test_sip_of_an_exposure_is_applied_though_its_ctype_does_not_say_so(tmp_path, marks):
    path = write(tmp_path / "a_flt.fits", {**SIP, **marks})
    with pytest.warns(
        SkyblotWarning, match="has SIP coefficients though CTYPE1 = 'RA---TAN' does not say -SIP"
    ) as seen:
        wcs = wcs_of(path)
    assert len(seen) == 1
    np.testing.assert_array_equal(positions(wcs), positions(read_wcs(path)))
    assert not np.array_equal(positions(wcs), positions(WCS(tan_header(SHAPE))))


@pytest.mark.parametrize("role", ["source", "reference"])
def test_a_blot_of_and_onto_a_drizzled_image_is_that_without_the_leftovers(tmp_path, role):
    paths = {}
    for kind, cards in (("clean", {}), ("stale", SIP)):
        paths[kind] = write(tmp_path / f"{kind}_drz.fits", {"NDRIZIM": 4, **cards})
    other = write(tmp_path / "other.fits", {"CRPIX1": 22.0, "CD1_2": 2e-6, "CD2_1": 2e-6})
    made = {}
    for kind, path in paths.items():
        pair = (path, other) if role == "source" else (other, path)
        made[kind] = tmp_path / f"{kind}_blt.fits"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkyblotWarning)
            skyblot.blot_file(*pair, made[kind], in_units="cps", out_units="cps", addsky=False)
    np.testing.assert_array_equal(*(fits.getdata(path, "SCI") for path in made.values()))
    np.testing.assert_array_equal(
        positions(read_wcs(made["stale"])), positions(read_wcs(made["clean"]))
    )
    if role == "reference":
        assert "A_ORDER" not in fits.getheader(made["stale"], "SCI")


@pytest.mark.parametrize(
    ("facts", "drizzled"),
    [
        (Facts("a", {"S_RESAMP": "SKIPPED"}, {}), False),
        (Facts("a", {}, {}, frozenset({"SCI", "ERR", "DQ"})), False),
        (Facts("a", {}, {"NDRIZIM": 0}), True),
        (Facts("a", {}, {}, frozenset({"SCI", "WHT"})), True),
    ],
)
def test_what_is_a_drizzled_image(facts, drizzled):
    assert is_drizzled(facts) is drizzled


# Doubles and fields.


def with_cards(path, new_path, *cards):
    """A copy of a file whose first SCI header ends with these cards, as they are written."""

    def change(hdus):
        text = hdus["SCI", 1].header.tostring(sep="\n", endcard=False, padding=False)
        hdus["SCI", 1].header = fits.Header.fromstring("\n".join([text, *cards]), sep="\n")

    return rewrite(path, new_path, change)


DOUBLES = {
    "D2IM records": ("D2IM1",),
    "all records": ("D2IM1", "D2IM2", "DP1", "DP2"),
    "SIP and linear terms": ("A_2_0", "CRVAL1", "CD1_1", "CTYPE1"),
}


@pytest.mark.parametrize("what", DOUBLES)
def test_identical_cards_count_once(demo, tmp_path, what):
    cards = fits.getheader(demo.exposures[0], ("SCI", 1)).cards
    again = [card.image for card in cards if str(card.rawkeyword) in DOUBLES[what]]
    assert again
    path = with_cards(demo.exposures[0], tmp_path / "twice_flc.fits", *again)
    np.testing.assert_array_equal(positions(wcs_of(path)), positions(wcs_of(demo.exposures[0])))
    blot = skyblot.blot_file(demo.median, f"{path}[sci,1]", tmp_path / "blt.fits")
    once = skyblot.blot_file(demo.median, f"{demo.exposures[0]}[sci,1]", tmp_path / "once.fits")
    np.testing.assert_array_equal(fits.getdata(blot, "SCI"), fits.getdata(once, "SCI"))
    np.testing.assert_array_equal(positions(read_wcs(blot)), positions(read_wcs(once)))
    header = fits.getheader(blot, "SCI")
    images = [card.image for card in header.cards if str(card.rawkeyword) in DOUBLES[what]]
    assert len(images) == len(set(images))


@pytest.mark.parametrize(
    ("card", "keyword"),
    [
        ("D2IM1   = 'EXTVER: 9.0'", "D2IM1.EXTVER"),
        ("CRVAL1  = 11.0", "CRVAL1"),
        ("A_2_0   = 0.5", "A_2_0"),
    ],
)
def test_of_different_cards_the_first_counts_and_that_is_said(demo, tmp_path, card, keyword):
    path = with_cards(demo.exposures[0], tmp_path / "twice_flc.fits", card)
    with pytest.warns(
        SkyblotWarning,
        match=rf"\[sci,1\]: {keyword} is there more than once, with different values",
    ):
        wcs = wcs_of(path)
    np.testing.assert_array_equal(positions(wcs), positions(wcs_of(demo.exposures[0])))


def test_hierarch_keywords_with_dots_are_no_records(demo, tmp_path):
    cards = ["HIERARCH ESO.DET.CHIP = 3", "HIERARCH ESO.DET.CHIP = 4", "HIERARCH A.B = 'x'"]
    path = with_cards(demo.exposures[0], tmp_path / "eso_flc.fits", *cards)
    np.testing.assert_array_equal(positions(wcs_of(path)), positions(wcs_of(demo.exposures[0])))
    skyblot.blot_file(demo.median, f"{path}[sci,1]", tmp_path / "blt.fits")


# Tables and distortion that are not there.


@pytest.mark.parametrize("keyword", ["CPDIS1", "D2IMDIS1"])
def test_a_table_that_is_not_there_is_named(demo, tmp_path, keyword):
    name = {"CPDIS1": "WCSDVARR", "D2IMDIS1": "D2IMARR"}[keyword]

    def change(hdus):
        del hdus[name, 1]

    path = rewrite(demo.exposures[0], tmp_path / "chip_flc.fits", change)
    reason = rf"it needs the look-up table \[{name},1\] \({keyword}\), which is not in the file"
    with pytest.raises(WCSError, match=reason):
        wcs_of(path)


@pytest.mark.parametrize(
    ("primary", "reason"),
    [
        (
            {"TELESCOP": "HST", "IDCTAB": "jref$v8q1444tj_idc.fits"},
            r"no SIP \(was updatewcs run\?\)",
        ),
        (
            {"TELESCOP": "JWST", "INSTRUME": "NIRCAM"},
            r"neither a gwcs nor SIP \(was assign_wcs run\?\)",
        ),
    ],
)
def test_an_exposure_without_its_distortion_is_told(tmp_path, primary, reason):
    mosaic = write_sci(tmp_path / "med.fits", texture(SHAPE))
    reference = write_sci(
        tmp_path / "a_flt.fits", np.zeros(SHAPE, "f4"), tan_header(SHAPE), primary
    )
    units = {"in_units": "cps", "out_units": "cps", "addsky": False}
    with pytest.warns(SkyblotWarning, match=reason):
        skyblot.blot_file(mosaic, reference, tmp_path / "blt.fits", **units)
    with pytest.warns(SkyblotWarning, match=reason):
        skyblot.info(reference)


@pytest.mark.parametrize(
    ("cards", "primary"),
    [
        ({}, {"TELESCOP": "HST", "IDCTAB": "N/A"}),
        ({"NDRIZIM": 4}, {"TELESCOP": "HST", "IDCTAB": "jref$v8q1444tj_idc.fits"}),
        ({"S_RESAMP": "COMPLETE"}, {"TELESCOP": "JWST"}),
        ({**SIP, **SIP_CTYPE, "CRVER": "1.0"}, {"TELESCOP": "JWST"}),
        ({}, {"TELESCOP": "CTIO 4.0-m telescope"}),
    ],
)
def test_an_image_that_needs_none_is_not_told(tmp_path, cards, primary):
    skyblot.info(write(tmp_path / "a.fits", cards, primary))


# Image HDUs.


def test_an_image_hdu_is_read_as_a_file_is():
    hdus = {name: fits.ImageHDU(texture(SHAPE), tan_header(SHAPE, **cards))
            for name, cards in (("clean", {}), ("stale", {"NDRIZIM": 4, **SIP}))}  # fmt: skip
    add_tables(hdus["stale"].header)
    target = WCS(tan_header(SHAPE, CRPIX1=22.0))
    target.array_shape = SHAPE
    clean = skyblot.blot(hdus["clean"], target_wcs=target)
    with pytest.warns(
        SkyblotWarning,
        match="the source HDU: is a drizzled image: what its header has left of SIP and CPDIS",
    ):
        stale = skyblot.blot(hdus["stale"], target_wcs=target)
    np.testing.assert_array_equal(stale.data, clean.data)
