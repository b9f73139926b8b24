"""Check that links between built pages lead somewhere: ``python tools/check_links.py FOLDER``.

Files and anchors are looked up; what is on the network is left to ``make links``.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the places in it that links can lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the links and the names of an element."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.add(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def broken(folder: Path) -> list[str]:
    """Return the links of a folder of pages that lead nowhere, with their pages."""
    pages = {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = pages.get(target)
            if not target.exists() or (there and unquote(parts.fragment) not in there.anchors):
                found.append(f"{path.relative_to(folder.resolve())}: {link}")
    return found


def main() -> None:
    """Print what is broken; the exit code says whether anything is."""
    found = broken(Path(sys.argv[1]))
    print("\n".join(found) or "all links between pages lead somewhere")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
