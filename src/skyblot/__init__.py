"""skyblot: put a clean astronomical mosaic back onto the distorted exposures it came from."""

#: As `typing` has it: which itself takes as long to import as all that is needed before Ctrl-C is listened to.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from .batch import Plan as Plan
    from .blotting import pixel_map as pixel_map
    from .containers import blot as blot
    from .copies import Products as Products
    from .cosmics import plan_masks as plan_masks
    from .cosmics import reject_files as reject_files
    from .criteria import Criteria as Criteria
    from .criteria import Noise as Noise
    from .demo import make_demo as make_demo
    from .errors import DataError as DataError
    from .errors import FileError as FileError
    from .errors import ParameterError as ParameterError
    from .errors import SkyblotError as SkyblotError
    from .errors import SkyblotWarning as SkyblotWarning
    from .errors import WCSError as WCSError
    from .exposure import BlotResult as BlotResult
    from .files import blot_file as blot_file
    from .files import blot_files as blot_files
    from .files import plan_blots as plan_blots
    from .inspection import ImageInfo as ImageInfo
    from .inspection import info as info
    from .mask_record import RejectResult as RejectResult
    from .options import RunOptions as RunOptions
    from .parameters import Parameters as Parameters
    from .parameters import Recipe as Recipe
    from .rejection import Rejection as Rejection
    from .rejection import reject as reject
    from .results import BatchError as BatchError
    from .running import run as run
    from .work import Failure as Failure

    __version__: str

#: Public names and the modules that hold them; loaded when first used, so that `import skyblot` is quick.
_HOMES = {
    "blot": "containers",
    "pixel_map": "blotting",
    "blot_file": "files",
    "blot_files": "files",
    "plan_blots": "files",
    "plan_masks": "cosmics",
    "run": "running",
    "Plan": "batch",
    "Failure": "work",
    "BatchError": "results",
    "BlotResult": "exposure",
    "reject": "rejection",
    "reject_files": "cosmics",
    "Criteria": "criteria",
    "Noise": "criteria",
    "Rejection": "rejection",
    "RejectResult": "mask_record",
    "info": "inspection",
    "ImageInfo": "inspection",
    "make_demo": "demo",
    "Recipe": "parameters",
    "Parameters": "parameters",
    "RunOptions": "options",
    "Products": "copies",
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
