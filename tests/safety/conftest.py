"""A visit that may be changed: a mosaic and its exposures, copied for each test."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Visit:
    """Where the files are."""

    folder: Path
    med: Path
    exposures: list[Path]


@pytest.fixture
def visit(demo, tmp_path):
    folder = tmp_path / "visit"
    folder.mkdir()
    med, *exposures = (Path(shutil.copy(path, folder)) for path in (demo.median, *demo.exposures))
    return Visit(folder, med, exposures)
