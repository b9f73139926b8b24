"""Every sentence that skyblot says of what is wrong or was assumed, read from the source.

Sentences are written where they are raised or warned of; the documentation lists them, and the
tests check their form, by this module.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: What takes the sentence of a warning first.
WARNERS = {"warn", "pair.tell", "source.tell", "logger.warning"}
#: Functions that return sentences, to be said of a file by who calls them.
REMARKING = re.compile("remarks|doubts|notes|usable_of")


@dataclass(frozen=True)
class Sentence:
    """One sentence, as it is written.

    Attributes
    ----------
    path : Path
    first, last : int
        Its lines, from 1; with the call that says it.
    text : str
        With ``<...>`` where a value is put in.
    subject : str
        The source of what it is about, an empty string where the text tells.
    said_by : str
        What is called with it: the class of an error, or what warns.
    warns : bool
        Whether it is of a warning; else of an error.
    advice : str
        What the comment above it, which begins with ``#:``, says on it.
    """

    path: Path
    first: int
    last: int
    text: str
    subject: str
    said_by: str
    warns: bool
    advice: str


def error_names(package: Path) -> set[str]:
    """The classes of errors, and what makes one of the class of another."""
    tree = ast.parse((package / "errors.py").read_text(encoding="utf-8"))
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return {name for name in classes if name.endswith("Error")} | {
        "type(error)",
        "TypeError",
        "click.UsageError",
    }


def written_text(node: ast.expr) -> str | None:
    """A string or f-string with ``<value>`` where values are put in; None for what is no string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_piece(part) for part in node.values)
    return None


def _piece(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    names = (
        re.findall(r"[a-z_]\w+", ast.unparse(part.value))
        if isinstance(part, ast.FormattedValue)
        else []
    )
    return f"<{names[-1] if names else 'value'}>"


def speaking_calls(tree: ast.Module, errors: set[str]) -> Iterator[tuple[ast.Call, bool]]:
    """The calls whose first argument is a sentence, and whether they warn."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = ast.unparse(node.func)
            remarks = name.endswith(".append") and REMARKING.search(function.name) is not None
            if name in WARNERS or (remarks and written_text(node.args[0]) is not None):
                yield node, True
            elif name in errors:
                yield node, False


def sentences(package: Path) -> list[Sentence]:
    """Every sentence of a package, in the order of its files."""
    errors = error_names(package)
    said = []
    for path in sorted(package.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        for call, warns in {
            node.args[0].lineno: (node, warns) for node, warns in speaking_calls(tree, errors)
        }.values():
            text = written_text(call.args[0])
            if text is not None:
                first = max(
                    node.lineno
                    for node in statements
                    if node.lineno <= call.lineno <= (node.end_lineno or 0)
                )
                subjects = [
                    ast.unparse(word.value) for word in call.keywords if word.arg == "subject"
                ]
                advice = _comment_above(source.splitlines(), first)
                last = call.end_lineno or call.lineno
                said_by = ast.unparse(call.func)
                said.append(
                    Sentence(
                        path, call.lineno, last, text, "".join(subjects), said_by, warns, advice
                    )
                )
    return said


def _comment_above(lines: list[str], number: int) -> str:
    """The comment above a line, from 1, that begins with ``#:``."""
    words: list[str] = []
    for line in reversed(lines[: number - 1]):
        if not line.strip().startswith("#:"):
            break
        words.insert(0, line.strip()[2:].strip())
    return " ".join(words)
