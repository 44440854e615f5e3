"""How a report measured: every tool with version, weights, licence, error rates and limits.

There is one source for each: the tool's ``ToolSpec``, the catalogue of weights, the calibration records and the
adapters' cards. What they say is printed only where it is about the very weights that the report names.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from faceagent.encoder.model_cards import limits_of
from faceagent.errors import FaceagentError, InputError
from faceagent.judge import wording
from faceagent.judge.calibrate import records
from faceagent.report.headings import Headings
from faceagent.report.pdf.legible import Value
from faceagent.settings import Settings
from faceagent.tools import TOOLS
from faceagent.types import Evidence, Report, ToolStamp, WeightStamp
from faceagent.weights import entry

ADAPTER = "adapter:"
ACRONYM = 5
"""Letters up to which the name of an error rate is one: BPCER, APCER, FMR, FNMR."""


def methods(report: Report, words: Headings) -> list[Value]:
    """One entry per tool and version that measured something, in the order of the evidence."""
    found: dict[tuple[str, str], list[Evidence]] = {}
    for item in report.evidence:
        found.setdefault((item.tool.name, item.tool.version), []).append(item)
    return [_method(evidence, words) for evidence in found.values()]


def _method(evidence: Sequence[Evidence], words: Headings) -> Value:
    tool = evidence[0].tool
    title, summary = _described(tool)
    names = dict.fromkeys(item.score.calibration for item in evidence if item.score and item.score.calibration)
    stamps = {stamp.id: stamp for item in evidence for stamp in item.tool.weights}
    return {
        "title": title,
        "tool": f"{tool.name} {tool.version}, {', '.join(dict.fromkeys(item.tool.device for item in evidence))}",
        "summary": summary,
        "questions": ", ".join(words.title(name) for name in dict.fromkeys(item.question for item in evidence)),
        "weights": [_weights(stamp) for stamp in stamps.values()],
        "calibrations": [_calibration(records()[name], words) for name in names if name in records()],
        "limits": [limit for stamp in stamps.values() if (limit := _limits(stamp)) is not None],
    }


def _described(tool: ToolStamp) -> tuple[str, str]:
    """Title and summary by the tool's own description, where that version is installed."""
    if tool.name in TOOLS:
        # Building a tool loads no weights; the description of some depends on the settings.
        with suppress(FaceagentError):
            spec = TOOLS.get(tool.name)(Settings()).spec
            if spec.version == tool.version:
                return spec.title, spec.summary
    return tool.name.replace("_", " ").capitalize(), ""


def _weights(stamp: WeightStamp) -> Value:
    found: dict[str, Value] = {"id": stamp.id, "sha256": stamp.sha256, "licence": "", "training": "", "title": ""}
    if stamp.id.startswith(ADAPTER):
        return {**found, "licence": "Apache-2.0", "title": "trained by this project; see its card"}
    try:
        row = entry(stamp.id)
    except InputError:
        return found
    if row.sha256 not in (None, stamp.sha256):
        return found
    licence = row.license if row.commercial else f"{row.license}, not commercial"
    return {**found, "licence": licence, "training": row.training_data, "title": row.title}


def _calibration(record: Mapping[str, Any], words: Headings) -> Value:
    """What a record says of itself: set, size, error rates at its lines, the largest ratio, and its note."""
    say = words.document
    if "n_positive" in record:
        size = say("samples", positive=f"{record['n_positive']:,}", negative=f"{record['n_negative']:,}")
    else:
        size = say("samples_one", n=f"{record.get('n', 0):,}")
    errors = [
        say("error_line", name=point["name"], errors=", ".join(_rates(point.get("errors", {}))))
        for point in record.get("operating_points", ())
        if point.get("errors")
    ]
    held_out = [f"{name.replace('_', ' ')} {value}" for name, value in record.get("held_out", {}).items()]
    others = [f"{words_} {record[key]}" for key, words_ in (("cllr", "Cllr"), ("ece", "ECE")) if key in record]
    if "cap_log10" in record:
        others.append(say("limit_ratio", most=wording.ratio(record["cap_log10"])))
    return {
        "id": record["id"],
        "fitted_on": f"{record['fitted_on']} ({size})",
        "errors": [*errors, *([", ".join(held_out)] if held_out else []), *([", ".join(others)] if others else [])],
        "note": record.get("note") or "",
    }


def _rates(errors: Mapping[str, float]) -> Iterable[str]:
    for name, rate in errors.items():
        shown = name.upper() if len(name) <= ACRONYM and "_" not in name else name.replace("_", " ")
        yield f"{shown} {100 * rate:.1f} %"


def _limits(stamp: WeightStamp) -> Value:
    if stamp.id.startswith(ADAPTER):
        text = limits_of(stamp.id.removeprefix(ADAPTER), stamp.sha256)
        return None if text is None else {"id": stamp.id, "text": text}
    return None
