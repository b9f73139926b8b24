"""A page put together: the table of chips, what is known of each, the scripts, the tiles."""

import pickle
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ..io.atomic import atomic_write
from ..text import size_text
from .scratch import Piece, Scratch
from .table import ENOUGH, FAR, table_of
from .tiles import (
    IN_ONE_FILE,
    MOST,
    encoded,
    encoded_size,
    folder_of,
    new_folder,
    remove_folder,
    script_of,
    script_size,
)

_OPEN = '<script type="application/octet-stream" id="t%d-%d">'
_CLOSE = b"</script>\n"
_END = b"</body>\n</html>\n"


class StoredChip(NamedTuple):
    """A chip that waits on the disk: what templates show of it, and its tiles."""

    content: Piece
    tiles: tuple[Piece, ...]


class Page:
    """A page to be written.

    Attributes
    ----------
    folder : Path or None
        That of the tiles, where they are not in the page.
    things : str
        What it shows: ``"8 chips and a mosaic"``.
    """

    def __init__(
        self,
        templates: Any,
        path: Path,
        scratch: Scratch,
        chips: Sequence[StoredChip],
        facts: Mapping[str, Any],
    ) -> None:
        self._templates = templates
        self._path = path
        self._chips = chips
        self._facts = dict(facts)
        self._lines, self._rows = self._read_lines()
        self._token = uuid.uuid4().hex[:12]
        self._bodies = [scratch.put(self._body(chip)) for chip in chips]
        rest = sum(body.length for body in self._bodies)
        lengths = [tile.length for chip in chips for tile in chip.tiles]
        apart = rest + sum(map(encoded_size, lengths)) > IN_ONE_FILE
        self.folder = folder_of(path) if apart else None
        self._thin = apart and rest + sum(map(script_size, lengths)) > MOST

    def write(self, *, overwrite: bool) -> int:
        """Write it, and return how many bytes that are with its folder."""
        written = 0
        with ExitStack() as stack:
            stream = stack.enter_context(atomic_write(self._path, overwrite=overwrite))
            if self.folder is not None:
                beside = stack.enter_context(new_folder(self.folder))
                written = self._write_folder(beside)
            inside = list(self._inside()) if self.folder is None else []
            total = self._sized(stream, written + sum(length for *_, length in inside))
            for chip, number, _ in inside:
                self._write_inside(stream, chip, number)
            stream.write(_END)
        if self.folder is None:
            remove_folder(folder_of(self._path))
        return total

    @property
    def things(self) -> str:
        """What it shows."""
        mosaics = sum(line["mosaic"] for line in self._lines)
        chips = len(self._lines) - mosaics
        words = f"{chips} chip" if chips == 1 else f"{chips} chips"
        return words + (" and a mosaic" if mosaics == 1 else f" and {mosaics} mosaics") * (
            mosaics > 0
        )

    def _read_lines(self) -> tuple[list[dict[str, Any]], list[Mapping[str, float]]]:
        """What the table of chips shows."""
        lines = []
        rows = []
        for chip in self._chips:
            values, row = pickle.loads(chip.content.read())
            line = {key: values[key] for key in ("name", "notes", "summary", "thumbnail")}
            lines.append({**line, "mosaic": values["data"].get("mosaic", False)})
            rows.append(row)
        return lines, rows

    def _write_folder(self, folder: Path) -> int:
        """Write tiles to files, one at a time."""
        written = 0
        for chip, stored in enumerate(self._chips):
            for number, tile in enumerate(stored.tiles):
                script = script_of(self._token, chip, number, tile, thin=self._thin)
                (folder / f"{chip}-{number}.js").write_bytes(script)
                written += len(script)
        return written

    def _inside(self) -> Iterator[tuple[int, int, int]]:
        """Chip, number and size of the tiles that the page has in itself."""
        for chip, stored in enumerate(self._chips):
            for number, tile in enumerate(stored.tiles):
                size = len(_OPEN % (chip, number)) + encoded_size(tile.length) + len(_CLOSE)
                yield chip, number, size

    def _write_inside(self, stream: BinaryIO, chip: int, number: int) -> None:
        stream.write((_OPEN % (chip, number)).encode())
        stream.write(encoded(self._chips[chip].tiles[number]))
        stream.write(_CLOSE)

    def _sized(self, stream: BinaryIO, tiles: int) -> int:
        """Write all but the tiles, in front of which it says how large all is."""
        bodies = sum(body.length for body in self._bodies)
        total = tiles
        frame = self._frame_values()
        for _ in range(2):  # the first time to learn how long they are
            head = self._render("head.html", {**frame, "size": size_text(total)})
            foot = self._render("foot.html", frame)
            total = tiles + len(head) + bodies + len(foot) + len(_END)
        stream.write(head)
        for body in self._bodies:
            stream.write(body.read())
        stream.write(foot)
        return total

    def _body(self, chip: StoredChip) -> bytes:
        """What the page has of a chip beside its tiles."""
        values, _ = pickle.loads(chip.content.read())
        return self._render("chip.html", values)

    def _frame_values(self) -> dict[str, Any]:
        """What stands before and after the chips."""
        from .. import __version__
        from .detail import THIN
        from .encode import diverging_colours
        from .stretch import STANDS_OUT

        names = [line["name"] for line in self._lines]
        notes = [line["notes"] for line in self._lines]
        return {
            **self._facts,
            "table": table_of(names, self._rows, notes),
            "chips": self._lines,
            "things": self.things,
            "colours": diverging_colours(256).tobytes().hex(),
            "version": __version__,
            "stands_out": f"{STANDS_OUT:g}",
            "far": f"{FAR:g}",
            "enough": ENOUGH,
            "thin": f"{THIN:g}" if self._thin else "",
            "token": self._token,
            "folder": "" if self.folder is None else self.folder.name,
        }

    def _render(self, name: str, values: Mapping[str, Any]) -> bytes:
        # a name that is not Unicode, as file systems allow, must not end the page
        text: str = self._templates.get_template(name).render(values)
        return text.encode("utf-8", "backslashreplace")
