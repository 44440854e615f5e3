"""From run folders to one page. Knows records and results; opens pictures only for the thumbnails of failures.

The style sheet is the product's, with a few rules for curves; the policy admits that one sheet and inline pictures,
and nothing else.
"""

import base64
import hashlib
import io
from collections import Counter
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from PIL import Image

from evals import records
from evals.metric_docs import meaning
from evals.plots import GroupTable
from evals.report.svg import draw
from evals.result import NAME, Result, read
from evals.task import CaseTable
from evals.tasks import TASKS
from evals.views import whole
from faceagent.errors import InputError
from faceagent.settings import Settings

PAGE = "report.html"
INNER = ("cue_", "logit_", "probability_", "labels", "scale", "line", "unclipped", "way_")
"""Beginnings of observations that tell a reader of failures nothing."""
WORST = 12
SIDE = 160
"""px: longer side of a thumbnail."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("evals.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = lambda text: str(text).replace("_", " ")
    environment.globals["spoken"] = lambda task, name: meaning(task, name)[0]
    return environment


@cache
def _style() -> tuple[str, str]:
    """The sheet, and the source expression by which the policy admits it."""
    base = resources.files("faceagent.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    text = base + resources.files("evals.report").joinpath("templates/curves.css").read_text(encoding="utf-8")
    return text, "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def write(folder: Path, file: Path | None = None) -> Path:
    """Write the page about the run in ``folder``, or about all runs in its subfolders. Raises InputError for none."""
    alone = (folder / records.NAME).is_file()
    # Among several, a run that has not ended yet has records and no result; it is left out.
    found = [folder] if alone else sorted(path.parent for path in folder.glob(f"*/{NAME}"))
    if not found:
        raise InputError(f"{folder} holds no run.", remedy="Give a folder that `faceagent eval run --out` wrote.")
    TASKS.freeze()
    css, source = _style()
    settings = Settings()
    page = (
        _environment()
        .get_template("report.html")
        .render(runs=[_section(path, settings) for path in found], css=css, style_source=source)
    )
    target = file or folder / PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page, encoding="utf-8")
    return target


def _section(folder: Path, settings: Settings) -> dict[str, Any]:
    header, rows = records.load(folder)
    result: Result = read(folder)
    task = TASKS.get(result.task)
    found = records.sort_records(rows)
    table, skips = found.scored, found.skips
    figures = task.figures(table) if len(table) else ()
    drawn = [figure for figure in figures if not isinstance(figure, GroupTable)]
    told = [name for name in (*result.metrics, *result.baselines) if "." not in name]
    reasons = Counter(header.get("left_out", {})) + Counter(skip.reason for skip in skips)
    badness = task.failures(table) if len(table) else np.zeros(0)
    return {
        "result": result,
        "headline": [(name, one) for name, one in result.metrics.items() if "." not in name],
        "parts": [(name, one) for name, one in result.metrics.items() if "." in name],
        "task": task,
        "set": Path(result.dataset.path).name,
        "figures": [(figure.title, drawing) for figure in drawn if (drawing := draw(figure, result.metrics))],
        "sheets": [figure for figure in figures if isinstance(figure, GroupTable)],
        "meanings": [(name, says) for name in told if (says := meaning(result.task, name)[1])],
        "skipped": reasons.most_common(),
        "first": skips[0].message if skips else "",
        "failures": _failures(Path(header["root"]), table, badness, settings),
    }


def _failures(root: Path, table: CaseTable, badness: np.ndarray[Any, Any], settings: Settings) -> list[dict[str, str]]:
    """The worst cases with a thumbnail where the picture is still there."""
    order = sorted(np.flatnonzero(~np.isnan(badness)).tolist(), key=lambda index: (-badness[index], index))
    shown = []
    for index in order[:WORST]:
        case, values = table.cases[index], table.values[index]
        # Zeros and blanks are flags that are not set; a row of 136 coordinates tells a reader nothing.
        told = case.truth.items() if len(case.truth) < 12 else ()
        truth = ", ".join(_told(key, value) for key, value in told if value)
        brief = ", ".join(
            _told(key, value)
            for key, value in values.items()
            if isinstance(value, str | float) and not key.startswith(INNER)
        )
        shown.append({"id": case.id, "uri": _thumbnail(root / case.file, settings), "truth": truth, "said": brief})
    return shown


def _told(key: str, value: str | float) -> str:
    return f"{key.replace('_', ' ')} {value:.4g}" if isinstance(value, float) else f"{key.replace('_', ' ')} {value}"


def _thumbnail(path: Path, settings: Settings) -> str:
    view = whole(path, settings)
    if view is None:
        return ""
    picture = Image.fromarray(view.pixels())
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
