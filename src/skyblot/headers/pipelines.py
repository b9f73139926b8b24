"""What the pipelines of JWST and Roman record of the background and of the unit."""

from typing import TYPE_CHECKING, Any

from ..errors import DataError
from .facts import (
    BACKGROUND,
    BACKGROUND_SUBTRACTED,
    BRIGHTNESS_OF_DN,
    MATCHED,
    SKY,
    Facts,
    is_drizzled,
    number,
)
from .instruments import instrument_of
from .units import BRIGHTNESS, FLUX

if TYPE_CHECKING:
    from .pair import Pair


def recorded_sky(image: Facts) -> tuple[str, Any]:
    """Return the keyword and value of an exposure's sky: the text of a card that cannot be parsed.

    (BKGLEVEL, None) where that was subtracted, ("", None) where there is none.
    """
    keyword = SKY.keywords[0]
    value = None if is_drizzled(image) else image.text(SKY.keywords[0])
    if value is not None:
        return keyword, value
    keyword = BACKGROUND.keywords[0]
    if (value := image.text(keyword)) is None:
        return "", None
    left = image.first(BACKGROUND_SUBTRACTED)[1] is False  # else it was subtracted, or nobody knows
    return keyword, value if left else None


def sky_word(image: Facts, keyword: str = "") -> str:
    """Return what the sky of an exposure is called in its file."""
    level = instrument_of(image).level
    if keyword == SKY.keywords[0] or not level:
        return keyword or SKY.keywords[0]
    return level


def is_missed(pair: "Pair", out_kind: str) -> bool:
    """Return whether a sky that no header has is likely to be missing in the blot.

    Mosaics in surface brightness, but those of the two pipelines, are seldom freed of a sky that
    headers have.
    """
    status = _status(pair)
    if (status or "COMPLETE") != "COMPLETE":
        return False
    return out_kind != BRIGHTNESS or bool(status) or bool(instrument_of(pair.reference).level)


def is_freed(pair: "Pair", level: float) -> bool:
    """Return whether the mosaic was freed of an exposure's background.

    What was not, and doubt, is told.
    """
    name = pair.reference.name
    word = sky_word(pair.reference)
    source = pair.source.name
    status = _status(pair)
    if status and status != "COMPLETE":
        pair.tell(
            f"its {word}, {level:g}, is not added: {source} was not freed of it, its skymatch is "
            f"{status}",
            subject=name,
        )
        return False
    if not status:
        #: The pipeline's step skymatch tells, JWST's by S_SKYMAT, Roman's by
        #: meta.cal_step.skymatch.
        pair.tell(
            f"its {word}, {level:g}, is added, though {source} does not tell whether it was freed "
            "of it (--no-addsky)",
            subject=name,
        )
    return True


def _status(pair: "Pair") -> str:
    """Whether the mosaic was freed of its exposures' background: COMPLETE, SKIPPED, ....

    Empty where nobody knows.
    """
    return str(pair.source.first(MATCHED)[1] or "").strip().upper()


def brightness_of_dn(
    given: float | None, pair: "Pair", names: tuple[str, str], in_kind: str
) -> float:
    """Return the MJy/sr of 1 DN/s: as given, the exposure's, or the mosaic's, which is told.

    Raises
    ------
    DataError
        If there is none, or the blot would be in electrons, or the source is neither flux nor
        surface brightness.
    """
    electrons = pair.reference.bunit.lower().startswith(("e", "photoe"))
    if in_kind in (BRIGHTNESS, FLUX) and not electrons:
        if given is not None:
            return given
        for image in (pair.reference, pair.source):
            keyword, value = image.first(BRIGHTNESS_OF_DN)
            if value is None:
                continue
            brightness = number(value)
            if brightness is None or brightness <= 0:
                expected = "MJy/sr above 0 for 1 DN/s (or give --photmjsr)"
                raise DataError(f"{keyword} = {value!r}, expected {expected}", subject=image.name)
            if image is pair.source:
                #: An exposure before the step photom. Detectors differ: the factor may be that of
                #: another one.
                pair.tell(
                    f"has no PHOTMJSR; that of {image.name}, {brightness:.4g} MJy/sr for "
                    "1 DN/s, is used (--photmjsr gives another)",
                    subject=pair.reference.name,
                )
            return brightness
    hint = "" if pair.compared else " (--as-is leaves values as they are)"
    reference = pair.reference.name
    unit, wanted = names
    raise DataError(
        f"{pair.source.name} is in {unit} and the blot is to be in {wanted} "
        f"({reference}): flux or surface brightness and counts cannot be converted, "
        f"except to DN/s by the reference's PHOTMJSR or --photmjsr{hint}"
    )
