"""No module imports itself by way of others, in any of the three packages."""

from pathlib import Path

import pytest
from import_graph import circles, import_graph, modules

ROOT = Path(__file__).parents[2]
PACKAGES = ("faceagent", "evals", "finetune")


@pytest.mark.parametrize("in_functions", [False, True], ids=["at import", "in functions too"])
def test_no_module_imports_itself_by_way_of_others(in_functions: bool) -> None:
    graph = import_graph(ROOT, PACKAGES, in_functions=in_functions)
    assert all(any(name.startswith(package) for name in graph) for package in PACKAGES)
    found = circles(graph)
    assert not found, "\n".join(
        f"{name} imports {', '.join(sorted(graph[name] & set(circle)))}" for circle in found for name in circle
    )


def test_the_sources_are_read_whole() -> None:
    graph = import_graph(ROOT, PACKAGES, in_functions=True)
    assert "faceagent.errors" in graph["faceagent"]
    assert "faceagent.agent.analyst" in graph["faceagent"], "imports for type checkers count"
    assert set(graph) == set(modules(ROOT, PACKAGES))
    assert sum(map(len, graph.values())) > len(graph)


def _package(root: Path, sources: dict[str, str]) -> Path:
    for name, source in sources.items():
        path = root / "made_up" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return root


TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import b\n"
STRAIGHT = {
    "__init__.py": "from made_up import a\n",
    "a.py": "from made_up.rooms import b\nimport json\n",
    "rooms/__init__.py": "",
    "rooms/b.py": "from . import c\n",
    "rooms/c.py": "x = 1\n",
}


@pytest.mark.parametrize(
    ("changed", "circle"),
    [
        ({}, []),
        ({"rooms/c.py": "import made_up.a\n"}, ["a", "rooms.b", "rooms.c"]),
        ({"rooms/c.py": "from ..a import x\n"}, ["a", "rooms.b", "rooms.c"]),
        ({"rooms/c.py": TYPING}, ["rooms.b", "rooms.c"]),
        # The package around an imported module runs as well: a loads rooms, and rooms loads a.
        ({"rooms/__init__.py": "import made_up.a\n"}, ["a", "rooms"]),
        ({"rooms/c.py": "from made_up import x\n"}, ["", "a", "rooms.b", "rooms.c"]),
    ],
    ids=["none", "absolute", "relative", "for type checkers", "by a package", "by the root"],
)
@pytest.mark.parametrize("in_functions", [False, True])
def test_a_circle_is_found(tmp_path: Path, changed: dict[str, str], circle: list[str], in_functions: bool) -> None:
    root = _package(tmp_path, {**STRAIGHT, **changed})
    expected = [[f"made_up.{name}".rstrip(".") for name in circle]] if circle else []
    assert circles(import_graph(root, ("made_up",), in_functions=in_functions)) == expected


def test_an_import_in_a_function_counts_on_request(tmp_path: Path) -> None:
    root = _package(tmp_path, {**STRAIGHT, "rooms/c.py": "def f():\n    from .b import y\n"})
    assert circles(import_graph(root, ("made_up",), in_functions=False)) == []
    assert circles(import_graph(root, ("made_up",), in_functions=True)) == [["made_up.rooms.b", "made_up.rooms.c"]]


def test_two_circles_are_two() -> None:
    graph = {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c", "e"}, "e": set()}
    assert circles({name: frozenset(targets) for name, targets in graph.items()}) == [["a", "b"], ["c", "d"]]
