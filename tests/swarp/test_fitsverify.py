"""Every kind of file that is written passes fitsverify, whatever its exposure was stored like."""

import re
import shutil
import subprocess
import warnings

import numpy as np
import pytest
from astropy.io import fits
from samples import tan_header
from swarp_survey import SHAPE, tpv_header

from skyblot import blot_files, make_demo, reject_files

PACKED = ("fpack", "gzip")
#: Record-valued cards are several of one keyword by design.
_BY_DESIGN = re.compile(r"(D2IM|DP|CPDIS|D2IMDIS)\d")

pytestmark = [
    pytest.mark.skipif(shutil.which("fitsverify") is None, reason="fitsverify is not installed"),
    pytest.mark.filterwarnings("ignore::skyblot.SkyblotWarning"),
]


def complaints(path):
    """What fitsverify says against a file."""
    done = subprocess.run(["fitsverify", str(path)], capture_output=True, text=True, check=False)
    assert "Verification found" in done.stdout or "FATAL" in done.stdout, done.stdout + done.stderr
    return [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if line.lstrip().startswith("*** ") and not _BY_DESIGN.search(line)
    ]


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory):
    path = tmp_path_factory.mktemp("mosaic") / "coadd.fits"
    header = tan_header(
        (380, 380), scale=0.26, ra=150.0, dec=2.2, SOFTNAME="SWarp", COMBINET="MEDIAN"
    )
    fits.PrimaryHDU(
        np.random.default_rng(1).normal(300, 3, (380, 380)).astype("f4"), header
    ).writeto(path)
    return path


def pixels():
    rng = np.random.default_rng(2)
    return rng.normal(300, 12, SHAPE) + np.where(rng.random(SHAPE) < 0.002, 900.0, 0.0)


def floats():
    return fits.HDUList([fits.PrimaryHDU(pixels().astype("f4"), tpv_header(0))])


def unsigned():
    return fits.HDUList([fits.PrimaryHDU(np.rint(pixels()).astype("u2"), tpv_header(0))])


def blank():
    data = np.rint(pixels()).astype("i2")
    data[5:9, 5:9] = -32768
    return fits.HDUList([fits.PrimaryHDU(data, tpv_header(0, BLANK=-32768))])


def scaled():
    hdu = fits.PrimaryHDU(pixels(), tpv_header(0))
    hdu.scale("int16", bscale=0.25, bzero=4000.0)
    hdu.header["BLANK"] = -32768
    return fits.HDUList([hdu])


def planes():
    sci = fits.ImageHDU(pixels().astype("f4"), tpv_header(0), name="SCI")
    errors = fits.ImageHDU(np.full(SHAPE, 12, "f4"), name="ERR")
    return fits.HDUList(
        [fits.PrimaryHDU(), sci, errors, fits.ImageHDU(np.zeros(SHAPE, "i2"), name="DQ")]
    )


def chips():
    images = [
        fits.ImageHDU(pixels().astype(dtype), tpv_header(0), name=f"CCD{dtype}")
        for dtype in ("f4", "i2", "i4")
    ]
    return fits.HDUList([fits.PrimaryHDU(), *images])


def written(exposure, mosaic, folder):
    """Everything that can be written of an exposure."""
    for name in ("all", "packed", "one"):
        (folder / name).mkdir(parents=True)
    how = {"flux_ratio": 1.0}  # there are no stars
    reject_files(
        mosaic, [exposure], folder / "all", save_blots=True, update_dq=True, clean=True, **how
    )
    blot_files(mosaic, [exposure], folder / "packed", compress=True)
    reject_files(mosaic, [exposure], folder / "one", one_file=True, **how)
    return sorted(folder.rglob("*.fits*"))


@pytest.mark.parametrize("make", [floats, unsigned, blank, scaled, planes, chips])
@pytest.mark.parametrize(
    ("packed", "checksum"), [("", True), ("", False), *((name, True) for name in PACKED)]
)
def test_all_that_is_written(tmp_path, mosaic, make, packed, checksum):
    path = tmp_path / "x.fits"
    make().writeto(path, checksum=checksum)
    if packed:
        if shutil.which(packed) is None:
            pytest.skip(f"{packed} is not installed")
        options = ["-D", "-Y"] if packed == "fpack" else []
        subprocess.run([packed, *options, str(path)], check=True, capture_output=True)
        path = tmp_path / f"x.fits.{'fz' if packed == 'fpack' else 'gz'}"
    assert not complaints(path)
    files = written(path, mosaic, tmp_path / "out")
    assert len(files) >= 6
    assert {each.name: complaints(each) for each in files} == {each.name: [] for each in files}
    for each in files:
        if checksum and ("crclean" in each.name or ("crdq" in each.name and make is planes)):
            with (
                warnings.catch_warnings(),
                fits.open(each, checksum=True, disable_image_compression=True) as hdus,
            ):
                warnings.simplefilter("error")
                assert all("CHECKSUM" in hdu.header for hdu in hdus)


@pytest.mark.parametrize("kind", ["hst", "jwst"])
def test_the_files_of_the_demo_and_all_that_is_made_of_them(tmp_path, kind):
    """JWST's blots have an ASDF extension; look-up tables have no CTYPE, HST's neither."""
    if kind == "jwst":
        pytest.importorskip("gwcs")
    made = make_demo(tmp_path / "demo", kind, exposures=2, chip_shape=(120, 130))
    files = sorted((tmp_path / "demo").rglob("*.fits"))
    assert len(files) >= 3
    files += written(made.exposures[0], made.median, tmp_path / "out")
    assert {line for each in files for line in complaints(each) if "CTYPEi" not in line} == set()


def test_blots_with_errors_and_copies_that_keep_their_name(tmp_path):
    mosaic, exposure = tmp_path / "drz.fits", tmp_path / "x.fits"
    header = tan_header(
        (380, 380), scale=0.26, ra=150.0, dec=2.2, SOFTNAME="SWarp", COMBINET="MEDIAN"
    )
    data = np.random.default_rng(1).normal(300, 3, (2, 380, 380)).astype("f4")
    images = [
        fits.ImageHDU(each, header, name=name)
        for each, name in zip(data, ("SCI", "ERR"), strict=True)
    ]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(mosaic, checksum=True)
    planes().writeto(exposure, checksum=True)
    for name in ("errors", "update_dq", "clean"):
        (tmp_path / name).mkdir()
    blot_files(mosaic, [exposure], tmp_path / "errors", errors=True)
    for name in ("update_dq", "clean"):
        reject_files(
            mosaic,
            [exposure],
            tmp_path / name,
            keep_name=True,
            flux_ratio=1.0,
            force=True,
            **{name: True},
        )
    files = [
        path
        for name in ("errors", "update_dq", "clean")
        for path in (tmp_path / name).rglob("*.fits")
    ]
    assert len(files) == 5
    assert {each.name: complaints(each) for each in files} == {each.name: [] for each in files}


@pytest.mark.skipif(shutil.which("fpack") is None, reason="fpack is not installed")
@pytest.mark.parametrize("make", [floats, blank, unsigned, scaled])
@pytest.mark.parametrize("how", [[], ["-g", "-q", "0"], ["-q", "4"], ["-qz", "8"], ["-h"]])
def test_pixels_that_fpack_quantised_and_nobody_touched_stay(tmp_path, mosaic, make, how):
    """Those of a copy are what astropy, and funpack, make of the exposure's, bit for bit."""
    make().writeto(tmp_path / "x.fits")
    subprocess.run(
        ["fpack", "-D", "-Y", *how, str(tmp_path / "x.fits")], check=True, capture_output=True
    )
    (result,) = reject_files(mosaic, [tmp_path / "x.fits.fz"], tmp_path, clean=True, flux_ratio=1.0)
    good = fits.getdata(result.path) == 1
    before, after = (fits.getdata(tmp_path / name) for name in ("x.fits.fz", "x_crclean.fits.fz"))
    assert 0 < np.count_nonzero(~good) < 0.02 * good.size
    np.testing.assert_array_equal(before[good].tobytes(), after[good].tobytes())
    subprocess.run(
        ["funpack", "-O", "y.fits", "x_crclean.fits.fz"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    np.testing.assert_array_equal(fits.getdata(tmp_path / "y.fits"), after)
    assert not complaints(tmp_path / "y.fits")


def test_what_is_made_of_jwsts_files_passes(tmp_path):
    """A mask has its pixels in a primary HDU with a name, a blot an extension ASDF that lost
    references.
    """
    pytest.importorskip("gwcs")
    demo = make_demo(tmp_path / "demo", "jwst", exposures=2, chip_shape=(120, 130))
    (result,) = reject_files(
        demo.median, demo.exposures[:1], tmp_path, update_dq=True, clean=True, save_blots=True
    )
    made = sorted(tmp_path.glob("*.fits"))
    assert len(made) == 4
    assert result.path in made
    assert {path.name: complaints(path) for path in made} == {path.name: [] for path in made}
