"""Blot a median image back onto an exposure: the ``ablot`` task, with DrizzlePac's interface.

``from skyblot import ablot`` in place of ``from drizzlepac import ablot`` is the only change a
script needs.
"""

import inspect
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..api.results import Batch
from ..errors import not_allowed
from ..io.names import parse_name
from ..kernels.interpolants import interpolant
from ..parameters.options import RunOptions
from ..parameters.table import Sampling, parameter, yes_or_no
from ..pixelmap.linear import undistorted
from ..resampling.arrays import prepare
from ..resampling.window import FloatView
from ..runs.work import Work
from ..steps.base import Task as Product
from ..steps.blot import Blot
from . import astrodrizzle
from .editing import edit_task
from .help import help_text, show_help
from .patch import AblotPatch, patch
from .task import Task, task_from

log = logging.getLogger(__name__)

__taskname__ = "ablot"
STEP_NUM = 5
PROCSTEPS_NAME = "Blot"

__all__ = [
    "blot",
    "do_blot",
    "getHelpAsString",
    "help",
    "patch_drizzlepac",
    "run",
    "runBlot",
    "run_blot",
]


def blot(*args: Any, **input_dict: Any) -> None:
    """Blot a median image onto the pixels of an exposure, and write the result.

    Call it as ``blot(data, reference, outdata, configObj=None, wcsmap=None, editpars=False,
    **input_dict)``, as ``blot(data, outdata, configObj=None, reference=...)``, as ``blot(data,
    outdata, <user WCS values>)``, or as ``blot()`` with everything in `configObj`.

    Parameters
    ----------
    data : str
        Image to blot, a mosaic, with or without its extension: ``med.fits``, ``drz.fits[sci,1]``.
    reference : str
        Exposure that defines the pixels of the blot.
    outdata : str
        File to write; ``.fits`` is added if it lacks it, an existing file is replaced.
    configObj : None, 'defaults', path or mapping, optional
        None and 'defaults' are the documented defaults; else a ``.cfg`` file, or what was loaded
        from one. Keywords override it. It is not changed, and nothing is read from the home
        directory.
    wcsmap : class or callable, optional
        ``wcsmap(blot_wcs, source_wcs)`` makes an object whose ``forward(x, y)`` turns pixels of the
        blot into pixels of the data, both counted from 1. By default the two WCS do, exactly every
        `stepsize` pixels.
    editpars : bool
        Edit the parameters first, in TEAL or in the editor named by ``VISUAL`` or ``EDITOR``.
    **input_dict
        Parameters by name; see `help`.

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong; nothing is written then.
    """
    options = _bound(args, input_dict)
    wcsmap = options.pop("wcsmap", None)
    editpars = yes_or_no("editpars", options.pop("editpars", False))
    task = task_from(options.pop("configObj", None), options.get("user_wcs")).override(options)
    if editpars:
        edited = edit_task(task)
        if edited is None:
            log.info("ablot: cancelled")
            return
        task = edited
    _run_task(task.checked(), wcsmap)


def _bound(args: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """Positional arguments by name: those of the signature, or of older scripts."""
    names = ["data", "reference", "outdata", "configObj", "wcsmap", "editpars"]
    if "outdata" not in keywords and _without_reference(args, keywords):
        names.remove("reference")
    if len(args) > len(names):
        raise TypeError(
            f"blot() takes at most {len(names)} positional arguments, {len(args)} were given"
        )
    positional = dict(zip(names, args, strict=False))
    twice = sorted(set(positional) & set(keywords))
    if twice:
        raise TypeError(f"blot() got {twice[0]!r} both as a positional argument and as a keyword")
    return {**positional, **keywords}


def _documented(  # type: ignore[no-untyped-def]
    data, reference, outdata, configObj=None, wcsmap=None, editpars=False, **input_dict
):
    """The signature that the task documents."""


def _without_reference(args: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    """Whether the second positional argument is the output: the third is no name of one."""
    third = args[2] if len(args) > 2 else ""
    is_name = isinstance(third, str | Path) and not str(third).strip().lower().endswith(
        (".cfg", "defaults")
    )
    return len(args) == 2 or not is_name


blot.__signature__ = inspect.signature(_documented)  # type: ignore[attr-defined]


def _run_task(task: Task, wcsmap: Any) -> None:
    step = Blot(task.parameters, force=True, as_float=True, wcsmap=wcsmap)
    wanted = Product(parse_name(task.reference), Path(task.outdata))
    options = RunOptions(overwrite=True, fail_fast=True)
    Batch(Work(task.data, step, (wanted,)), options).results()


def run(configObj: Any, wcsmap: Any = None) -> None:
    """Run the task with everything taken from `configObj`, as TEAL does."""
    blot(configObj=configObj, wcsmap=wcsmap)


def do_blot(
    source: Any,
    source_wcs: Any,
    blot_wcs: Any,
    exptime: float,
    coeffs: bool = True,
    interp: str = "poly5",
    sinscl: float = 1.0,
    stepsize: int | None = 10,
    wcsmap: Any = None,
) -> np.ndarray:
    """Blot an array onto the pixels of a WCS.

    Parameters
    ----------
    source : array, shape (ny, nx)
        In counts per second. An integer array with ``nearest`` and `exptime` 1 is a map of labels:
        its values and dtype are kept.
    source_wcs, blot_wcs : WCS
        HSTWCS or any celestial WCS; neither is changed. `blot_wcs` gives the shape. Their
        attributes `pscale` and `idcscale`, where they have them, are the pixel scales.
    exptime : float
        Multiplies the result, s.
    coeffs : bool
        Use the distortion of `blot_wcs`.
    interp, sinscl, stepsize, wcsmap
        As for `blot`; `stepsize` 1, 0 or None is exact.

    Returns
    -------
    ndarray, shape (ny, nx)
        ``interpolated * exptime / (scale ratio)**2``; 0 where the source does not cover.
    """
    if not isinstance(exptime, int | float | np.number) or not np.isfinite(exptime):
        raise not_allowed("exptime", exptime, "a number of seconds")
    if not hasattr(source, "dtype"):
        source = np.asarray(source)
    labels = np.dtype(source.dtype).kind in "iub"
    averages = interpolant(parameter("interp").parse(interp)).averages
    if labels and (averages or exptime != 1):
        source = FloatView(source)
        labels = False
    target = blot_wcs if yes_or_no("coeffs", coeffs) else undistorted(blot_wcs)
    sampling = Sampling(interp, sinscl, stepsize)
    job = prepare(source, source_wcs, target, sampling, shape=blot_wcs.array_shape, wcsmap=wcsmap)
    ratio = astrodrizzle.scale_of(source_wcs, "pscale") / astrodrizzle.scale_of(
        blot_wcs, "idcscale"
    )
    # a user's map may not be able to print in another thread than this
    threads = None if wcsmap is None else 1
    return job.run(scale=1.0 if labels else float(exptime) / ratio**2, threads=threads).data


def runBlot(
    imageObjectList: Any, output_wcs: Any, configObj: Any = {},  # noqa: B006
    wcsmap: Any = None, procSteps: Any = None
) -> None:  # fmt: skip
    """Blot the median onto every chip: AstroDrizzle's step 5.

    Parameters
    ----------
    imageObjectList : list of imageObject
    output_wcs : WCSObject
        Its `single_wcs` is the median's WCS.
    configObj : mapping
        AstroDrizzle's parameters; the section ``STEP 5`` and ``coeffs`` are read.
    wcsmap : class or callable, optional
        As for `blot`; by default the geometry is exact.
    procSteps : ProcSteps, optional
    """
    astrodrizzle.run_step(imageObjectList, output_wcs, configObj, wcsmap, procSteps)


def run_blot(imageObjectList: Any, output_wcs: Any, paramDict: Any, wcsmap: Any = None) -> None:
    """Blot the median onto every chip; `output_wcs` is the median's WCS, `paramDict` as
    `buildBlotParamDict` gives.
    """
    astrodrizzle.blot_images(imageObjectList, output_wcs, paramDict, wcsmap)


def buildBlotParamDict(configObj: Any) -> dict[str, Any]:
    """Return the blot parameters of AstroDrizzle's configuration: blot_interp, ..., coeffs."""
    return astrodrizzle.step_parameters(configObj)


def getHelpAsString(docstring: bool = False, show_ver: bool = True) -> str:
    """Return the help of the task: what it does, how it is called, every parameter.

    Parameters
    ----------
    docstring : bool
        Accepted for compatibility; the text is the same.
    show_ver : bool
        Start with the line that names the task and the version.
    """
    return help_text(blot.__doc__ or "", show_version=show_ver)


def help(file: Any = None) -> None:
    """Show the help of the task, or write it to `file`, replacing it."""
    show_help(getHelpAsString(docstring=True), file)


def patch_drizzlepac(*, driz_cr: bool = False) -> AblotPatch:
    """Make AstroDrizzle use this blot: call it before ``AstroDrizzle(...)``, or use ``with``.

    Parameters
    ----------
    driz_cr : bool
        Find cosmic rays by `skyblot.reject`, too, in the place of ``drizCR.rundrizCR``: masks,
        clean copies and DQ are where AstroDrizzle has them.

    Returns
    -------
    AblotPatch
        Its ``undo()``, or the end of the ``with`` block, puts DrizzlePac's own functions back.

    Raises
    ------
    SkyblotError
        If DrizzlePac is not installed.
    """
    return patch(sys.modules[__name__], driz_cr=driz_cr)
