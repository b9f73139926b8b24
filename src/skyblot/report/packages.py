"""The packages that pictures need."""

from importlib.util import find_spec

from ..errors import SkyblotError


def require_packages() -> None:
    """Raise an error that says how to install what pictures need, if it is missing."""
    for package in ("matplotlib", "jinja2"):
        if find_spec(package) is None:
            install = "pip install matplotlib jinja2"
            raise SkyblotError(f"pictures need the package {package}: {install}")
