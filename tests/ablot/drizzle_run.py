"""Stand-ins for the objects of a run of AstroDrizzle, which note what is read of them."""

import numpy as np
from astropy.io import fits
from task_data import IDCSCALE, expected, linear_part, read_wcs

MEDIAN_PSCALE = 0.04
SKY = np.float32(3.5)
STEP = "STEP 5: BLOT BACK THE MEDIAN IMAGE"
TOTALS = {"texptime": 1500.0, "texpstart": 1.0, "texpend": 2.0, "nimages": 3}


class Recorder:
    """An object of AstroDrizzle's: only what it is given can be read, and every read is noted."""

    def __init__(self, label, log, **attributes):
        self.__dict__.update(attributes, _label=label, _log=log)

    def __getattribute__(self, name):
        own = object.__getattribute__(self, "__dict__")
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        own["_log"].append(f"{own['_label']}.{name}")
        return own[name]


class Steps:
    def __init__(self):
        self.calls = []

    def addStep(self, *args, **kwargs):
        self.calls.append(("addStep", args, kwargs))

    def endStep(self, *args, **kwargs):
        self.calls.append(("endStep", args, kwargs))


class Run:
    """A median, exposures of it in the current folder, and stand-ins for AstroDrizzle's objects."""

    def __init__(self, names):
        self.names, self.log, self.saved = names, [], {}
        # Part of the mosaic: the chips' borders are not covered.
        whole, wcs = names.pixels(), names.source_wcs()
        self.part = np.s_[45:-60, 40:-70]
        self.median = whole[self.part].copy()
        self.median_wcs = linear_part(wcs)
        self.median_wcs.wcs.crpix = np.array(wcs.wcs.crpix) - [40, 45]
        self.median_wcs.array_shape = self.median.shape
        self.median_wcs.pscale = MEDIAN_PSCALE
        fits.PrimaryHDU(self.median).writeto("med.fits", overwrite=True)
        self.opened = []

    def chip(self, version, *, sky, conversion, exptime):
        path = self.names.reference.partition("[")[0]
        wcs = read_wcs(f"{path}[sci,{version}]")
        wcs.pscale, wcs.idcscale = 0.0402, IDCSCALE
        names = {
            "data": f"{path}[sci,{version}]",
            "blotImage": f"x_sci{version}_blt.fits",
            "outSci": None,
            "outWeight": None,
            "outContext": None,
        }
        facts = {"_exptime": exptime, "_conversionFactor": conversion, "computedSky": sky}
        return Recorder("chip", self.log, outputNames=names, wcs=wcs, **facts)

    def image(
        self, chips=1, *, sky=SKY, conversion=2.0, exptime=400.0, inmemory=False, totals=TOTALS
    ):
        every = [
            self.chip(k + 1, sky=sky, conversion=conversion, exptime=exptime) for k in range(chips)
        ]
        hdus = fits.HDUList([fits.PrimaryHDU(self.median.copy())])

        def median(name):
            assert name == "outMedian"
            self.opened.append(name)
            return hdus if inmemory else "med.fits"

        def all_chips(extname):
            assert extname == "SCI"
            return every

        return Recorder(
            "img", self.log, scienceExt="SCI", returnAllChips=all_chips, inmemory=inmemory,
            getOutputName=median, outputNames={"outMedian": "med.fits"}, outputValues=totals,
            saveVirtualOutputs=self.saved.update,
        )  # fmt: skip

    @property
    def output_wcs(self):
        return Recorder("output_wcs", self.log, single_wcs=self.median_wcs)

    def wanted(self, version=1, *, sky=3.5, conversion=2.0, exptime=400.0, target=None, **how):
        """The table of the issue: interp(median) * _exptime / (scale ratio)**2 / _conversionFactor
        + sky.
        """
        target = target or read_wcs(self.names.reference.replace("sci,1", f"sci,{version}"))
        factor = exptime / (MEDIAN_PSCALE / IDCSCALE) ** 2 / conversion
        return expected(self.median, self.median_wcs, target, factor=factor, sky=sky, **how)


def config(coeffs=True, **section):
    own = {
        "blot": True,
        "blot_interp": "poly5",
        "blot_sinscl": 1.0,
        "blot_addsky": True,
        "blot_skyval": 7.0,
    }
    return {
        "coeffs": coeffs,
        "stepsize": 10,
        "STEP 1: STATIC MASK": {"static": True},
        STEP: own | section,
    }


def blot_of(version=1):
    return fits.getdata(f"x_sci{version}_blt.fits", 0).astype(np.float32)
