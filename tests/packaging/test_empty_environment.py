"""The wheel with what it asks for and nothing else: no package of the tests, of the evaluation or of the training."""

import json
from collections.abc import Iterator

import pytest
import skimage.data
import skimage.io
from wheel import ROOT, Environment, assert_imports, build

from faceagent.settings import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The packages of constraints.txt, torch first, as the Makefile installs them."""
    wheel = build(tmp_path_factory.mktemp("dist"))
    environment = Environment(tmp_path_factory.mktemp("elsewhere"))
    constraints = str(ROOT / "constraints.txt")
    environment.install("--constraint", constraints, "torch", timeout=1200)
    environment.install("--constraint", constraints, str(wheel), timeout=1200)
    yield environment
    environment.remove()


def test_every_module_imports_with_the_declared_dependencies(installed: Environment) -> None:
    assert_imports(installed, missing=("faceagent.storage.postgres", "faceagent.storage.database", "faceagent.serve"))


def test_nothing_of_the_extras_was_installed(installed: Environment) -> None:
    names = {path.name.partition("-")[0].lower() for path in installed.site_packages.glob("*.dist-info")}
    assert "faceagent" in names
    assert not names & {
        "pytest",
        "inspect_ai",
        "trl",
        "bitsandbytes",
        "datasets",
        "psycopg",
        "vllm",
        "pi_heif",
        "fastapi",
    }


def test_a_picture_is_analysed_and_explained(installed: Environment, settings: Settings) -> None:
    """By a vision-language model that is first put together here, as on a new machine."""
    skimage.io.imsave(installed.folder / "astronaut.png", skimage.data.astronaut())
    assert "forgery" in installed.faceagent("tools")
    (installed.folder / "cache").mkdir()
    (installed.folder / "cache" / "weights").symlink_to(settings.cache / "weights")
    installed.settings["FACEAGENT_CACHE"] = str(installed.folder / "cache")
    printed = installed.faceagent("analyze", "astronaut.png", "--explain", "vlm", "--out", "reports", timeout=600)
    assert list((installed.folder / "cache" / "vlm").glob("*/config.json"))
    assert "it/s" not in printed, "a progress bar of another library"
    report = json.loads((installed.folder / "reports" / "report.json").read_text(encoding="utf-8"))
    assert {verdict["question"] for verdict in report["verdicts"]} >= {"expression", "forgery"}
    assert any(one["author"] != "ledger" or one["fallback"] for one in report["explanations"])
