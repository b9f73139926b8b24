"""The ablot task's ``.cfg`` files and their specification, as TEAL finds and reads them.

TEAL looks for ``*.cfg`` and ``*.cfgspc`` below the package's folder whose ``_task_name_`` is the
task's name.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..parameters.files import IMAGES
from ..parameters.row import Parameter
from ..parameters.table import OURS, TABLE, TASK_DEFAULTS, USER_WCS_SECTION, by_section

#: What the documented task calls a parameter in its files.
TASK_NAMES = {"interp": "interpol"}

_SPEC_KINDS = {"bool": "boolean_kw", "integer": "integer_or_none_kw", "number": "float_kw"}


def pars_folder() -> Path:
    """Return the folder of the packaged parameter files."""
    return Path(__file__).parent / "pars"


def task_rows() -> list[Parameter]:
    """The rows of the table that the documented task has, with its defaults and choices."""
    documented = [row for row in TABLE if row.name not in OURS]
    return [
        replace(
            row,
            default=TASK_DEFAULTS.get(row.name, row.default),
            choices=tuple(choice for choice in row.choices if choice != "auto"),
            help=row.help.split("; auto")[0].rstrip(".") + ".",
        )
        for row in documented
    ]


def task_cfg(values: dict[str, Any] | None = None) -> str:
    """Return the text of ``ablot.cfg``: the documented defaults, or `values` in their place."""
    values = values or {}
    lines = ["_task_name_ = ablot", *(f'{name} = "{values.get(name, "")}"' for name in IMAGES)]
    lines += _rows(
        f"user_wcs = {values.get('user_wcs', False)}",
        lambda row: _text(values.get(row.name, row.default)),
    )
    return "\n".join([*lines, "", "[_RULES_]"]) + "\n"


def task_spec() -> str:
    """Return the text of ``ablot.cfgspc``."""
    lines = ['_task_name_ = string_kw(default="ablot")']
    lines += [f'{name} = string_kw(default="", comment="{text}")' for name, text in IMAGES.items()]
    comment = "Override values of the reference WCS?"
    lines += _rows(
        f'user_wcs = boolean_kw(default=False, triggers="_section_switch_", comment="{comment}")',
        _check,
    )
    rule = 'code=\'tyfn={"yes":False, "no":True}; OUT = tyfn[VAL]\''
    lines += ["", "[_RULES_]", f"_rule5_ = string_kw(default=True, when='defaults,entry', {rule})"]
    return "\n".join(lines) + "\n"


def _rows(user_wcs: str, right_side: Callable[[Parameter], str]) -> list[str]:
    """A line for each parameter, under the headings of their sections; `user_wcs` opens its own."""
    lines = []
    for section, rows in by_section(task_rows()):
        if section:
            lines += ["", f"[{section}]", *([user_wcs] if section == USER_WCS_SECTION else [])]
        lines += [f"{TASK_NAMES.get(row.name, row.name)} = {right_side(row)}" for row in rows]
    return lines


def _text(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _check(row: Parameter) -> str:
    kind = "option_kw" if row.choices else _SPEC_KINDS.get(row.kind, "string_kw")
    if row.section == USER_WCS_SECTION:
        kind = "float_or_none_kw"
    options = [f'"{choice}"' for choice in row.choices]
    options.append(f"default={_text(row.default)}")
    options += {"addsky": ["triggers='_rule5_'"], "skyval": ["inactive_if='_rule5_'"]}.get(
        row.name, []
    )
    options.append(f'comment="{row.help}"')
    return f"{kind}({', '.join(options)})"
