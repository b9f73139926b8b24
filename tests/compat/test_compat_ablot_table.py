"""The table of what the comparison with ``drizzlepac.ablot`` has found, as in docs/differences."""

import os
from pathlib import Path

import pytest
from ablot_cases import OUTCOMES

pytestmark = pytest.mark.compat


def test_the_table_of_outcomes():
    """In the last of the files: what the others have found; written to the file named by
    SKYBLOT_OUTCOMES.
    """
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 20 35 35 10", ""]
    for row in [["case", "DrizzlePac", "skyblot", "as documented"], *OUTCOMES]:
        lines += [f"   {'* -' if k == 0 else '  -'} {cell}" for k, cell in enumerate(row)]
    text = "\n".join(lines) + "\n"
    assert all(len(row) == 4 for row in OUTCOMES)
    if os.environ.get("SKYBLOT_OUTCOMES"):
        Path(os.environ["SKYBLOT_OUTCOMES"]).write_text(text)
