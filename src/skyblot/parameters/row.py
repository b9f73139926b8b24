"""A row of the table of parameters: what it accepts, and how that is read."""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..errors import ParameterError, closest, not_allowed

#: DrizzlePac's names of choices.
_SPELLINGS = {"lan3": "lanczos3", "lan5": "lanczos5"}

#: Kinds that have words of their own: nothing is None there.
_NUMBERS_OR_WORDS = ("number or map", "number or fit")

_TRUE = ("yes", "true", "on", "1", "y", "t")
_FALSE = ("no", "false", "off", "0", "n", "f")
UNSET = ("", "none", "indef")


@dataclass(frozen=True)
class Parameter:
    """One row of the table: what a parameter is called, what it accepts, and what it means.

    `words` say what is allowed, and `shown` what the help has in brackets, where their own words
    are better than those that are made; `metavar` stands for the value in the help, `flag` is the
    option where it is called otherwise, and `python` says that there is none.
    """

    name: str
    kind: str
    default: Any
    help: str
    section: str = ""
    choices: Collection[str] = ()
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    words: str = ""
    shown: str = ""
    metavar: str = ""
    flag: str = ""
    python: bool = False

    @property
    def option(self) -> str:
        """The command-line option."""
        return self.flag or "--" + self.name.replace("_", "-")

    @property
    def allowed(self) -> str:
        """What values are allowed, in words."""
        if self.words:
            return self.words
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = {
            "bool": "yes or no",
            "flag": "yes or no",
            "text": "a word",
            "number or input": "'input' or a number of seconds > 0",
            "fill": "a number, nan, or 'sky'",
            "letter": "a letter A to Z, or nothing",
        }
        text = words.get(self.kind, "a whole number" if self.kind == "integer" else "a number")
        if self.minimum is not None:
            text += f", at least {self.minimum:g}"
        if self.maximum is not None:
            text += f", at most {self.maximum:g}"
        return text if self.default is not None else text + ", or nothing"

    def parse(self, value: Any) -> Any:
        """Return `value` as this parameter's type.

        Raises
        ------
        ParameterError
            With the name, the value received and what is allowed.
        """
        if self.kind == "any":  # checked by what uses it
            return value
        if isinstance(value, str):
            value = value.strip()
        if value is None or (isinstance(value, str) and self._is_unset(value.lower())):
            if self.default is None or self.kind in ("text", "letter"):
                return self.default
            raise self._error(value)
        try:
            parsed = _PARSERS[self.kind](value)
        except (TypeError, ValueError, OverflowError):
            raise self._error(value) from None
        if self.choices:
            return self._choose(str(parsed))
        if (
            isinstance(parsed, int | float)
            and not isinstance(parsed, bool)
            and not self._in_range(parsed)
        ):
            raise self._error(value)
        return parsed

    def _is_unset(self, word: str) -> bool:
        """Whether a word means nothing, and is no value of its own."""
        return word in UNSET and word not in self.choices and self.kind not in _NUMBERS_OR_WORDS

    def _choose(self, value: str) -> str:
        value = _SPELLINGS.get(value.lower(), value)
        if value.lower() not in self.choices:
            raise self._error(value, closest(value, self.choices))
        return value.lower()

    def _in_range(self, value: float) -> bool:
        if self.minimum is not None and value < self.minimum:
            return False
        return self.maximum is None or value <= self.maximum

    def _error(self, value: Any, hint: str = "") -> ParameterError:
        return not_allowed(self.name, value, self.allowed + hint)


def _parse_letter(value: Any) -> str:
    letter = str(value).upper()
    if not re.fullmatch("[A-Z]", letter):
        raise ValueError(value)
    return letter


def _parse_bool(value: Any) -> bool:
    word = str(value).lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(word)
    return word in _TRUE


def _parse_integer(value: Any) -> int:
    number = float(value)
    if isinstance(value, bool) or number != int(number):
        raise ValueError(value)
    return int(number)


def _parse_number(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(value)
    return number


def _parse_fill(value: Any) -> str | float:
    if isinstance(value, bool):
        raise ValueError(value)
    if str(value).lower() == "sky":
        return "sky"
    return float(value)


def _parse_number_or_input(value: Any) -> str | float:
    if str(value).lower() == "input":
        return "input"
    number = _parse_number(value)
    if number <= 0:
        raise ValueError(value)
    return number


def _parse_pair(value: Any) -> tuple[float, float]:
    first, second = (float(each) for each in value)
    if not math.isfinite(first + second) or min(first, second) < 0:
        raise ValueError(value)
    return first, second


def _parse_seed_and_member(value: Any) -> tuple[float, float]:
    seed, member = _parse_pair(value)
    if member == 0 or seed < member:
        raise ValueError(value)
    return seed, member


def _parse_sign(value: Any) -> int:
    sign = _parse_integer(value)
    if sign not in (1, -1):
        raise ValueError(value)
    return sign


def _parse_number_or_map(value: Any) -> str | float:
    return "map" if value == "map" else _parse_number(value)


def _parse_number_or_fit(value: Any) -> str | float:
    if value == "fit":
        return "fit"
    number = _parse_number(value)
    if number <= 0:
        raise ValueError(value)
    return number


_PARSERS: dict[str, Any] = {
    "bool": _parse_bool,
    "flag": _parse_bool,
    "pair": _parse_pair,
    "seed and member": _parse_seed_and_member,
    "sign": _parse_sign,
    "number or map": _parse_number_or_map,
    "number or fit": _parse_number_or_fit,
    "integer": _parse_integer,
    "number": _parse_number,
    "fill": _parse_fill,
    "text": str,
    "letter": _parse_letter,
    "number or input": _parse_number_or_input,
}
