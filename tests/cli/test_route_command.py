"""``faceagent route``: the plan of a text, as lines or as JSON."""

import json
import subprocess
from collections.abc import Callable

Run = Callable[..., subprocess.CompletedProcess[bytes]]


def test_a_plan_is_printed_without_its_defaults(run: Run) -> None:
    done = run("route", "--rules", "how old is the woman on the left?")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0
    assert lines[:2] == ["kind          analyse", "questions     age"]
    assert lines[2].startswith("faces ") and '"left"' in lines[2]


def test_a_text_on_standard_input_and_the_whole_plan_as_json(run: Run) -> None:
    done = run("route", "-", "--json", "--before", "quality", stdin=b"y la segunda foto?")
    plan = json.loads(done.stdout)
    assert (plan["language"], plan["questions"], plan["pictures"]) == ("es", ["quality"], ["second"])


def test_an_unknown_purpose_is_wrong_usage(run: Run) -> None:
    assert run("route", "is it real?", "--purpose", "fun").returncode == 2
