"""The rows of gwcs and TPV: pixel maps and blots, and who takes part."""

from collections.abc import Callable, Iterator

import transforms
from competitors import SKYBLOT, Competitor, Drizzle, GwcsBlot, Reproject
from groups import Bench, blots, map_row, poly5
from measure import Row
from work import Work

EXACT, ORDER1, ORDER3 = GwcsBlot(1), GwcsBlot(10, 1), GwcsBlot(10, 3)

#: Who makes a map of every pixel, and by what.
GWCS_MAPS: dict[str, Competitor] = {
    "skyblot.pixel_map": SKYBLOT,
    "stcal calc_pixmap, exact": EXACT,
    "stcal calc_pixmap, stepsize=10, order=1": ORDER1,
    "stcal calc_pixmap, stepsize=10, order=3": ORDER3,
}
TPV_MAPS: dict[str, Competitor] = {
    "skyblot.pixel_map": SKYBLOT,
    "drizzle calc_pixmap": Drizzle(),
    "astropy pixel_to_pixel, as in reproject": Reproject(),
}

#: Works whose maps are compared with the exact transformation, and who makes them.
COMPARED: tuple[tuple[Callable[[bool], Work], dict[str, Competitor]], ...] = (
    (transforms.gwcs_detector, GWCS_MAPS),
    (transforms.gwcs_large, GWCS_MAPS),
    (transforms.tpv, TPV_MAPS),
)


def gwcs(bench: Bench) -> Iterator[Row]:
    """Maps and blots of a detector of 4 megapixels."""
    job = transforms.gwcs_detector(bench.quick)
    yield map_row(job, GWCS_MAPS)
    yield blots(job, "linear", (SKYBLOT, EXACT, ORDER1, ORDER3))


def gwcs_large(bench: Bench) -> Iterator[Row]:
    """Maps and blots of 16 megapixels; the exact map of stcal takes so long that one row with it is
    enough.
    """
    job = transforms.gwcs_large(bench.quick)
    yield map_row(job, GWCS_MAPS)
    yield blots(job, "linear", (SKYBLOT, ORDER1, ORDER3))


def tpv(bench: Bench) -> Iterator[Row]:
    """Maps and blots of 16 megapixels."""
    job = transforms.tpv(bench.quick)
    yield map_row(job, TPV_MAPS)
    yield poly5(job, (SKYBLOT, Drizzle()))
    yield blots(job, "linear", (SKYBLOT, Drizzle(), Reproject()))
