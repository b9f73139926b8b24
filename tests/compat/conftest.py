"""DrizzlePac's blots for the comparison with the stand-alone task, and the files that its
documentation names.
"""

import json
import shutil

import pytest
from ablot_cases import CHIP_SHAPE, DATA, DIFFERENT, IDCSCALE, REFERENCE, SAME, SKY, make_flat_files
from astropy.io import fits
from compat_data import demo_files, run_theirs

from skyblot.ablot.teal import pars_folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The demo, its median with EXPTIME 1 and the sky of the exposure: there both tasks mean the
    same by it.
    """
    folder = tmp_path_factory.mktemp("ablot")
    median, exposures = demo_files(folder, 1, CHIP_SHAPE)
    (folder / exposures[0]).rename(folder / "ref.fits")
    (folder / median).rename(folder / "data.fits")
    with fits.open(folder / "ref.fits", mode="update") as hdus:
        hdus["SCI", 1].header.update({"IDCSCALE": IDCSCALE, "MDRIZSKY": SKY})
        hdus[0].header.update({"MYTIME": 33.0})
    with fits.open(folder / "data.fits", mode="update") as hdus:
        for hdu in hdus:
            hdu.header["EXPTIME"] = 1.0
        hdus[0].header.update({"MYTIME": 1.0})
        hdus["SCI"].header["MDRIZSKY"] = SKY
    make_flat_files(folder)
    return folder


@pytest.fixture(scope="session")
def theirs(folder):
    """Outcomes of all of DrizzlePac's cases."""
    common = {"data": DATA, "reference": REFERENCE}
    cases = [(case.name, common | case.keywords) for case in SAME]
    cases += [(case.name, case.keywords) for case in DIFFERENT]
    status, printed = run_theirs(folder, {"ablot": cases})
    assert status == 0, printed[-4000:]
    return {name: json.loads((folder / f"{name}.json").read_text()) for name, _ in cases}


@pytest.fixture
def examples(folder, tmp_path):
    """A folder with the files that DrizzlePac's documentation names; TEAL makes what it loads
    read-only: undone.
    """
    shutil.copy(folder / "data.fits", tmp_path / "adriz_aligned_wcs_f814w_med.fits")
    shutil.copy(folder / "ref.fits", tmp_path / "j8c0d1bwq_flc.fits")
    yield tmp_path
    for path in pars_folder().iterdir():
        path.chmod(0o644)
