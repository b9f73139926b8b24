"""Facts for a plan of scaling."""

from skyblot import Parameters
from skyblot.headers.facts import Facts
from skyblot.headers.pair import Pair
from skyblot.headers.scaling import plan_scaling


def facts(name="ref.fits[sci,1]", primary=None, **extension):
    return Facts(name, extension, primary or {})


def source_facts(primary=None, **extension):
    return facts("med.fits[sci,1]", primary, **extension)


def plan(source, reference, ratio=1.0, compared=False, **values):
    """The scaling for a target of 1 arcsec pixels and a source of `ratio` times that."""
    pair = Pair(source, reference, (ratio, 1.0), compared)
    return plan_scaling(Parameters.from_values({"addsky": False, **values}), pair)
