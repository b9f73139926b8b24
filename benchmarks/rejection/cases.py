"""Exposures of simulated sets with the blots of several mosaics, measured, and kept on disk.

All that does not depend on thresholds is done once: the sets, their mosaics, and what exposure and
blot differ by. Sets are like those of instruments in sampling, sky, read noise and cosmic rays.
"""

import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from clean import HRC, IR, CleanSet, Trial, mask_on
from counts import groups_of
from rules import laplacian, limit, plain
from sets import WELL, Frame, Plan, TruthSet

import skyblot
from skyblot.errors import SkyblotError
from skyblot.parameters.rules import NUMBERS, Circumstances, Numbers, variance_marker
from skyblot.rejection.compare import Measured, circumstances, joined, marked, measured
from skyblot.rejection.criteria import Criteria

#: What each set has in common with others of its kind.
KINDS = {
    "uvis": {"psf": WELL},
    "ir": {"psf": 0.4, "sky": 300.0, "read_noise": 12.0, "hits": 0.003},
    "hrc": {"psf": 1.05, "skew": 5.6, "sky": 25.0, "read_noise": 4.7},
    "nircam": {"psf": 0.5, "sky": 40.0, "read_noise": 10.0, "hits": 0.004},
    "nircam-long": {"psf": 0.75, "sky": 120.0, "read_noise": 10.0, "hits": 0.004},
    "roman": {"psf": 0.42, "sky": 120.0, "read_noise": 9.0, "hits": 0.003},
    "ground": {"psf": 1.8, "sky": 400.0, "read_noise": 5.0, "hits": 0.002},
}
#: The detector that `clean` reads the defaults of.
DETECTORS = {"ir": IR, "hrc": HRC, "nircam": IR, "roman": IR}
_ROWS: tuple[tuple[str, dict], ...] = (
    ("uvis", {}),
    ("uvis", {"exposures": 2}),
    ("uvis", {"exposures": 3}),
    ("uvis", {"exposures": 6}),
    ("uvis", {"exposures": 8}),
    ("uvis", {"stars": 2500}),
    ("uvis", {"stars": 60, "galaxies": 90}),
    ("uvis", {"misaligned": 0.1}),
    ("uvis", {"misaligned": 0.3}),
    ("uvis", {"offset": 20.0}),
    ("uvis", {"sky": 6.0}),
    ("ir", {}),
    ("ir", {"exposures": 2}),
    ("ir", {"exposures": 3}),
    ("ir", {"exposures": 8}),
    ("ir", {"stars": 2500}),
    ("ir", {"stars": 60, "galaxies": 90}),
    ("ir", {"misaligned": 0.1}),
    ("ir", {"misaligned": 0.3}),
    ("ir", {"offset": 60.0}),
    ("hrc", {}),
    ("hrc", {"exposures": 6, "stars": 1500}),
    ("nircam", {}),
    ("nircam", {"exposures": 8, "misaligned": 0.2}),
    ("nircam-long", {"exposures": 5}),
    ("roman", {}),
    ("roman", {"exposures": 16, "galaxies": 60}),
    ("roman", {"exposures": 5, "misaligned": 0.1}),
    ("ground", {"exposures": 5}),
    ("ground", {"exposures": 3, "stars": 1200, "psf": 2.2}),
    ("ground", {"exposures": 10, "misaligned": 0.2}),
)
#: A mean, a median and a minmed of drizzled exposures, and what `skyblot clean` compares with.
STACKS = ("minmed", "median", "mean", "clean")
#: A blot so far above the truth, in sigma, has a hit of another exposure in it.
_HIGH = 1.5
#: The other competitors' numbers.
PEERS = {"drizCR": (3.5, 3.0), "stcal": (5.0, 4.0)}


def _name(kind: str, more: dict) -> str:
    words = {
        "stars": "crowded",
        "galaxies": "galaxies",
        "misaligned": f"{more.get('misaligned', 0):g} pixel off",
        "offset": "sky off",
        "sky": "dark",
    }
    what = "galaxies" if "galaxies" in more else ""
    what = what or next((text for key, text in words.items() if key in more), "")
    return " ".join(part for part in (kind, what, f"of {more.get('exposures', 4)}") if part)


SEARCHED = tuple(Plan(_name(kind, more), **{**KINDS[kind], **more}) for kind, more in _ROWS)


@dataclass(frozen=True)
class Case:
    """An exposure with the blot of one mosaic.

    Attributes
    ----------
    name, stack : str
        The set and the mosaic.
    exposures : int
    known : Measured
    groups : list of ndarray
        The pixels of each column of `counts.COLUMNS`.
    others : dict
        How many of them others reject: the limit, drizCR, stcal, astroscrappy; and `clean` itself.
    clear : ndarray
        The pixels with more than 5 sigma of a hit that the limit finds, as numbers along rows.
    above : ndarray
        How far the blot is above the truth there, in sigma of the exposure.
    """

    name: str
    stack: str
    exposures: int
    known: Measured
    groups: list[np.ndarray]
    others: dict[str, np.ndarray]
    clear: np.ndarray
    above: np.ndarray

    @property
    def there(self) -> np.ndarray:
        """How many pixels each group has."""
        return np.array([len(group) for group in self.groups])

    def circumstances(self, snr: tuple[float, float] | None = None) -> Circumstances:
        """What the rule may use, by the defaults but for `snr`."""
        return circumstances(Criteria(exposures=self.exposures, snr=snr), self.known)

    def mask(self, about: Circumstances, numbers: Numbers = NUMBERS) -> np.ndarray:
        """What the rule skyblot rejects."""
        levels, _ = marked(self.known.images, variance_marker(about, numbers), 1)
        return joined(levels, 1)

    def rejected(self, about: Circumstances, numbers: Numbers = NUMBERS) -> np.ndarray:
        """How many pixels of each group the rule skyblot rejects."""
        return counted(self.mask(about, numbers), self.groups)

    def missed(self) -> tuple[int, int, int]:
        """How many clear pixels it misses: all, where the blot is high, and by the blot's error.

        The first have a hit of another exposure in the mosaic; the second would be found if blots
        had no error at sources.
        """
        about = self.circumstances()
        lost = ~self.mask(about).ravel()[self.clear]
        high = self.above > _HIGH
        smooth = self.mask(replace(about, scale=(0.0, 0.0))).ravel()[self.clear]
        return tuple(np.count_nonzero(lost & which) for which in (True, high, ~high & smooth))


def counted(mask: np.ndarray, groups: Sequence[np.ndarray]) -> np.ndarray:
    """How many pixels of each group are bad."""
    flat = mask.ravel()
    return np.array([np.count_nonzero(flat[group]) for group in groups])


def _case(frame: Frame, plan: Plan, stack: str, mask: np.ndarray | None = None) -> Case:
    """A frame, measured."""
    how = {"valid": frame.valid, "gain": 1.0, "threads": 1}
    criteria = Criteria(exposures=plan.exposures)
    known = measured(frame.data, frame.blot, frame.sigma, criteria, **how)
    groups = groups_of(replace(frame, valid=known.images.valid))
    others = {"limit": limit(frame, plan.exposures)(1.0)}
    if mask is not None:
        others["clean"] = mask
    else:
        noise = skyblot.Noise(1.0, plan.read_noise, plan.sky)
        others |= {
            "drizCR": plain(frame, noise, PEERS["drizCR"])(1.0),
            "stcal": plain(frame, frame.sigma, PEERS["stcal"])(1.0),
            "astroscrappy": laplacian(frame, plan.sky, plan.read_noise)(1.0),
        }
    counts = {name: counted(bad, groups) for name, bad in others.items()}
    found = others["limit"].ravel()
    above5 = groups[1]
    clear = above5[found[above5]]
    left = known.left
    expected = left.ratio * known.images.blot + left.background
    above = ((expected - frame.truth) / frame.noise).ravel()[clear]
    return Case(plan.name, stack, plan.exposures, known, groups, counts, clear, above)


def _cleaned(plan: Plan, most: int) -> list[Case]:
    """Exposures as `skyblot clean` compares them, and the masks it makes."""
    detector = DETECTORS.get(plan.name.split()[0], ("WFC3", "UVIS"))
    trial = Trial(**asdict(plan), detector=detector)
    cases = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        session = CleanSet(trial).write(folder)
        out = folder / "cleaned"
        out.mkdir()
        skyblot.clean_files(session.paths, out, mosaic=False, save_blots=True)
        for exposed in session.exposures[:most]:
            root = exposed.path.name.rsplit("_", 1)[0]
            (path,) = out.glob(f"{root}*blt.fits")
            blot = fits.getdata(path).astype("f4")
            (frame,) = exposed.frames
            valid = frame.valid & np.isfinite(blot)
            frame = replace(frame, blot=np.nan_to_num(blot), valid=valid)
            cases.append(_case(frame, plan, "clean", mask_on(out, exposed.path, 0)))
    return cases


def cases_of(plan: Plan, most: int) -> list[Case]:
    """Measure up to `most` exposures of a set with every mosaic that makes sense of them."""
    truth = TruthSet(plan)
    cases: list[Case] = []
    for stack in STACKS:
        # from 6 on a minmed is a median, and of two a mean with their hits in it
        if stack == "median" and plan.exposures in (2, *range(6, 99)):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", skyblot.SkyblotWarning)
                if stack == "clean":
                    cases += _cleaned(plan, most)
                else:
                    cases += [_case(frame, plan, stack) for frame in truth.blotted(stack)[:most]]
        except SkyblotError as error:
            print(f"{plan.name}, {stack}: {error}", flush=True)
    return cases


def load(
    folder: Path, seed: int, most: int, wanted: Callable[[Plan], bool] = lambda plan: True
) -> Iterator[Case]:
    """Yield the cases of all sets, made where they are not in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, plan in enumerate(SEARCHED):
        if not wanted(plan):
            continue
        path = folder / f"{seed}_{most}_{number:02d}.pickle"
        if not path.exists():
            cases = cases_of(replace(plan, seed=seed + number), most)
            path.write_bytes(pickle.dumps(cases, protocol=5))
            print(f"made {plan.name}: {len(cases)} comparisons", flush=True)
        yield from pickle.loads(path.read_bytes())
