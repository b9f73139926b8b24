"""skyblot and its peers: how each makes a blot, a pixel map alone, and a blot from a given map.

Every method prepares outside the clock and returns the call to be timed. Blots are float32 (ny,
nx), not scaled; maps are two float64 arrays x, y (ny, nx), 0-based.
"""

import importlib.util
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any, ClassVar

import numpy as np
from work import Work

Map = tuple[np.ndarray, np.ndarray]
Blot = Callable[[], np.ndarray]


class Competitor:
    """What all have in common; `interpolants` maps skyblot's names to theirs."""

    name = ""
    needs: tuple[str, ...] = ()
    interpolants: ClassVar[dict[str, str]] = {}

    def missing(self) -> str:
        """Why it cannot run here; empty if it can."""
        return "; ".join(filter(None, map(cannot_import, self.needs)))

    def blot(self, work: Work, interp: str) -> Blot:
        """A blot, pixel map included."""
        raise NotImplementedError

    def pixel_map(self, work: Work) -> Callable[[], Any]:
        """The pixel map alone, in the competitor's own form."""
        raise NotImplementedError

    def as_map(self, result: Any, work: Work) -> Map:
        """Turn what `pixel_map` gave into x, y."""
        x, y = (np.asarray(each, dtype=float).reshape(work.shape) for each in result)
        return x, y

    def resample(self, work: Work, interp: str, pixel_map: Map) -> Blot:
        """A blot from a given map, where there is a way to hand one over; else the whole."""
        return self.blot(work, interp)


@cache
def cannot_import(package: str) -> str:
    """Return why a package cannot be imported; empty if it can."""
    try:
        if importlib.util.find_spec(package.split(".")[0]) is None:
            return f"{package.split('.')[0]} is not installed"
        importlib.import_module(package)
    except Exception as error:
        return f"{package} cannot be imported: {' '.join(str(error).split())}"
    return ""


class Skyblot(Competitor):
    """skyblot, on all cores: exact, or to its default tolerance where there is no closed form."""

    name = "skyblot"
    interpolants: ClassVar = {
        name: name
        for name in ("nearest", "linear", "poly3", "poly5", "spline3", "lanczos3", "lanczos5",
        "sinc")
    }  # fmt: skip

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads

    def blot(self, work: Work, interp: str) -> Blot:
        import skyblot

        given = work.source, work.source_wcs, work.target_wcs
        return lambda: skyblot.blot(*given, interp=interp, threads=self.threads)

    def pixel_map(self, work: Work) -> Callable[[], Any]:
        import skyblot

        return lambda: skyblot.pixel_map(work.target_wcs, work.source_wcs, threads=self.threads)

    def resample(self, work: Work, interp: str, pixel_map: Map) -> Blot:
        """The bands and kernels that `blot` uses, but with a map from memory: there is no public
        call for this.
        """
        from skyblot.bands import available_cores, for_each_band
        from skyblot.kernels.interpolants import interpolant
        from skyblot.resampling.window import whole_source

        (x, y), window = pixel_map, whole_source(work.source, interpolant(interp))
        threads = self.threads or available_cores()

        def call() -> np.ndarray:
            out = np.empty(work.shape, np.float32)
            for_each_band(
                work.shape,
                lambda row0, row1: window.resample(
                    x[row0:row1], y[row0:row1], out[row0:row1], 1.0, 0.0, 0.0
                ),
                threads,
            )
            return out

        return call


class DoBlot(Competitor):
    """``drizzlepac.ablot.do_blot``; its lanczos names are in no documentation, but its C code knows
    them.
    """

    needs = ("drizzlepac.ablot",)
    interpolants: ClassVar = {
        "nearest": "nearest", "linear": "linear", "poly3": "poly3", "poly5": "poly5",
        "lanczos3": "lan3", "lanczos5": "lan5", "sinc": "sinc",
    }  # fmt: skip

    def _call(self, work: Work, interp: str, **options: Any) -> Blot:
        from drizzlepac import ablot

        source_wcs, target_wcs = hst_like(work)
        name = self.interpolants[interp]
        return lambda: ablot.do_blot(
            work.source, source_wcs, target_wcs, 1.0, interp=name, **options
        )


class DoBlotStep(DoBlot):
    """The map exact every 10 pixels and bilinear between, as AstroDrizzle runs it."""

    name = "drizzlepac do_blot, stepsize=10"

    def blot(self, work: Work, interp: str) -> Blot:
        return self._call(work, interp, stepsize=10, wcsmap=None)

    def pixel_map(self, work: Work) -> Callable[[], Any]:
        """What its C code computes, row by row; it counts from 1."""
        from drizzlepac import cdriz

        ny, nx = work.shape
        mapping = cdriz.DefaultWCSMapping(work.target_wcs, work.source_wcs, nx, ny, 10)
        x, ones = np.arange(1.0, nx + 1), np.ones(nx)
        return lambda: np.stack(
            [np.array(mapping(x, (row + 1) * ones)) - 1 for row in range(ny)], axis=1
        )


class DoBlotExact(DoBlot):
    """The map exact at every pixel, by astropy, as the stand-alone ablot task runs it."""

    name = "drizzlepac do_blot, wcsmap=WCSMap"

    def blot(self, work: Work, interp: str) -> Blot:
        from drizzlepac.wcs_functions import WCSMap

        return self._call(work, interp, wcsmap=WCSMap)

    def pixel_map(self, work: Work) -> Callable[[], Any]:
        from drizzlepac.wcs_functions import WCSMap

        y, x = np.indices(work.shape, dtype=float)
        mapping = WCSMap(*hst_like(work)[::-1], origin=0)
        return lambda: mapping.forward(x.ravel(), y.ravel())

    def resample(self, work: Work, interp: str, pixel_map: Map) -> Blot:
        """By a mapping that looks its rows up; `do_blot` asks for one row at a time, counting from
        1.
        """
        x, y = (np.ascontiguousarray(each + 1.0) for each in pixel_map)

        class Rows:
            def __init__(self, *_: Any) -> None: ...

            def forward(self, _: np.ndarray, rows: np.ndarray) -> Map:
                row = int(rows[0]) - 1
                return x[row], y[row]

        return self._call(work, interp, wcsmap=Rows)


class Drizzle(Competitor):
    """``drizzle`` 3: exact map, then ``blot_image``."""

    name = "drizzle calc_pixmap + blot_image"
    needs = ("drizzle",)
    interpolants: ClassVar = {
        name: name for name in ("nearest", "linear", "poly3", "poly5", "lanczos3", "lanczos5")
    }

    def blot(self, work: Work, interp: str) -> Blot:
        from drizzle.resample import blot_image

        pixel_map = self.pixel_map(work)
        return lambda: blot_image(work.source, pixel_map(), interp=interp)

    def pixel_map(self, work: Work) -> Callable[[], Any]:
        from drizzle.utils import calc_pixmap

        return lambda: calc_pixmap(work.target_wcs, work.source_wcs, shape=work.shape)

    def as_map(self, result: Any, work: Work) -> Map:
        return result[..., 0], result[..., 1]

    def resample(self, work: Work, interp: str, pixel_map: Map) -> Blot:
        from drizzle.resample import blot_image

        both = np.dstack(pixel_map)
        return lambda: blot_image(work.source, both, interp=interp)


class Stcal(Drizzle):
    """What jwst and romancal run: stcal's map every so many pixels with splines between, then
    ``blot_image``.
    """

    needs = ("drizzle", "stcal.outlier_detection.utils")

    def __init__(self, stepsize: int = 10, order: int = 1) -> None:
        self.stepsize, self.order = stepsize, order
        self.name = f"stcal gwcs_blot-like, stepsize={stepsize}"

    def pixel_map(self, work: Work) -> Callable[[], Any]:
        from stcal.resample.utils import calc_pixmap

        given = work.target_wcs, work.source_wcs, work.shape
        return lambda: calc_pixmap(*given, stepsize=self.stepsize, order=self.order)


class GwcsBlot(Stcal):
    """``gwcs_blot`` itself: linear interpolation only."""

    interpolants: ClassVar = {"linear": "linear"}

    def __init__(self, stepsize: int, order: int = 1) -> None:
        super().__init__(stepsize, order)
        self.name = (
            "stcal gwcs_blot, exact"
            if stepsize == 1
            else f"stcal gwcs_blot, stepsize={stepsize}, order={order}"
        )

    def blot(self, work: Work, interp: str) -> Blot:
        from stcal.outlier_detection.utils import gwcs_blot

        given = work.source, work.source_wcs, work.shape, work.target_wcs
        return lambda: gwcs_blot(*given, pixmap_stepsize=self.stepsize, pixmap_order=self.order)


class Reproject(Competitor):
    """``reproject_interp`` at its fastest: no round trip of the coordinates, serial (its dask
    blocks are slower).
    """

    name = "reproject_interp"
    needs = ("reproject",)
    interpolants: ClassVar = {
        "nearest": "nearest-neighbor",
        "linear": "bilinear",
        "spline3": "bicubic",
    }

    def blot(self, work: Work, interp: str) -> Blot:
        from reproject import reproject_interp

        options = {"shape_out": work.shape, "order": self.interpolants[interp]}
        return lambda: reproject_interp(
            (work.source, work.source_wcs),
            work.target_wcs,
            roundtrip_coords=False,
            return_footprint=False,
            **options,
        )

    def pixel_map(self, work: Work) -> Callable[[], Any]:
        """By the same functions; its own are internal."""
        from astropy.wcs.utils import pixel_to_pixel

        y, x = np.indices(work.shape, dtype=float)
        return lambda: pixel_to_pixel(work.target_wcs, work.source_wcs, x, y)


def hst_like(work: Work) -> tuple[Any, Any]:
    """Copies of both WCS with what `do_blot` wants of an HSTWCS, made so that its ratio of pixel
    areas is 1.
    """
    source_wcs, target_wcs = deepcopy(work.source_wcs), deepcopy(work.target_wcs)
    source_wcs.pscale = target_wcs.pscale = target_wcs.idcscale = 1.0
    if not target_wcs.wcs.has_cd():
        target_wcs.wcs.cd = target_wcs.pixel_scale_matrix
    return source_wcs, target_wcs


SKYBLOT = Skyblot()
COMPETITORS: tuple[Competitor, ...] = (
    SKYBLOT, DoBlotStep(), DoBlotExact(), Drizzle(), Stcal(), Reproject(),
)  # fmt: skip
