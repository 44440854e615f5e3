"""Who imports whom, read from the sources, and the groups of modules that import each other in a circle.

Nothing is imported: that is fast, and it also sees imports that only a function or a type checker runs.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = Mapping[str, frozenset[str]]
"""Module name → names of the modules it imports."""


def modules(root: Path, packages: tuple[str, ...]) -> dict[str, Path]:
    """Every module of the packages under ``root`` by its dotted name."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def import_graph(root: Path, packages: tuple[str, ...], *, in_functions: bool) -> Graph:
    """The imports among the modules of the packages; those for type checkers count, those in functions on request."""
    known = modules(root, packages)
    return {
        name: frozenset(
            target
            for statement in _imports(ast.parse(path.read_text(encoding="utf-8")), in_functions)
            for target in _targets(statement, name, path.name == "__init__.py", known)
            if target != name
        )
        for name, path in known.items()
    }


def circles(graph: Graph) -> list[list[str]]:
    """The strongly connected components of more than one module, sorted (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph[node]:
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            place = stack.index(node)
            component = stack[place:]
            del stack[place:]
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return sorted(found)


def _imports(tree: ast.AST, in_functions: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif in_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(node, in_functions)


def _targets(
    statement: ast.Import | ast.ImportFrom, importer: str, is_package: bool, known: Mapping[str, Path]
) -> Iterator[str]:
    """Modules that a statement runs: those it names, and the packages around them that are not the importer's own.

    A package that holds the importer is already being loaded when the importer starts: it counts only where named.
    """
    if isinstance(statement, ast.Import):
        named = [alias.name for alias in statement.names]
    else:
        parts = importer.split(".")
        above = parts[: len(parts) - statement.level + is_package] if statement.level else []
        base = ".".join([*above, *([statement.module] if statement.module else [])])
        named = [full if (full := f"{base}.{alias.name}") in known else base for alias in statement.names]
    for name in named:
        if name in known:
            yield name
        parts = name.split(".")
        for end in range(1, len(parts)):
            package = ".".join(parts[:end])
            if package in known and not importer.startswith(f"{package}."):
                yield package
