"""skyblot: put a clean astronomical mosaic back onto the distorted exposures it came from."""

#: As `typing` has it: which itself takes as long to import as all that is needed before Ctrl-C is
#: listened to.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from .api.blot import blot_file as blot_file
    from .api.blot import blot_files as blot_files
    from .api.blot import plan_blots as plan_blots
    from .api.clean import CleanResult as CleanResult
    from .api.clean import clean_files as clean_files
    from .api.clean import plan_clean as plan_clean
    from .api.grid import common_grid as common_grid
    from .api.info import ImageInfo as ImageInfo
    from .api.info import info as info
    from .api.mosaic import drizzle_files as drizzle_files
    from .api.mosaic import median_files as median_files
    from .api.reject import plan_masks as plan_masks
    from .api.reject import reject_files as reject_files
    from .api.results import BatchError as BatchError
    from .api.results import run as run
    from .demo import make_demo as make_demo
    from .errors import DataError as DataError
    from .errors import FileError as FileError
    from .errors import ParameterError as ParameterError
    from .errors import SkyblotError as SkyblotError
    from .errors import SkyblotWarning as SkyblotWarning
    from .errors import WCSError as WCSError
    from .parameters.options import RunOptions as RunOptions
    from .parameters.table import Parameters as Parameters
    from .parameters.table import Recipe as Recipe
    from .rejection.compare import reject as reject
    from .rejection.criteria import Criteria as Criteria
    from .rejection.criteria import Noise as Noise
    from .rejection.result import Rejection as Rejection
    from .resampling.arrays import pixel_map as pixel_map
    from .resampling.containers import blot as blot
    from .resampling.drizzle import drizzle as drizzle
    from .runs.plan import Plan as Plan
    from .runs.work import Failure as Failure
    from .steps.blot import BlotResult as BlotResult
    from .steps.copies import Products as Products
    from .steps.mask_record import RejectResult as RejectResult

    __version__: str

#: Public names and the modules that hold them; loaded when first used, so that `import skyblot` is
#: quick.
_HOMES = {
    "blot": "resampling.containers",
    "pixel_map": "resampling.arrays",
    "drizzle": "resampling.drizzle",
    "blot_file": "api.blot",
    "blot_files": "api.blot",
    "plan_blots": "api.blot",
    "plan_masks": "api.reject",
    "run": "api.results",
    "Plan": "runs.plan",
    "Failure": "runs.work",
    "BatchError": "api.results",
    "BlotResult": "steps.blot",
    "common_grid": "api.grid",
    "clean_files": "api.clean",
    "plan_clean": "api.clean",
    "CleanResult": "api.clean",
    "median_files": "api.mosaic",
    "drizzle_files": "api.mosaic",
    "reject": "rejection.compare",
    "reject_files": "api.reject",
    "Criteria": "rejection.criteria",
    "Noise": "rejection.criteria",
    "Rejection": "rejection.result",
    "RejectResult": "steps.mask_record",
    "info": "api.info",
    "ImageInfo": "api.info",
    "make_demo": "demo",
    "Recipe": "parameters.table",
    "Parameters": "parameters.table",
    "RunOptions": "parameters.options",
    "Products": "steps.copies",
    "SkyblotError": "errors",
    "ParameterError": "errors",
    "DataError": "errors",
    "WCSError": "errors",
    "FileError": "errors",
    "SkyblotWarning": "errors",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    import importlib

    if name == "__version__":
        from importlib.metadata import version

        return version("skyblot")
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
