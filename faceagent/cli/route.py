"""``faceagent route "…"``: the plan of a text. Needs no picture and runs no tool."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from faceagent import policy
from faceagent.cli.render import out
from faceagent.policy import JURISDICTIONS, PURPOSES
from faceagent.settings import load

if TYPE_CHECKING:
    from faceagent.router import Plan


def route(
    text: Annotated[str, typer.Argument(help="What one would type in a chat, or - for standard input.")],
    pictures: Annotated[int, typer.Option(min=0, help="How many pictures the conversation has.")] = 1,
    reference: Annotated[bool, typer.Option("--reference", help="There is a reference to compare with.")] = False,
    before: Annotated[
        list[str] | None, typer.Option("--before", help="A question of the turn before. Repeatable.")
    ] = None,
    purpose: Annotated[str | None, typer.Option(help=f"Why you ask: {', '.join(PURPOSES)}.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help=f"Whose rules apply: {', '.join(JURISDICTIONS)}.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="Read by the rules alone, without the small model.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole plan as JSON.")] = False,
) -> None:
    """Print the plan that a text is read as."""
    from faceagent.router import DialogueContext, open_reader
    from faceagent.router import route as make_plan

    settings = load()
    given = {
        "purpose": purpose or settings.purpose,
        "jurisdiction": jurisdiction or settings.jurisdiction,
        "questions": policy.expand(before or ()),
    }
    # Raises for an unknown purpose or jurisdiction.
    policy.decide("quality", str(given["purpose"]), str(given["jurisdiction"]))
    context = DialogueContext.model_validate({"pictures": pictures, "has_reference": reference, **given})
    typed = sys.stdin.buffer.read().decode("utf-8", "replace") if text == "-" else text
    plan = make_plan(typed, context, None if rules else open_reader(settings))
    out.print(Text(plan.model_dump_json(indent=2) if as_json else format_plan(plan)), soft_wrap=True)


def format_plan(plan: "Plan") -> str:
    """The plan as lines of ``field value``; fields at their default are left out."""
    fields = plan.model_dump(mode="json", exclude_defaults=True)
    lines = []
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        lines += [f"{name:<14}{one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)}" for one in values]
    return "\n".join(lines)
