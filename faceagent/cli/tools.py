"""``faceagent tools``: the specialists with their questions, weights and licences."""

from rich.table import Table
from rich.text import Text

from faceagent import weights
from faceagent.cli.render import out
from faceagent.settings import load


def tools() -> None:
    """List the specialists with their questions, weights and licences."""
    from faceagent.agent.runtime import build_tools

    table = Table("tool", "version", "answers", "weights and licences", "what it measures", expand=True)
    for tool in build_tools(load()).values():
        spec = tool.spec
        used = ", ".join(f"{name} ({weights.entry(name).license})" for name in spec.weights) or "none"
        state = Text(spec.summary)
        if spec.pending:
            state.append(f" {spec.pending}", style="yellow")
        table.add_row(spec.name, spec.version, ", ".join(spec.questions), used, state)
    out.print(table)
