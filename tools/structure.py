"""Measure the shape of the source: ``python tools/structure.py [FOLDER]``.

Everything is read from the syntax tree; nothing is imported. Imports inside functions count,
those under ``TYPE_CHECKING`` don't.
"""

import argparse
import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str  # dotted
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text())

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def functions(self) -> list[ast.FunctionDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, FUNCTIONS)]


def read_modules(package: Path) -> dict[str, Module]:
    """Every module of a package by its dotted name."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules[name] = Module(name, path)
    return modules


def imports(module: Module) -> Iterator[str]:
    """The dotted names that a module imports; those for type checkers only are left out."""
    typing_only = {
        id(inner)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    package = module.name if module.is_package else module.name.rpartition(".")[0]
    for node in ast.walk(module.tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(parents if node.level else []) or ""
            base = ".".join(part for part in (base, node.module) if part)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def import_graph(modules: dict[str, Module]) -> dict[str, set[str]]:
    """Which modules of the package each one imports."""
    graph = {}
    for name, module in modules.items():
        targets = set()
        for target in imports(module):
            while target and target not in modules:
                target = target.rpartition(".")[0]
            if target and target != name:
                targets.add(target)
        graph[name] = targets
    return graph


def package_graph(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Which packages, and modules at the root, each one imports."""
    packages: dict[str, set[str]] = {}
    for name, targets in graph.items():
        package = ".".join(name.split(".")[:2])
        reached = {".".join(target.split(".")[:2]) for target in targets if "." in target}
        packages.setdefault(package, set()).update(reached - {package})
    return packages


def longest_chain(graph: dict[str, set[str]]) -> list[str]:
    """The longest path along imports; a module on the way never counts twice."""
    best: dict[str, list[str]] = {}

    def chain(name: str, above: frozenset[str]) -> list[str]:
        if name not in best:
            tails = [chain(n, above | {name}) for n in graph[name] - above]
            best[name] = [name, *max(tails, key=len, default=[])]
        return best[name]

    return max((chain(name, frozenset()) for name in graph), key=len)


def in_words(chain: list[str]) -> str:
    return f"{len(chain)}: {' > '.join(name.removeprefix('skyblot.') for name in chain)}"


def parameters(function: ast.FunctionDef) -> int:
    """How many parameters a function has; ``self`` and ``cls`` are none."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in named)


def body_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def is_tuple_assignment(node: ast.AST) -> bool:
    """Whether several values are assigned to several names in one statement (``a, b = 1, 2``)."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Tuple)
        and isinstance(node.value, ast.Tuple)
    )


def line_count(folder: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.py"))


def percentile(values: list[int], part: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def report(root: Path) -> Iterator[tuple[str, str]]:
    """What is measured, as rows of a name and a value."""
    package = root / "src" / "skyblot"
    modules = read_modules(package)
    graph = import_graph(modules)
    entries = [
        p for p in package.iterdir() if not p.name.startswith(("_", ".")) and p.name != "py.typed"
    ]
    edges = [len(targets) for targets in graph.values()]
    functions = [(m, f) for m in modules.values() for f in m.functions]
    counts = [parameters(f) for _, f in functions]
    nodes = [node for m in modules.values() for node in ast.walk(m.tree)]
    assignments = [node for node in nodes if isinstance(node, ast.Assign)]
    tuples = sum(map(is_tuple_assignment, assignments))
    yield "modules", str(len(modules))
    yield "entries at the root", str(len(entries))
    yield "longest import chain", in_words(longest_chain(graph))
    yield "longest of packages", in_words(longest_chain(package_graph(graph)))
    yield "imports per module", f"{statistics.mean(edges):.1f}, at most {max(edges)}"
    yield "parameters per function", f"p90 {percentile(counts, 0.9)}, at most {max(counts)}"
    many = [
        f"{m.name.removeprefix('skyblot.')}.{f.name} {parameters(f)}"
        for m, f in functions
        if parameters(f) > 10
    ]
    yield "more than 10 parameters", f"{len(many)}: {', '.join(sorted(many))}"
    long = [f"{m.name}.{f.name} {body_lines(f)}" for m, f in functions if body_lines(f) > 50]
    yield "functions over 50 lines", f"{len(long)} {' '.join(long)}".strip()
    yield (
        "tuple assignments",
        f"{tuples} of {len(assignments)}, {100 * tuples / len(assignments):.1f} percent",
    )
    yield "lines of source", str(line_count(root / "src"))
    yield "lines of tests", str(line_count(root / "tests"))


def main() -> None:
    """Print the figures of a checkout, this one by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1])
    for name, value in report(parser.parse_args().folder):
        print(f"{name:26} {value}")


if __name__ == "__main__":
    main()
