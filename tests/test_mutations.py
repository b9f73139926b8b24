"""Damaged files: never a traceback, a hang, a partial file, or a wrong answer that looks right."""

import signal
import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import tan_header, texture, write_sci

from skyblot.cli import main
from skyblot.errors import SkyblotWarning

CHECKED = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Bytes of a mosaic and of an exposure with SIP, and the right blot."""
    folder = tmp_path_factory.mktemp("pair")
    header = tan_header((20, 24), CTYPE1="RA---TAN-SIP", CTYPE2="DEC--TAN-SIP", A_ORDER=2, A_2_0=1e-4, B_ORDER=2)
    header.update({"B_0_2": -2e-4, "BUNIT": "ELECTRONS/S"})
    mosaic = write_sci(folder / "med.fits", texture((40, 50)), tan_header((40, 50), BUNIT="ELECTRONS/S"))
    exposure = write_sci(folder / "exp_flt.fits", np.zeros((20, 24), "f4"), header, {"EXPTIME": 10.0, "MDRIZSKY": 0.0})
    assert blot(mosaic, exposure, folder / "right.fits") == 0
    return Pair((mosaic.read_bytes(), exposure.read_bytes()), fits.getdata(folder / "right.fits", "SCI"))


@dataclass(frozen=True, repr=False)  # hypothesis would show all of the bytes
class Pair:
    """Contents of a mosaic and of an exposure, and the right blot."""

    contents: tuple
    right: np.ndarray


@contextmanager
def watched(seconds):
    """Fail if what is within takes longer: a hang."""

    def stop(*_):
        raise AssertionError("hangs")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def blot(mosaic, exposure, output):
    """Exit code of the command line, in this process."""
    with warnings.catch_warnings(), watched(30):
        warnings.simplefilter("ignore", SkyblotWarning)
        with pytest.raises(SystemExit) as stopped:
            main(["blot", str(mosaic), str(exposure), "-o", str(output), "--overwrite", "--quiet"])
    return stopped.value.code


def mutated(content, changes):
    """Bytes with some of them changed, and cut off."""
    changed = bytearray(content)
    for place, value in changes["bytes"]:
        changed[place % len(changed)] = value
    for card, text in changes["cards"]:
        start = 80 * (card % (len(changed) // 80))
        changed[start : start + 80] = text.encode()[:80].ljust(80)
    end = len(changed) if changes["end"] is None else int(changes["end"] * len(changed))
    return bytes(changed[:end])


KEYWORDS = """
    CRVAL1 CRPIX2 CD1_1 CD2_2 CTYPE1 CUNIT1 NAXIS NAXIS1 NAXIS2 BITPIX PCOUNT GCOUNT A_ORDER A_2_0 B_0_2 LONPOLE
    RADESYS EQUINOX WCSAXES EXTNAME EXTVER BSCALE BZERO BLANK EXPTIME MDRIZSKY IDCSCALE BUNIT XTENSION END ZIMAGE CPDIS1
    D2IMDIS1 NEXTEND
"""
TEXTS = """
    0 -1 1 2 3 999 1E300 -1E-300 NaN T 'x' '' 'RA---TPV' 1/2 'LOOKUP' 99999999999999999999 0.5 -32 8 'DEC--CAR' (1,2)
    'deg' 'furlong'
"""
NAMES, VALUES = st.sampled_from(KEYWORDS.split()), st.sampled_from(TEXTS.split())
CARD = st.tuples(st.integers(0, 110), st.builds("{0:8}= {1:>20}".format, NAMES, VALUES))
CHANGES = st.fixed_dictionaries(
    {
        "bytes": st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255)), max_size=3),
        "cards": st.lists(CARD, max_size=2),
        "end": st.one_of(st.none(), st.none(), st.floats(0, 1)),
    }
)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs SIGALRM")
@pytest.mark.parametrize("which", ["mosaic", "exposure"])
@CHECKED
@given(changes=CHANGES)
def test_a_damaged_file_is_refused_or_blotted_as_it_says(pair, tmp_path_factory, which, changes):
    folder = tmp_path_factory.mktemp("damaged")
    contents = dict(zip(("mosaic", "exposure"), pair.contents, strict=True))
    contents[which] = mutated(contents[which], changes)
    paths = {name: folder / f"{name}_flt.fits" for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    output = folder / "out" / "blot.fits"
    output.parent.mkdir()
    code = blot(paths["mosaic"], paths["exposure"], output)
    assert code in (0, 2)  # 3 would be an error that nobody foresaw
    assert [path.name for path in output.parent.iterdir()] == (["blot.fits"] if code == 0 else [])
    assert all(paths[name].read_bytes() == content for name, content in contents.items())
    if code == 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = fits.getdata(output, "SCI")
        if contents[which] == dict(zip(("mosaic", "exposure"), pair.contents, strict=True))[which]:
            assert np.array_equal(made, pair.right)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("part", np.linspace(0, 0.999, 25))
def test_a_truncated_file_is_refused_or_gives_the_right_blot(pair, tmp_path, which, part):
    contents = list(pair.contents)
    contents[which] = contents[which][: int(part * len(contents[which]))]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.fits").write_bytes(content)
    code = blot(tmp_path / "0.fits", tmp_path / "1.fits", tmp_path / "blot.fits")
    assert code in (0, 2)
    if code == 0:  # what is missing is padding
        assert np.array_equal(fits.getdata(tmp_path / "blot.fits", "SCI"), pair.right)
    else:
        assert not (tmp_path / "blot.fits").exists()
