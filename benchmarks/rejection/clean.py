"""The truth test of `skyblot.clean_files`: from exposures alone, beside `reject` with a mosaic.

``python benchmarks/rejection/clean.py`` prints, for each set, what part of the pixels of cosmic
rays is found, and what part of clean ones is called bad. ``perfect`` is `skyblot.reject_files` with
the true sky on the mosaic's pixels and the noise of a median, ``drizzled`` with the median of
drizzled exposures. Three numbers more, where there are such: what part of variable stars, of moving
objects and of the core of a saturated star is called bad. Pixels of the set "skewed" are no squares
on the sky, so that its perfect mosaic has other galaxies.
"""

import argparse
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from counts import groups_of
from rays import RealRays
from sets import (
    FAINT,
    FULL_WELL,
    SIZE,
    UNDER,
    Frame,
    Plan,
    TruthSet,
    add_star,
    combine,
)
from sets import Sky as TrueSky

import skyblot
from skyblot.demo.sky import cosmic_rays

COLUMNS = ("found3", "found5", "found10", "hits", "sky", "cores", "galaxies", "all clean")
SHOWN = ("found3", "found5", "found10", "hits", "sky", "cores", "galaxies")
#: Rows of a chip; between two chips of an exposure there is a gap.
HALF = SIZE // 2 - 4
WHOLE = ((0, SIZE),)
CHIPS = ((0, HALF), (SIZE - HALF, SIZE))
LIMIT = 30


@dataclass(frozen=True)
class Trial(Plan):
    """A set from exposures alone.

    Attributes
    ----------
    times : tuple of float
        Exposure times in units of the others', in turn.
    slope : float
        What the sky of every other exposure rises by along x, electrons.
    seeing : tuple of float
        What the width of stars is multiplied by, in turn.
    things : tuple of str
        ``trail``, ``column``, ``variable``, ``mover``, ``bleeding``, ``gap``.
    detector : tuple of str
        Instrument and detector.
    rays : RealRays, optional
        Cosmic rays of a real exposure in the place of simulated ones.
    """

    times: tuple[float, ...] = (1.0,)
    slope: float = 0.0
    seeing: tuple[float, ...] = (1.0,)
    things: tuple[str, ...] = ()
    detector: tuple[str, str] = ("WFC3", "UVIS")
    rays: RealRays | None = None


HRC = ("ACS", "HRC")
IR = ("WFC3", "IR")
TRIALS = (
    Trial("well"),
    Trial("under", UNDER, detector=IR),
    Trial("skewed", skew=5.6, detector=HRC),
    Trial("well crowded", stars=2500),
    Trial("under crowded", UNDER, stars=2500, detector=IR),
    Trial("well galaxies", stars=60, galaxies=90),
    Trial("well 2 exposures", exposures=2),
    Trial("under 2 exposures", UNDER, exposures=2, detector=IR),
    Trial("well 3 exposures", exposures=3),
    Trial("under 3 exposures", UNDER, exposures=3, detector=IR),
    Trial("well 8 exposures", exposures=8),
    Trial("under 8 exposures", UNDER, exposures=8, detector=IR),
    Trial("well 20 exposures", exposures=20),
    Trial("under 20 exposures", UNDER, exposures=20, detector=IR),
    Trial("well wide dithers", dither=120.0),
    Trial("well 3 wide dithers", exposures=3, dither=120.0),
    Trial("well 0.05 pixel off", misaligned=0.05),
    Trial("well 0.1 pixel off", misaligned=0.1),
    Trial("under 0.1 pixel off", UNDER, misaligned=0.1, detector=IR),
    Trial("well 0.3 pixel off", misaligned=0.3),
    Trial("times 1 and 10", times=(1.0, 10.0)),
    Trial("sky off", offset=20.0),
    Trial("sky slopes", slope=12.0),
    Trial("seeing 1 and 1.25", seeing=(1.0, 1.25)),
    Trial("things", things=("trail", "column", "variable", "mover", "bleeding", "gap")),
    Trial("things of 8", exposures=8, things=("trail", "column", "variable", "mover", "bleeding")),
)


@dataclass(frozen=True)
class Exposed:
    """An exposure on disk and its truth: one frame for each chip."""

    path: Path
    frames: tuple[Frame, ...]


@dataclass
class Session:
    """A set on disk.

    Attributes
    ----------
    folder : Path
    exposures : list of Exposed
    mosaics : dict
        Files of mosaics by the name of a method.
    skies : list of float
        True level of each chip, in electrons, and its noise.
    """

    folder: Path
    exposures: list[Exposed]
    mosaics: dict[str, Path] = field(default_factory=dict)
    skies: list[tuple[float, float]] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        return [each.path for each in self.exposures]


class CleanSet(TruthSet):
    """A trial's exposures."""

    plan: Trial

    def made(self, number: int, sky: TrueSky) -> Frame:
        """One exposure, in electrons."""
        plan = self.plan
        rng = np.random.default_rng([plan.seed, 3, number])
        time = plan.times[number % len(plan.times)]
        seen, kind = sky.seen(self.wcs[number], self.shifts[number])
        x = np.linspace(-0.5, 0.5, SIZE)
        ramp = plan.slope * (number % 2) * x
        level = plan.sky + plan.offset * (number % 2)
        clean = time * (seen + level + ramp)
        charge = sum_of_hits(rng, clean.shape, time, plan)
        for thing in plan.things:
            if thing in THINGS:
                THINGS[thing](self, sky, number, clean, charge, kind)
        noise = np.sqrt(clean + plan.read_noise**2)
        data = rng.poisson(clean) + plan.read_noise * rng.standard_normal(clean.shape) + charge
        full = FULL_WELL * max(time, 1.0)
        if "bleeding" in plan.things:
            data = np.minimum(data, full)
        sigma = np.sqrt(np.maximum(data, 0) + plan.read_noise**2)
        valid = clean < full
        truth = clean.astype("f4")
        return Frame(data.astype("f4"), data, sigma.astype("f4"), charge, noise, kind, valid, truth)

    def write(self, folder: Path) -> Session:
        """Write exposures and mosaics."""
        plan = self.plan
        frames = []
        for number in range(plan.exposures):
            wide = plan.seeing[number % len(plan.seeing)]
            sky = TrueSky(replace(plan, psf=plan.psf * wide), self.mosaic_wcs)
            frames.append(self.made(number, sky))
        parts = CHIPS if "gap" in plan.things else WHOLE
        session = Session(folder, [])
        for number, frame in enumerate(frames):
            path = folder / f"i{number:02d}_flt.fits"
            time = plan.times[number % len(plan.times)]
            self._hdus(frame, number, parts, time).writeto(path)
            cut = tuple(_rows(frame, *part) for part in parts)
            session.exposures.append(Exposed(path, cut))
            level = time * (plan.sky + plan.offset * (number % 2))
            session.skies += [(level, float(np.sqrt(level + plan.read_noise**2)))] * len(parts)
        rates = [
            (
                each.data / plan.times[k % len(plan.times)]
                - np.median(each.data) / plan.times[k % len(plan.times)]
            )
            for k, each in enumerate(frames)
        ]
        nx, ny = self.mosaic_wcs.pixel_shape
        true, _ = TrueSky(plan, self.mosaic_wcs).seen(self.mosaic_wcs, np.zeros(2), (ny, nx))
        part = np.sqrt(0.5) if plan.exposures == 2 else np.sqrt(np.pi / 2 / plan.exposures)
        rng = np.random.default_rng([plan.seed, 4])
        noise = part * np.sqrt(true + plan.sky + plan.read_noise**2)
        perfect = true + noise * rng.standard_normal(true.shape)
        session.mosaics["perfect"] = self._mosaic_file(folder / "perfect_med.fits", perfect)
        layers = [self.drizzled(rate, wcs) for rate, wcs in zip(rates, self.wcs, strict=True)]
        session.mosaics["drizzled"] = self._mosaic_file(
            folder / "drizzled_med.fits", combine(np.stack(layers), plan)
        )
        return session

    def _hdus(
        self, frame: Frame, number: int, parts: Sequence[tuple[int, int]], time: float
    ) -> fits.HDUList:
        instrument, detector = self.plan.detector
        cards = {"TELESCOP": "HST", "INSTRUME": instrument, "DETECTOR": detector}
        cards |= {"EXPTIME": 100.0 * time, "ROOTNAME": f"i{number:02d}", "CCDGAIN": 1.0}
        hdus = fits.HDUList([fits.PrimaryHDU(header=fits.Header(cards))])
        for version, (low, high) in enumerate(parts, 1):
            header = self.wcs[number].to_header(relax=True)
            header["CRPIX2"] -= low
            header["BUNIT"] = "ELECTRONS"
            flags = np.where(frame.valid, 0, 256).astype("i2")
            for name, plane in (("SCI", frame.data), ("ERR", frame.sigma), ("DQ", flags)):
                head = header if name == "SCI" else fits.Header()
                hdus.append(fits.ImageHDU(plane[low:high], head, name=name, ver=version))
        return hdus

    def _mosaic_file(self, path: Path, rate: np.ndarray) -> Path:
        instrument, detector = self.plan.detector
        header = self.mosaic_wcs.to_header(relax=True)
        header["BUNIT"] = "ELECTRONS/S"
        cards = {"TELESCOP": "HST", "INSTRUME": instrument, "DETECTOR": detector}
        header.update({**cards, "EXPTIME": 100.0, "NCOMBINE": self.plan.exposures})
        fits.PrimaryHDU((rate / 100.0).astype("f4"), header).writeto(path)
        return path


def sum_of_hits(
    rng: np.random.Generator, shape: tuple[int, int], time: float, plan: Trial
) -> np.ndarray:
    """What cosmic rays add."""
    part = plan.hits * min(time, 3.0)
    if plan.rays is not None:
        return plan.rays.add_to(rng, shape, 2 * part)
    return cosmic_rays(rng, shape, part) + FAINT * cosmic_rays(rng, shape, part)


def _rows(frame: Frame, low: int, high: int) -> Frame:
    return Frame(**{name: plane[low:high] for name, plane in vars(frame).items()})


# ---- what else there is --------------------------------------------------------------------------


def _trail(truth, sky, number, clean, charge, kind) -> None:
    """A satellite crosses the third exposure."""
    if number == 2:
        j, i = np.indices(clean.shape)
        away = (0.6 * i - j + 90.0) / np.hypot(0.6, 1.0)
        charge += 400.0 * np.exp(-(away**2) / (2 * 1.5**2)) * (np.abs(away) < 5)


def _column(truth, sky, number, clean, charge, kind) -> None:
    """A hot column that no flag tells of, in all exposures."""
    charge[40:330, 200] += 300.0


def _put(truth, sky, number, clean, kind, place, flux, code) -> None:
    x, y = truth.wcs[number].all_world2pix(
        *truth.mosaic_wcs.all_pix2world(*place, 0), 0, tolerance=1e-6, quiet=True
    )
    marks = np.zeros_like(kind)
    add_star(clean, marks, x, y, flux, sky.plan.psf)
    kind[marks > 0] = code


def _variable(truth, sky, number, clean, charge, kind) -> None:
    """Stars of another flux in each exposure."""
    for k in range(12):
        flux = 8000.0 * (1.0 + 0.5 * np.sin(2.4 * number + k))
        place = 60.0 + 24.0 * k, 150.0 + 11.0 * k
        _put(truth, sky, number, clean, kind, place, flux, 3)


def _mover(truth, sky, number, clean, charge, kind) -> None:
    """Moving objects, each at another place in every exposure."""
    for k in range(6):
        place = 80.0 + 40.0 * k + 9.0 * number, 340.0 - 3.0 * k
        _put(truth, sky, number, clean, kind, place, 8000.0, 4)


def _bleeding(truth, sky, number, clean, charge, kind) -> None:
    """A saturated star: its charge runs along a column."""
    place = 300.0, 260.0
    _put(truth, sky, number, clean, kind, place, 3e6, 5)
    x, y = truth.wcs[number].all_world2pix(
        *truth.mosaic_wcs.all_pix2world(*place, 0), 0, tolerance=1e-6, quiet=True
    )
    y = int(y)
    clean[max(y - 60, 0) : y + 60, int(x) : int(x) + 2] += FULL_WELL


THINGS: dict[str, Callable[..., None]] = {
    "trail": _trail,
    "column": _column,
    "variable": _variable,
    "mover": _mover,
    "bleeding": _bleeding,
}


# ---- methods -------------------------------------------------------------------------------------


def masks_of(session: Session, method: str) -> dict[tuple[str, int], np.ndarray]:
    """The masks of a method, by the exposure's name and the number of the chip."""
    folder = session.folder / method
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", skyblot.SkyblotWarning)
        if method.startswith("clean"):
            skyblot.clean_files(session.paths, folder, mosaic=False, passes=int(method[-1]))
        else:
            skyblot.reject_files(session.mosaics[method], session.paths, folder)
    return {
        (each.path.name, chip): mask_on(folder, each.path, chip)
        for each in session.exposures
        for chip in range(len(each.frames))
    }


def mask_on(folder: Path, exposure: Path, chip: int) -> np.ndarray:
    """The mask of one chip; True: bad."""
    root = exposure.name.rsplit("_", 1)[0]
    found = sorted(folder.glob(f"{root}*crmask.fits"))
    return fits.getdata(found[min(chip, len(found) - 1)]) == 0


def counted(session: Session, masks: dict[tuple[str, int], np.ndarray]) -> tuple[np.ndarray, ...]:
    """How many pixels of each column are bad, and how many there are."""
    bad = np.zeros(len(COLUMNS) + 3)
    there = np.zeros(len(COLUMNS) + 3)
    for each in session.exposures:
        for chip, frame in enumerate(each.frames):
            mask = masks[each.path.name, chip].ravel()
            groups = groups_of(frame)
            looked = frame.valid & (frame.charge < 0.1 * frame.noise)
            groups += [np.flatnonzero(looked & (frame.kind == kind)) for kind in (3, 4, 5)]
            there += [len(group) for group in groups]
            bad += [np.count_nonzero(mask[group]) for group in groups]
    return bad, there


def main() -> None:
    """Measure and print."""
    options = parse()
    rays = RealRays(options.rays) if options.rays else None
    print(f"{'set':{LIMIT}} {'method':9}" + "".join(f"{name:>10}" for name in SHOWN))
    for trial in TRIALS:
        if options.sets and trial.name not in options.sets:
            continue
        totals: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for seed in range(options.seed, options.seed + options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                session = CleanSet(replace(trial, seed=seed, rays=rays)).write(Path(folder))
                for method in options.methods:
                    found = counted(session, masks_of(session, method))
                    old = totals.get(method, (0.0, 0.0))
                    totals[method] = (old[0] + found[0], old[1] + found[1])
        for method, (bad, there) in totals.items():
            show(trial.name, method, bad / np.maximum(there, 1))


def show(name: str, method: str, parts: np.ndarray) -> None:
    """Print a row."""
    values = dict(zip(COLUMNS, parts, strict=False))
    cells = [f"{values[key]:10.4f}" if key[0] in "fh" else f"{values[key]:10.1e}" for key in SHOWN]
    more = "".join(f"  {v:.3f}" for v in parts[len(COLUMNS) :]) if parts[-3:].any() else ""
    print(f"{name:{LIMIT}} {method:9}" + "".join(cells) + more, flush=True)


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [trial.name for trial in TRIALS]
    parser.add_argument("--sets", nargs="+", metavar="NAME", choices=names, help="only these")
    parser.add_argument("--seed", type=int, default=500, help="the first [500]")
    parser.add_argument("--seeds", type=int, default=1, help="how many of each set [1]")
    parser.add_argument(
        "--rays", type=Path, metavar="FILE", help="a real exposure, whose cosmic rays are taken"
    )
    parser.add_argument("--methods", nargs="+", default=["clean2", "clean1", "perfect", "drizzled"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
