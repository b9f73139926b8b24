"""Print the oldest versions that pyproject.toml allows, as constraints for pip: ``make
test-oldest`` installs them.
"""

import re
import tomllib
from pathlib import Path

#: Extras whose packages are tested at their oldest; what only helps to test or to build may be new.
EXTRAS = ("gwcs", "dask", "report", "remote")


def main() -> None:
    """Print a line for each dependency."""
    project = tomllib.loads(
        Path(__file__).resolve().parents[1].joinpath("pyproject.toml").read_text()
    )["project"]
    groups = [project["dependencies"], *(project["optional-dependencies"][name] for name in EXTRAS)]
    for requirement in (each for group in groups for each in group):
        name, version = re.fullmatch(r"([\w.-]+)(?:\[.*\])?>=([\d.]+)", requirement).groups()
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
