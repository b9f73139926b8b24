"""Edit the task's parameters before it runs, in TEAL or in the user's editor."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ParameterError, SkyblotError
from ..parameters.files import IMAGES
from ..parameters.table import USER_WCS_SECTION
from .task import Task, task_from
from .teal import pars_folder, task_cfg

_HINT = "# Save to run the task with these values; delete everything to cancel.\n"


def edit_task(task: Task) -> Task | None:
    """Let the user edit a task; return what was saved, or None if it was cancelled.

    Raises
    ------
    ParameterError
        If there is neither TEAL with a display nor an editor.
    """
    teal = _teal()
    if teal is not None:
        return _edit_in_teal(teal, task)
    return edit_text(task_cfg(task_values(task)), lambda path: task_from(path).checked())


def task_values(task: Task) -> dict[str, Any]:
    """Images and parameters of a task, flat, by their names in the files."""
    values: dict[str, Any] = {name: getattr(task, name) for name in IMAGES}
    values.update(task.parameters.items())
    values["user_wcs"] = bool(task.parameters.user_wcs.given)
    return values


def edit_text(text: str, read: Callable[[str], Task]) -> Task | None:
    """Open a ``.cfg`` text in the user's editor until it can be read, or is emptied (None)."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        raise ParameterError(
            "editpars: no editor, set VISUAL or EDITOR (or install stsci.tools and use a display)"
        )
    with tempfile.TemporaryDirectory(prefix="skyblot-") as folder:
        path = Path(folder) / "ablot.cfg"
        path.write_text(_HINT + text, encoding="utf-8")
        while True:
            before = path.read_text(encoding="utf-8", errors="replace")
            _run(command, path)
            after = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            if not after.strip():
                return None
            try:
                return read(str(path))
            except SkyblotError as error:
                if after == before:
                    raise
                reason = str(error).replace(f"{path}, ", "").replace(f"{path}: ", "")
                path.write_text(
                    f"# NOT VALID: {reason}\n" + _without_reason(after), encoding="utf-8"
                )


def _run(command: str, path: Path) -> None:
    try:
        subprocess.run([*shlex.split(command), str(path)], check=True)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise ParameterError(f"editpars: the editor {command!r} failed: {error}") from error


def _without_reason(text: str) -> str:
    return "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith("# NOT VALID:")
    )


def _teal() -> Any:
    """TEAL, where it is installed and there is a display to show it on; else None."""
    try:
        import tkinter

        from stsci.tools import teal
    except ImportError:
        return None
    try:
        tkinter.Tk().destroy()
    except tkinter.TclError:  # TEAL itself would fail without saying why
        return None
    return teal


def _edit_in_teal(teal: Any, task: Task) -> Task | None:
    """Show a copy of the packaged files: what TEAL saves, it saves over what it has loaded."""
    with tempfile.TemporaryDirectory(prefix="skyblot-") as folder:
        for name in ("ablot.cfg", "ablot.cfgspc"):
            shutil.copyfile(pars_folder() / name, Path(folder) / name)
        config = teal.load(str(Path(folder) / "ablot.cfg"))
        _fill_in(config, task)
        config.canExecute = lambda: True  # so that there is a button Execute
        config.run = lambda *_, **__: None  # it closes the window; the task then runs here, once
        status = teal.teal(config, returnAs="status")
    return None if status == -1 else task_from(config)


def _fill_in(config: Any, task: Task) -> None:
    """Put a task's values into what TEAL has loaded."""
    saved = task_values(task)
    for section, entries in (
        ("", config),
        *((name, config[name]) for name in config if name.endswith("Parameters")),
    ):
        for name in entries:
            if name in saved and not isinstance(entries[name], dict):
                entries[name] = (
                    saved[name] if saved[name] is not None or section == USER_WCS_SECTION else ""
                )
    config["interpol"] = task.parameters.interp
