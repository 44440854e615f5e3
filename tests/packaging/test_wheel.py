"""The wheel by itself: what is in it, that every module of it imports, and that it analyses a picture."""

import json
import zipfile
from pathlib import Path

import pytest
import skimage.data
import skimage.io
from wheel import ROOT, Environment, assert_imports, build


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("elsewhere"))
    environment.install("--no-deps", "--no-index", str(wheel))
    environment.borrow()
    return environment


def test_the_wheel_holds_faceagent_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"faceagent"}
    assert "faceagent/py.typed" in names
    prompts = {str(path.relative_to(ROOT / "prompts")) for path in (ROOT / "prompts").rglob("*.md")}
    packed = {name.removeprefix("faceagent/_prompts/") for name in names if name.startswith("faceagent/_prompts/")}
    assert prompts
    assert packed == prompts
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "faceagent").rglob("*.py")}
    assert sources <= set(names)


def test_the_wheel_states_its_licence_and_its_extras(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    text = archive.read(metadata).decode("utf-8")
    extras = {line.split(": ")[1] for line in text.splitlines() if line.startswith("Provides-Extra")}
    assert extras == {"dev", "evals", "heif", "mcp", "otel", "pdf", "postgres", "serve", "train", "vllm"}
    assert {"LICENSE", "NOTICE"} <= {name.rpartition("/")[2] for name in archive.namelist()}


def test_every_module_of_the_wheel_imports(installed: Environment) -> None:
    assert_imports(installed, missing=())


def test_the_installed_command_runs(installed: Environment) -> None:
    assert installed.faceagent("--version").startswith("faceagent ")
    assert "forgery" in installed.faceagent("tools")


def test_the_installed_command_analyses_a_picture(installed: Environment) -> None:
    skimage.io.imsave(installed.folder / "astronaut.png", skimage.data.astronaut())
    installed.faceagent("analyze", "astronaut.png", "-q", "quality", "-q", "expression", "--out", "reports")
    report = json.loads((installed.folder / "reports" / "report.json").read_text(encoding="utf-8"))
    assert {verdict["question"] for verdict in report["verdicts"]} >= {"quality", "expression"}
    assert (installed.folder / "reports" / "report.html").is_file()


def test_without_a_checkout_the_evaluation_says_where_it_is(installed: Environment) -> None:
    said = installed.faceagent("eval", "run", "forgery", "--data", "somewhere", code=2)
    assert "Clone the repository" in said
    assert "eval" not in installed.faceagent("--help").split("Commands")[1]


def test_a_foreign_package_called_evals_is_never_loaded(installed: Environment) -> None:
    foreign = installed.site_packages / "evals"
    foreign.mkdir()
    for name in ("__init__.py", "cli.py"):
        (foreign / name).write_text("print('the foreign package was loaded')\n", encoding="utf-8")
    for arguments, code in ((["eval", "list"], 2), (["--help"], 0), (["--version"], 0)):
        assert "foreign" not in installed.faceagent(*arguments, code=code)
