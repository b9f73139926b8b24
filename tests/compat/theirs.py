"""Runs DrizzlePac, whose import takes four seconds: done once, and each job in a fork of its own.

A folder a line on standard input; a line on standard output says how the job there, ``job.json``,
has ended. A job is ``{"ablot": [[name, keywords], ...]}`` (blots with `drizzlepac.ablot.blot`,
outcomes in ``NAME.json``), ``{"astrodrizzle": {...}}`` or ``{"drizzle": {...}}`` (see there).
"""

import contextlib
import importlib
import json
import logging
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
LONGEST_S = 300


def ablot(cases):
    """Run each case, in a fork since some end the process; write what came of it."""
    for name, keywords in cases:
        status = forked(blot, name, keywords)
        if status:
            outcome = f"the process ended, status {status}"
            Path(f"{name}.json").write_text(json.dumps(outcome))


def blot(name, keywords):
    """Write what comes of a case: the error, or the pixels."""
    from astropy.io import fits
    from drizzlepac import ablot, wcs_functions

    maps = {"WCSMap": wcs_functions.WCSMap, "IdentityMap": wcs_functions.IdentityMap, "None": None}
    if "wcsmap" in keywords:
        keywords["wcsmap"] = maps[keywords["wcsmap"]]
    try:
        ablot.blot(**{"configObj": "defaults", **keywords, "outdata": f"their_{name}.fits"})
        np.save(f"{name}.npy", fits.getdata(f"their_{name}.fits", ("SCI", 1)).astype(np.float32))
        outcome = "done"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}".strip(": ")
    Path(f"{name}.json").write_text(json.dumps(outcome))


def astrodrizzle(exposures, ours, in_memory, exact, prints=False):
    """Run AstroDrizzle; save the blots, the median, the pixel maps, and DrizzlePac's exact blots of
    the same median.

    Parameters
    ----------
    exposures : list of str
    ours : bool
        With ``skyblot.ablot.patch_drizzlepac``.
    in_memory : bool
    exact : bool
        With ``wcsmap=WCSMap``.
    prints : bool
        With a `wcsmap` that prints wherever it is called.
    """
    from drizzlepac import ablot, cdriz, wcs_functions
    from drizzlepac import astrodrizzle as task

    if ours:
        importlib.import_module("skyblot.ablot").patch_drizzlepac()
    inner = ablot.runBlot

    def watched(images, output_wcs, configObj, wcsmap=None, procSteps=None):
        inner(images, output_wcs, configObj, wcsmap=wcsmap, procSteps=procSteps)
        median = pixels(images[0].getOutputName("outMedian"))
        np.save("median.npy", median)
        source = output_wcs.single_wcs
        for image in images:
            for chip in image.returnAllChips(extname=image.scienceExt):
                name = chip.outputNames["blotImage"]
                np.save(f"{name}.npy", pixels(image.virtualOutputs[name] if in_memory else name))
                if not ours and not in_memory:
                    sky = 0.0 if chip.computedSky is None else float(chip.computedSky)
                    arguments = median, source, chip.wcs, chip._exptime
                    blot = their_do_blot(*arguments, wcsmap=wcs_functions.WCSMap).astype(float)
                    np.save(f"{name}.exact.npy", blot / chip._conversionFactor + sky)
                    ny, nx = chip.wcs.array_shape
                    y, x = (each.ravel() + 1.0 for each in np.indices((ny, nx)))
                    for label, forward in (
                        ("map", wcs_functions.WCSMap(chip.wcs, source).forward),
                        ("map10", cdriz.DefaultWCSMapping(chip.wcs, source, nx, ny, 10)),
                    ):
                        positions = np.array(forward(x, y)).reshape(2, ny, nx)
                        np.save(f"{name}.{label}.npy", positions - 1)
                    scale = chip.wcs.idcscale / source.pscale
                    factor = chip._exptime * scale**2 / chip._conversionFactor
                    Path(f"{name}.json").write_text(json.dumps({"factor": factor, "sky": sky}))

    def masked(images, *arguments, **keywords):
        inner_mask(images, *arguments, **keywords)
        for image in images:
            for chip in image.returnAllChips(extname=image.scienceExt):
                name = chip.outputNames["crmaskImage"]
                np.save(f"{name}.npy", pixels(image.virtualOutputs[name] if in_memory else name))

    their_do_blot, inner_mask = ablot.do_blot, task.drizCR.rundrizCR
    ablot.runBlot, task.drizCR.rundrizCR = watched, masked
    task.AstroDrizzle(
        exposures, output="final", mdriztab=False, updatewcs=False, wcskey="", resetbits=4096,
        build=False, clean=False, preserve=True, overwrite=True, skysub=True, skymethod="localmin",
        final_wht_type="EXP", in_memory=in_memory, num_cores=1, context=False,
        wcsmap=printing_map() if prints else wcs_functions.WCSMap if exact else None,
    )  # fmt: skip


def drizzle(exposures, exact=False, ours=False, **options):
    """Run AstroDrizzle and keep all its files; save the sky of each chip in ``skies.json``.

    Parameters
    ----------
    exposures : list of str
    exact : bool
        With ``wcsmap=WCSMap``.
    ours : bool
        With ``skyblot.ablot.patch_drizzlepac(driz_cr=True)``.
    **options
        AstroDrizzle's own.
    """
    from drizzlepac import astrodrizzle as task
    from drizzlepac import wcs_functions

    if ours:
        importlib.import_module("skyblot.ablot").patch_drizzlepac(driz_cr=True)
    skies = {}
    inner = task.sky.subtractSky

    def watched(images, *arguments, **keywords):
        inner(images, *arguments, **keywords)
        for image in images:
            for chip in image.returnAllChips(extname=image.scienceExt):
                name = f"{image._original_file_name}[sci,{chip.extver}]"
                skies[name] = None if chip.computedSky is None else float(chip.computedSky)

    task.sky.subtractSky = watched
    options = {"in_memory": False, "num_cores": 1} | options
    task.AstroDrizzle(
        exposures, output="final", mdriztab=False, updatewcs=False, wcskey="", build=True,
        clean=False, preserve=False, overwrite=True, final_wht_type="EXP", context=True,
        wcsmap=wcs_functions.WCSMap if exact else None, **options,
    )  # fmt: skip
    Path("skies.json").write_text(json.dumps(skies))


def printing_map():
    """DrizzlePac's map, which says when it is called."""
    from drizzlepac import wcs_functions

    class Prints(wcs_functions.WCSMap):
        def forward(self, x, y):
            print("forward")  # noqa: T201
            return super().forward(x, y)

    return Prints


def pixels(given):
    from astropy.io import fits

    with contextlib.ExitStack() as stack:
        hdus = given if isinstance(given, fits.HDUList) else stack.enter_context(fits.open(given))
        return np.array(hdus[0].data, dtype=np.float32)


def forked(function, *arguments):
    """Call a function in a fork of this process, and return the fork's exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        signal.alarm(LONGEST_S)
        function(*arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def work(folder):
    """Do the job of a folder, with what it prints in ``printed.txt``, and a home of its own for
    TEAL.
    """
    os.chdir(folder)
    os.environ["HOME"] = folder
    with open("printed.txt", "wb") as printed:
        for stream in (1, 2):
            os.dup2(printed.fileno(), stream)
    for kind, argument in json.loads(Path("job.json").read_text()).items():
        if kind == "ablot":
            ablot(argument)
        else:
            {"astrodrizzle": astrodrizzle, "drizzle": drizzle}[kind](**argument)


def serve(answers):
    """Do the jobs that are asked for."""
    # Before any import of DrizzlePac: no astrometry data base, and no reference files.
    os.environ.update(ASTROMETRY_STEP_CONTROL="off", iref="/nonexistent/", jref="/nonexistent/")
    logging.disable(logging.CRITICAL)
    importlib.import_module("drizzlepac.astrodrizzle")
    for line in sys.stdin:
        answers.write(f"{forked(work, line.rstrip())}\n")


if __name__ == "__main__":
    # What DrizzlePac prints when it is imported is no answer.
    with open(os.dup(1), "w", buffering=1) as stream:
        os.dup2(2, 1)
        serve(stream)
