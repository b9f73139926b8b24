"""Coadds of SWarp and of reproject: pixel areas, scaled fluxes, units that nobody writes."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from samples import tan_header, write_sci
from scaling_facts import facts, plan, source_facts

from skyblot import DataError, ParameterError, SkyblotWarning, blot_file
from skyblot.headers.ground import pixel_area

SWARP = {"SOFTNAME": "SWarp", "COMBINET": "MEDIAN", "EXPTIME": 300.0}
EXPOSURE = {"EXPTIME": 60.0}


def told(*images, **values):
    """The scaling, and what was said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scaling = plan(*images, **values)
    return scaling, [str(each.message) for each in caught]


# Pixel area: pixels of the mosaic of half the size hold a quarter of the flux.


@pytest.mark.parametrize(("area", "factor"), [("yes", 4.0), ("no", 1.0)])
@pytest.mark.parametrize(
    ("source", "reference"),
    [
        ({"BUNIT": "adu"}, {"BUNIT": "adu"}),
        ({"BUNIT": "adu", **SWARP}, {"BUNIT": "adu"}),
        (SWARP, {}),
        ({"BUNIT": "furlong"}, {"BUNIT": "furlong"}),
        ({"BUNIT": "nJy"}, {"BUNIT": "nJy"}),
        ({"BUNIT": "electron/pixel"}, {"BUNIT": "electron/pixel"}),
    ],
)
def test_the_pixel_area_counts_as_the_user_says(source, reference, area, factor):
    images = (
        source_facts(EXPTIME=60.0) if source == {} else source_facts(**{"EXPTIME": 60.0, **source})
    )
    scaling, said = told(images, facts(**reference, **EXPOSURE), ratio=0.5, pixel_area=area)
    assert scaling.factor == pytest.approx(factor)
    assert not [each for each in said if "no unit tells" in each]


@pytest.mark.parametrize(("area", "factor"), [("auto", 1.0), ("no", 1.0), ("yes", None)])
def test_a_surface_brightness_is_no_flux_per_pixel(area, factor):
    images = source_facts(BUNIT="MJy/sr"), facts(BUNIT="MJy/sr")
    if factor is None:
        with pytest.raises(
            ParameterError, match=r"pixel_area = 'yes': expected auto or no, as med\.fits.*MJy/sr"
        ):
            plan(*images, ratio=0.5, pixel_area=area)
    else:
        assert plan(*images, ratio=0.5, pixel_area=area).factor == factor


def test_flux_kept_per_pixel_of_the_exposure_becomes_brightness_by_its_pixel_area():
    images = source_facts(BUNIT="nJy"), facts(BUNIT="MJy/sr")
    kept, usual = (plan(*images, ratio=0.5, pixel_area=area).factor for area in ("no", "auto"))
    assert usual / kept == pytest.approx(4.0)


def test_a_coadd_without_a_unit_says_what_is_done_about_pixels_of_another_size():
    for source in (SWARP, {"COMBINET": "MEDIAN", "EXPTIME": 300.0}):
        scaling, said = told(source_facts(**source), facts(**EXPOSURE), ratio=0.5)
        assert scaling.factor == pytest.approx(4.0)
        assert sum("no unit tells" in each and "--pixel-area" in each for each in said) == 1


@pytest.mark.parametrize(
    ("card", "ratio", "kind"),
    [
        (1.0, 0.5, "no"),
        (0.25, 0.5, "yes"),
        (1.0, 1.0, "auto"),
        (None, 0.5, "auto"),
        ("INDEF", 0.5, "auto"),
        (0.0, 0.5, "auto"),
    ],
)
def test_a_resampled_image_of_swarp_tells_whether_fluxes_were_scaled(card, ratio, kind):
    cards = {"SOFTNAME": "SWarp"} | ({} if card is None else {"FLASCALE": card})
    assert pixel_area("auto", source_facts(**cards), ratio**-2) == kind
    assert pixel_area("yes", source_facts(**cards), ratio**-2) == "yes"
    # of what is not SWarp's
    assert pixel_area("auto", source_facts(FLASCALE=1.0), ratio**-2) == "auto"


def test_a_wrong_word():
    with pytest.raises(ParameterError, match="pixel_area = 'maybe': expected one of auto, yes, no"):
        plan(source_facts(), facts(), pixel_area="maybe")


# FLXSCALE.


@pytest.mark.parametrize("unit", [{}, {"BUNIT": "adu"}, {"BUNIT": "furlong"}])
def test_a_blot_is_divided_by_what_swarp_multiplied_the_exposure_by(unit):
    scaling, said = told(source_facts(**SWARP, **unit), facts(**EXPOSURE, **unit, FLXSCALE=1.25))
    assert scaling.factor == pytest.approx(0.8)
    assert (
        sum("FLXSCALE = 1.25, by which SWarp multiplied it for med.fits" in each for each in said)
        == 1
    )


@pytest.mark.parametrize(
    "source", [{"COMBINET": "MEDIAN"}, {"SOFTNAME": "other", "COMBINET": "MEDIAN"}]
)
def test_other_programs_do_not_use_it(source):
    assert (
        told(source_facts(**source, BUNIT="adu"), facts(BUNIT="adu", FLXSCALE=1.25))[0].factor
        == 1.0
    )


@pytest.mark.parametrize("value", [0.0, -1.0, "INDEF"])
def test_a_flux_scale_that_is_none(value):
    images = source_facts(**SWARP, BUNIT="adu"), facts(BUNIT="adu", FLXSCALE=value, **EXPOSURE)
    with pytest.raises(
        DataError, match=rf"ref\.fits.*FLXSCALE = {value!r}, expected a number above 0"
    ):
        told(*images)


def test_that_of_a_head_file_goes_before_the_headers(tmp_path):
    cards = tan_header((20, 20), FLXSCALE=5.0, EXPTIME=60.0)
    fits.PrimaryHDU(np.zeros((20, 20), "f4"), cards).writeto(tmp_path / "x.fits")
    head = "\n".join(str(card).rstrip() for card in tan_header((20, 20), FLXSCALE=2.0).cards)
    (tmp_path / "x.head").write_text(f"{head}\nEND\n")
    write_sci(tmp_path / "coadd.fits", np.full((60, 60), 8.0, "f4"), tan_header((60, 60), **SWARP))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SkyblotWarning)
        blot_file(tmp_path / "coadd.fits", tmp_path / "x.fits", tmp_path / "blt.fits", addsky=False)
    assert any("FLXSCALE = 2, by which SWarp" in str(each.message) for each in caught)
    np.testing.assert_allclose(fits.getdata(tmp_path / "blt.fits"), 4.0, rtol=1e-6)


# Units, and kinds of coadds.


@pytest.mark.parametrize("reference", [{}, {"BUNIT": "adu"}])
def test_a_coadd_of_swarp_without_a_unit_is_in_that_of_the_exposure(reference):
    scaling, said = told(source_facts(**SWARP), facts(**EXPOSURE, **reference))
    assert scaling.factor == 1.0
    assert not [each for each in said if "BUNIT" in each]


@pytest.mark.parametrize(
    ("word", "said"), [("WEIGHTED", 1), ("AVERAGE", 1), ("MEDIAN", 0), ("CLIPPED", 0)]
)
def test_a_mean_has_cosmic_rays_in_it(word, said):
    images = source_facts(**{**SWARP, "COMBINET": word}), facts(**EXPOSURE)
    sentences = [told(*images, compared=compared)[1] for compared in (True, False)]
    assert [sum("cosmic rays of its exposures" in each for each in some) for some in sentences] == [
        said,
        0,
    ]
