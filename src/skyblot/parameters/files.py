"""Read parameters from ``.cfg`` files, as DrizzlePac's tasks save them."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import FileError, ParameterError, reason_of
from .row import UNSET, Parameter
from .table import BY_NAME, TABLE, USER_WCS_SECTION, Parameters, by_section, parameter, unknown

logger = logging.getLogger(__name__)

#: Other names under which a parameter is found in files.
ALIASES = {
    "interpol": "interp",
    **{f"blot_{name}": name for name in ("interp", "sinscl", "addsky", "skyval")},
}
#: Names in DrizzlePac's files that say which images to use, not how, and what they mean.
IMAGES = {
    "data": "Image to blot, a mosaic",
    "reference": "Exposure that defines the pixels of the blot",
    "outdata": "File to write the blot to",
}
#: DrizzlePac's switch for its section of user WCS values.
USER_WCS = Parameter("user_wcs", "bool", True, "Use the values of this section.", USER_WCS_SECTION)
_NUMBERS = ("number", "integer", "number or input")


def read_config(path: str | Path) -> dict[str, Any]:
    """Return the parameters in a ``.cfg`` file as a flat mapping of names to validated values.

    The names of images (``data``, ``reference``, ``outdata``) are left out, and the values of
    ``[User WCS Parameters]`` where its ``user_wcs`` is no.

    Raises
    ------
    FileError
        If the file is missing or is not in the format.
    ParameterError
        For an unknown parameter or a bad value, with file, section, name, value and what is
        allowed.
    """
    values = validated(load(path), str(path))
    logger.info("%s: %d parameters", path, len(values))
    return values


def load(path: str | Path) -> Mapping[str, Any]:
    """Return a ``.cfg`` file as nested mappings, values as text."""
    from configobj import ConfigObj, ConfigObjError

    if not Path(path).is_file():
        if Path(path).exists() and not Path(path).is_dir():
            raise FileError("is no regular file, expected one, or a URL", subject=path)
        raise FileError("no such file", subject=path)
    try:
        config: Mapping[str, Any] = ConfigObj(
            str(path), interpolation=False, list_values=False, file_error=True
        )
    except (ConfigObjError, UnicodeError) as error:
        raise FileError(f"not a .cfg file: {reason_of(error)}", subject=path) from error
    return config


def validated(config: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return the parameters of nested or flat mappings as one flat mapping of validated values."""
    values: dict[str, Any] = {}
    use_wcs = True
    for section, name, value in _flattened(config):
        if name in IMAGES:
            continue
        where = f"{origin}, section [{section}]" if section else origin
        value = unquoted(value)
        try:
            if name == "user_wcs":
                use_wcs = USER_WCS.parse(value)
                continue
            row, parsed = known(name, value)
            values[row.name] = parsed
        except ParameterError as error:
            raise ParameterError(error, subject=where) from None
    if not use_wcs:
        wcs_names = Parameters().user_wcs.__dataclass_fields__
        values = {name: value for name, value in values.items() if name not in wcs_names}
    return values


def _flattened(config: Mapping[str, Any], section: str = "") -> list[tuple[str, str, Any]]:
    """(section, name, value) of every entry; names with a leading underscore belong to TEAL."""
    entries = []
    for name, value in config.items():
        if name.startswith("_"):
            continue
        if isinstance(value, Mapping):
            entries += _flattened(value, name)
        else:
            entries.append((section, name, value))
    return entries


def known(name: str, value: Any) -> tuple[Parameter, Any]:
    """Return the row of a parameter or alias, and its valid value, or the default if unset.

    Raises
    ------
    ParameterError
        For an unknown name or a value that is not allowed.
    """
    if ALIASES.get(name, name) not in BY_NAME:
        raise unknown(name, (*BY_NAME, *ALIASES, USER_WCS.name, *IMAGES))
    row = parameter(ALIASES.get(name, name))
    unset = value is None or (isinstance(value, str) and value.strip().lower() in UNSET)
    if unset and row.kind in _NUMBERS:
        return row, row.default
    return row, row.parse(value)


def unquoted(value: Any) -> Any:
    """Text without the comment and the quotes that a saved file has around it."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    for quote in "\"'":
        if text.startswith(quote) and quote in text[1:]:
            return text[1 : text.index(quote, 1)]
    return text.split("#")[0].strip()


def write_config(parameters: Parameters) -> str:
    """Return a commented ``.cfg`` file that holds `parameters`."""
    lines = ["_task_name_ = ablot"]
    values = dict(parameters.items())
    for section, rows in by_section(TABLE):
        if section:
            lines += ["", f"[{section}]"]
        for row in rows:
            value = values[row.name]
            unit = f" [{row.unit}]" if row.unit else ""
            lines += [
                f"# {row.help}{unit} ({row.allowed})",
                f"{row.name} = {'' if value is None else value}",
            ]
    return "\n".join(lines) + "\n"
