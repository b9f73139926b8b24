"""The ablot task: which images and which parameters, gathered from a configuration and keywords."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ParameterError, not_allowed
from ..parameters.files import IMAGES, USER_WCS, known, load, unquoted, validated
from ..parameters.table import TASK_DEFAULTS, Parameters, UserWCS


@dataclass(frozen=True)
class Task:
    """One call of the ablot task.

    Attributes
    ----------
    data, reference, outdata : str
        Names of the mosaic, the exposure and the output; empty where not given.
    parameters : Parameters
    """

    data: str = ""
    reference: str = ""
    outdata: str = ""
    parameters: Parameters = field(
        default_factory=lambda: Parameters(fill_value="sky").override(TASK_DEFAULTS)
    )

    def override(self, values: Mapping[str, Any]) -> "Task":
        """Return a copy with images and parameters replaced; aliases of names are understood.

        Raises
        ------
        ParameterError
            For an unknown name, a value that is not allowed, or one parameter under two names.
        """
        images = {name: str(values[name]) for name in IMAGES if values.get(name)}
        pairs = [
            known(name, value)
            for name, value in values.items()
            if name not in (*IMAGES, USER_WCS.name)
        ]
        names = [row.name for row, _ in pairs]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ParameterError(
                f"{twice} is given twice, under two of its names, expected one of them"
            )
        parameters = self.parameters.override({row.name: value for row, value in pairs})
        if USER_WCS.name in values and not USER_WCS.parse(values[USER_WCS.name]):
            parameters = replace(parameters, user_wcs=UserWCS())
        return replace(self, parameters=parameters, **images)

    def checked(self) -> "Task":
        """Return the task as it is run, with all images named and an output in ``.fits``.

        Raises
        ------
        ParameterError
            If an image is missing. A reference may be, with user WCS values: the data's own header
            then stands in for it.
        """
        reference = self.reference
        if not reference and self.parameters.user_wcs.given:
            reference = self.data
        missing = [
            name
            for name in IMAGES
            if not (reference if name == "reference" else getattr(self, name))
        ]
        if missing:
            raise ParameterError(
                f"blot: {_listed(missing)} not given, expected blot(data, reference, outdata)"
            )
        stem = self.outdata.rpartition("[")[0] if self.outdata.endswith("]") else self.outdata
        outdata = stem if stem.endswith(".fits") else f"{stem}.fits"
        return replace(self, reference=reference, outdata=outdata)


def _listed(names: list[str]) -> str:
    return names[0] + " is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"


def task_from(config: Any, use_wcs: Any = None) -> Task:
    """Return the task of a `configObj`.

    Parameters
    ----------
    config : None, 'defaults', path or mapping
        None and 'defaults' are the documented defaults; a path is a ``.cfg`` file; a mapping is a
        ConfigObj, what TEAL loads, or any nested or flat mapping. It is not changed.
    use_wcs : bool, optional
        Whether its user WCS values count, in place of its own ``user_wcs``.

    Raises
    ------
    FileError, ParameterError
        With the file, section, parameter, value, and what is allowed.
    """
    if config is None or (isinstance(config, str) and config.strip().lower() in ("", "defaults")):
        return Task()
    origin = "configObj"
    if isinstance(config, str | Path):
        config, origin = load(config), str(config)
    if not isinstance(config, Mapping):
        raise not_allowed(
            "configObj",
            config,
            "None, 'defaults', the name of a .cfg file, a ConfigObj or a mapping",
        )
    # a ConfigObj that keeps quotes and comments
    raw = getattr(config, "list_values", True) is False
    images = {name: _image_name(config[name], raw=raw) for name in IMAGES if config.get(name)}
    switch = {} if use_wcs is None else {USER_WCS.name: use_wcs}
    return Task().override({**validated({**config, **switch}, origin), **images})


def _image_name(value: Any, *, raw: bool) -> str:
    """A file name; ConfigObj takes ``a.fits[sci,1]`` for a list where it has no quotes."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(unquoted(value)) if raw else str(value)
