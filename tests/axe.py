"""axe-core, which checks whether a page is accessible: from npm, or from a copy that is there."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

VERSION = "4.14.1"
#: Everything that WCAG 2.2 asks for at the levels A and AA, and what axe calls best practices.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe_source(folder):
    """Return the text of axe-core and None, or None and why there is none.

    The variable AXE_CORE of the environment may name a copy, ``axe.min.js``.
    """
    if "AXE_CORE" in os.environ:
        return Path(os.environ["AXE_CORE"]).read_text(encoding="utf-8"), None
    if shutil.which("npm") is None:
        return None, "there is no npm to get axe-core with, and AXE_CORE names no copy"
    command = ["npm", "pack", f"axe-core@{VERSION}", "--silent", "--fetch-retries=1"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    except (subprocess.SubprocessError, OSError) as error:
        return None, f"npm cannot get axe-core: {error}"
    with tarfile.open(next(Path(folder).glob("axe-core-*.tgz"))) as archive:
        return archive.extractfile("package/axe.min.js").read().decode(), None


def violations(browser, source):
    """What is wrong with the page that is open: rules with the first elements that break them."""
    browser.run(source)
    found = browser.run_async(
        "axe.run(document, {runOnly: arguments[0]}).then((all) => arguments[1](all.violations"
        ".map((one) => [one.id, one.nodes.length, one.nodes.slice(0, 3).map((n) => n.html)])))",
        TAGS,
    )
    return {rule: (count, examples) for rule, count, examples in found}
