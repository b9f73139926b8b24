"""AstroDrizzle's step 6 with this project's rejection: what it hands over, and what it expects.

Step 7 combines the files of masks with the flags of the exposures, and sets `crbit` in their DQ.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from ..compat.patching import thresholds_of
from ..errors import DataError
from ..headers.instruments import instrument_of
from ..io.fits import open_image
from ..io.image import Image
from ..io.names import parse_name
from ..io.output import write_hdus
from ..parameters.table import yes_or_no
from ..rejection.compare import compare
from ..rejection.criteria import Criteria
from ..rejection.result import Rejection
from ..steps.noise import noise_of
from .astrodrizzle import listed, section_of

log = logging.getLogger(__name__)

_STEP = "STEP 6"
_NAME = "Driz_CR"
#: Sections whose bits say which pixels count: those of the separate and of the final mosaic.
_BITS = (("STEP 3", "driz_sep_bits"), ("STEP 7", "final_bits"))
_INSTRUMENT = "INSTRUMENT PARAMETERS"
_ELECTRONICS = {"gain": "gain", "read_noise": "rdnoise"}
_SNR = (3.5, 3.0)
_CRBIT = 4096
_RULE = (
    "cosmic rays by skyblot: driz_cr_snr counts where it is no default, driz_cr_grow and "
    "driz_cr_ctegrow as they are, driz_cr_scale not at all: what blots leave at sources is measured"
)


@dataclass(frozen=True)
class _Settings:
    """What AstroDrizzle's parameters come to.

    Attributes
    ----------
    section : mapping
        Its own of step 6.
    bits : list
        What pixels that are judged may have in DQ: one of these sets of bits.
    crbit : int
    electronics : dict
        Gain and read noise where the user names them.
    threads : int, optional
    """

    section: Mapping[str, Any]
    bits: list[Any]
    crbit: int
    electronics: dict[str, Any]
    threads: int | None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "_Settings":
        crbit = int(config.get("crbit") or _CRBIT)
        bits = [crbit]
        for step, name in _BITS:
            bits += [
                section[name]
                for title, section in config.items()
                if step in title and name in section
            ]
        user = config.get(_INSTRUMENT, {})
        electronics = {ours: _number(user.get(theirs)) for ours, theirs in _ELECTRONICS.items()}
        cores = config.get("num_cores")
        threads = max(1, int(cores)) if cores else None
        return cls(section_of(config, _STEP), bits, crbit, electronics, threads)

    def criteria(self, exposure: Image, chip: Any) -> Criteria:
        """How a chip is judged; an even width of `driz_cr_grow` is as the next odd one."""
        grow = int(self.section.get("driz_cr_grow", 1))
        tail = int(self.section.get("driz_cr_ctegrow", 0))
        direction = -int(getattr(chip, "cte_dir", None) or 0)
        usual = (_SNR, instrument_of(exposure.facts).snr)
        return Criteria(
            snr=thresholds_of(self.section.get("driz_cr_snr"), usual),
            grow=math.sqrt(2.01) * (grow // 2),
            cte_tail=tail if direction else 0,
            cte_direction=direction or 1,
        )


def _number(value: Any) -> float | None:
    """A parameter of AstroDrizzle's as a number; blank and "None" are none."""
    return None if value is None or str(value).strip() in ("", "None", "INDEF") else float(value)


@dataclass(frozen=True)
class _Chip:
    """A chip that was compared.

    Attributes
    ----------
    number : int
        Its EXTVER.
    rejected : ndarray of bool, shape (ny, nx)
    clean : ndarray of float32
        The chip with its blot in bad pixels.
    bad : ndarray of bool
        Those: rejected, or flagged before.
    """

    number: int
    rejected: np.ndarray
    clean: np.ndarray
    bad: np.ndarray


def run_step(theirs: Any, images: Any, config: Mapping[str, Any], steps: Any = None) -> None:
    """Run step 6 as AstroDrizzle calls it.

    Parameters
    ----------
    theirs : module
        ``drizzlepac.drizCR``, for what cannot be compared.
    images : list of imageObject
    config : mapping
        AstroDrizzle's parameters.
    steps : ProcSteps, optional
    """
    section = section_of(config, _STEP)
    if steps is not None:
        steps.addStep(_NAME)
    if not yes_or_no("driz_cr", section.get("driz_cr", True)):
        log.info("Cosmic-ray step not performed.")
        if steps is not None:
            steps.endStep(_NAME, reason="off", delay_msg=True)
        return
    settings = _Settings.of(config)
    log.info(_RULE)
    for image in listed(images):
        _judge_image(theirs, image, settings)
    if steps is not None:
        steps.endStep(_NAME)


def _judge_image(theirs: Any, image: Any, settings: _Settings) -> None:
    """Write the masks of an exposure, and its clean copy if that is wanted."""
    chips = image.returnAllChips(extname=image.scienceExt)
    try:
        judged = [_judged(image, chip, settings) for chip in chips if chip.group_member]
    except DataError as error:
        log.warning("its masks are DrizzlePac's own: %s", error)
        more = {"crbit": settings.crbit, "inmemory": image.inmemory}
        theirs._driz_cr(image, image.virtualOutputs, {**settings.section, **more})
        return
    if yes_or_no("driz_cr_corr", settings.section.get("driz_cr_corr", False)):
        _write_clean(image, judged, settings.crbit)


def _judged(image: Any, chip: Any, settings: _Settings) -> _Chip:
    """Compare a chip with its blot, and write its mask."""
    blot, sky = _blot(image, chip)
    with open_image(chip.outputNames["data"]) as exposure:
        pixels = exposure.pixels()[:, :]
        data = np.asarray(pixels, pixels.dtype.newbyteorder("="))
        noise = noise_of(exposure, blot, _sky_photons(chip, sky), **settings.electronics)
        criteria = settings.criteria(exposure, chip)
        name = exposure.name
    masks = [image.buildMask(chip._chip, bits=bits) > 0 for bits in settings.bits]
    # what the median does not cover holds the sky alone
    valid = np.any(masks, axis=0) & (blot != np.float32(sky))
    rejection = compare(
        data, blot, noise.sigma, criteria,
        valid=valid, gain=noise.gain, threads=settings.threads, name=name,
    )  # fmt: skip
    _tell(name, rejection)
    _deliver(image, chip.outputNames["crmaskImage"], ~rejection.mask)
    bad = rejection.mask | ~masks[0]
    clean = np.where(bad, rejection.expected(blot), data)
    return _Chip(chip._chip, rejection.mask, clean, bad)


def _blot(image: Any, chip: Any) -> tuple[np.ndarray, float]:
    """The blot of a chip, and the sky that was added to it."""
    name = chip.outputNames["blotImage"]
    usual = 0.0 if chip.computedSky is None else float(chip.computedSky)
    if image.inmemory:
        hdu = image.virtualOutputs[name][0]
        return np.asarray(hdu.data, np.float32), hdu.header.get("BLOTSKY", usual)
    with open_image(parse_name(name)) as blot:
        return np.asarray(blot.pixels()[:, :], np.float32), blot.header.get("BLOTSKY", usual)


def _sky_photons(chip: Any, sky: float) -> float:
    """What the sky of a chip is above that of its blot: it was taken off both, or left in one."""
    return max(float(chip.subtractedSky or 0.0) - sky, 0.0)


def _tell(name: str, rejection: Rejection) -> None:
    seed, member = rejection.criteria.thresholds[0]
    log.info(
        "%s: %d pixels rejected, seeds above %g and members above %g sigma",
        name, np.count_nonzero(rejection.mask), seed, member,
    )  # fmt: skip
    for doubt in rejection.doubts():
        log.warning("%s: %s", name, doubt)


def _deliver(image: Any, name: str, good: np.ndarray) -> None:
    """Hand a mask on, 1 for good pixels, in memory or as a file."""
    hdus = fits.HDUList([fits.PrimaryHDU(good.astype(np.uint8))])
    if image.inmemory:
        image.saveVirtualOutputs({name: hdus})
        return
    write_hdus(Path(name), hdus, overwrite=True)
    log.info("mask written: %s", name)


def _write_clean(image: Any, chips: list[_Chip], crbit: int) -> None:
    """Write the copy of an exposure without cosmic rays; its DQ says where pixels were replaced."""
    path = Path(image.outputNames["crcorImage"])
    with fits.open(image._filename, memmap=False) as hdus:
        for chip in chips:
            science = hdus[image.scienceExt, chip.number]
            science.data = chip.clean.astype(science.data.dtype)
            if (image.maskExt, chip.number) in hdus:
                flags = hdus[image.maskExt, chip.number]
                flags.data = np.where(chip.bad, crbit, 0).astype(flags.data.dtype)
        write_hdus(path, hdus, overwrite=True)
    log.info("clean copy written: %s", path)
