"""Files that stdatamodels and roman_datamodels write themselves, read by the same functions as
those built by hand.
"""

import sys
import warnings
from pathlib import Path

import asdf
import numpy as np
import pytest
from astropy.io import fits
from astropy.modeling import models
from astropy.wcs import WCS

sys.path.append(str(Path(__file__).parents[1]))

import gwcs_files
from gwcs import WCS as GWCS
from gwcs_files import SHAPE, exact_blot, exposure_gwcs, map_error, mosaic_header
from samples import texture

from skyblot import blot_file
from skyblot.errors import WCSError
from skyblot.io.images import open_image

pytestmark = pytest.mark.compat

MOSAIC = (420, 420)
RAW = {"interp": "linear", "addsky": False}


@pytest.fixture(scope="module")
def jwst_models():
    return pytest.importorskip("stdatamodels.jwst.datamodels")


@pytest.fixture(scope="module")
def roman_models():
    return pytest.importorskip("roman_datamodels.datamodels")


def positions():
    y, x = np.indices(SHAPE).astype(float)
    return x, y


def expected():
    return exact_blot(texture(MOSAIC), WCS(mosaic_header(MOSAIC)), exposure_gwcs(), SHAPE)


def save_jwst(models, path, data, wcs, bunit="MJy/sr", header=None):
    """Save an ImageModel with a WCS and the facts that matter here; the FITS WCS goes into the
    header afterwards.
    """
    with models.ImageModel(data=data) as model:
        model.meta.wcs = wcs
        model.meta.bunit_data = bunit
        model.meta.telescope = "JWST"
        model.meta.exposure.exposure_time = model.meta.exposure.effective_exposure_time = 100.0
        model.meta.photometry.conversion_megajanskys = 0.25
        model.meta.background.level, model.meta.background.subtracted = 1.25, False
        model.save(path)
    if header is not None:
        with fits.open(path, mode="update") as hdus:
            hdus["SCI"].header.update(header)
            # the mosaic was freed of the exposures' background
            hdus[0].header["S_SKYMAT"] = "COMPLETE"
    return path


@pytest.fixture(scope="module")
def jwst_files(jwst_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("jwst")
    header = mosaic_header(MOSAIC)
    gwcs = gwcs_files.mosaic_gwcs(header, MOSAIC)
    source = save_jwst(jwst_models, folder / "jw_i2d.fits", texture(MOSAIC), gwcs, header=header)
    return source, save_jwst(
        jwst_models, folder / "jw_cal.fits", np.zeros(SHAPE, "f4"), exposure_gwcs()
    )


def test_files_by_hand_have_the_form_of_stdatamodels(jwst_files, tmp_path):
    by_hand = gwcs_files.write_cal(tmp_path / "a_cal.fits", exposure_gwcs())
    trees = []
    for path in (jwst_files[1], by_hand):
        with fits.open(path) as hdus:
            table = hdus["ASDF"]
            trees.append(
                asdf.util.load_yaml(
                    __import__("io").BytesIO(table.data["ASDF_METADATA"][0].tobytes()), tagged=True
                )
            )
            assert (table.columns.names, len(table.data), table.columns.formats[0][-1]) == (
                ["ASDF_METADATA"],
                1,
                "B",
            )
            assert hdus[0].header["EFFEXPTM"] == 100.0
            assert hdus["SCI"].header["PHOTMJSR"] == 0.25
    theirs, ours = trees
    assert theirs["meta"]["wcs"]._tag == ours["meta"]["wcs"]._tag
    assert dict(theirs["data"]) == dict(ours["data"])


def test_blot_of_files_of_stdatamodels(jwst_models, jwst_files, tmp_path):
    source, reference = jwst_files
    with open_image(source) as image:
        assert isinstance(image.wcs(), WCS)
    with open_image(reference) as image:
        wcs = image.wcs()
    assert isinstance(wcs, GWCS)
    np.testing.assert_array_equal(wcs(*positions()), exposure_gwcs()(*positions()))
    path = blot_file(source, reference, tmp_path / "blt.fits", interp="linear")
    assert fits.getval(path, "BLOTSKY", "SCI") == 1.25
    assert np.abs(fits.getdata(path, "SCI") - 1.25 - expected()).max() <= map_error(
        texture(MOSAIC) + 1.25
    )
    with jwst_models.open(path) as model:
        np.testing.assert_array_equal(model.meta.wcs(*positions()), exposure_gwcs()(*positions()))
        np.testing.assert_array_equal(model.data, fits.getdata(path, "SCI"))


@pytest.mark.parametrize(("bunit", "factor"), [("DN/s", 4.0), ("DN", 400.0)])
def test_units_of_files_of_stdatamodels(jwst_models, jwst_files, tmp_path, bunit, factor):
    reference = save_jwst(
        jwst_models, tmp_path / "a_rate.fits", np.zeros(SHAPE, "f4"), exposure_gwcs(), bunit
    )
    path = blot_file(jwst_files[0], reference, tmp_path / "blt.fits", **RAW)
    assert fits.getval(path, "BLOTFACT", "SCI") == factor


def test_a_wcs_that_only_stdatamodels_knows_is_read_with_it(jwst_models, jwst_files, tmp_path):
    """A transformation of its own in an imaging pipeline, which changes nothing: unit vectors and
    back to angles.
    """
    from stdatamodels.jwst.transforms.models import Unitless2DirCos

    wcs = exposure_gwcs()
    pipeline = [(step.frame, step.transform) for step in wcs.pipeline]
    same = Unitless2DirCos() | models.Mapping((0, 1, 2)) | models.Mapping((0, 1), n_inputs=3)
    scaled = models.Scale(1e-9) & models.Scale(1e-9) | same | models.Scale(1e9) & models.Scale(1e9)
    frame, transform = pipeline[1]
    pipeline[1] = (frame, scaled | transform)
    odd = gwcs_files.finished(GWCS(pipeline), SHAPE)
    reference = save_jwst(jwst_models, tmp_path / "a_cal.fits", np.zeros(SHAPE, "f4"), odd)
    with open_image(reference) as image:
        np.testing.assert_array_equal(image.wcs()(*positions()), odd(*positions()))


def test_spectra_of_stdatamodels_are_refused(jwst_models, jwst_files, tmp_path):
    with jwst_models.MultiSlitModel() as model:
        slit = jwst_models.SlitModel(data=np.zeros((20, 24), "f4"))
        slit.meta.wcs = exposure_gwcs((20, 24))
        model.slits.append(slit)
        model.save(tmp_path / "s_cal.fits")
    with pytest.raises(WCSError, match=r"no WCS at meta/wcs .*one for each slit"):
        blot_file(jwst_files[0], tmp_path / "s_cal.fits", tmp_path / "blt.fits")


def save_roman(model, path, data, wcs, **meta):
    model.data, model.meta.wcs = data, wcs
    for name, value in meta.items():
        model.meta[name] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)
    return path


@pytest.fixture(scope="module")
def roman_files(roman_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("roman")
    image = roman_models.ImageModel.create_fake_data(shape=SHAPE)
    image.meta.photometry.conversion_megajanskys = 0.5
    image.meta.exposure.effective_exposure_time = 107.0
    cal = save_roman(image, folder / "r_wfi01_cal.asdf", np.zeros(SHAPE, "f4"), exposure_gwcs())
    mosaic = roman_models.MosaicModel.create_fake_data(shape=MOSAIC)
    mosaic.meta.coadd_info.exposure_time = 642.0
    gwcs = gwcs_files.mosaic_gwcs(mosaic_header(MOSAIC), MOSAIC)
    return save_roman(mosaic, folder / "r_coadd.asdf", texture(MOSAIC), gwcs), cal


def test_facts_of_files_of_roman_datamodels(roman_files):
    found = []
    for path in roman_files:
        with open_image(path) as image:
            found.append((image.shape, image.facts.bunit, image.facts.find("EXPTIME")))
    assert found == [(MOSAIC, "MJy/sr", 642.0), (SHAPE, "DN/s", 107.0)]


def test_blot_of_files_of_roman_datamodels(roman_files, tmp_path):
    path = blot_file(*roman_files, tmp_path / "blt.asdf", **RAW)
    with asdf.open(path, memmap=False) as file:
        image = {"meta": file["roman"]["meta"], "data": np.array(file["roman"]["data"])}
    assert image["meta"]["skyblot"]["bunit"] == "DN/s"
    assert np.abs(image["data"] / 2 - expected()).max() <= map_error(texture(MOSAIC))
    np.testing.assert_array_equal(image["meta"]["wcs"](*positions()), exposure_gwcs()(*positions()))
    assert image["meta"]["instrument"]["detector"] == "WFI01"


def test_roman_datamodels_do_not_change_what_is_read(roman_files, tmp_path, monkeypatch):
    """Blots with its extension, and in a configuration without it."""
    with_it = blot_file(*roman_files, tmp_path / "with_blt.asdf", **RAW).read_bytes()
    with asdf.config_context() as config:
        config.remove_extension(package="roman_datamodels")
        without = blot_file(*roman_files, tmp_path / "less_blt.asdf", **RAW).read_bytes()
    assert with_it.replace(b"with_blt", b"less_blt") == without
