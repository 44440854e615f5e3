"""Cases can be listed, searched and signed off; items have decisions, jobs references."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    bindparam,
    column,
    false,
    select,
    table,
    update,
)

revision = "0002"
down_revision = "0001"

ID = String(40)
NEW = ("kept", "name", "status", "problem", "answer", "decision", "policy", "reasons", "sign_off")


def upgrade() -> None:
    """Add the columns, and fill them for the cases that there are."""
    for new in (
        Column("kept", Boolean, nullable=False, server_default=false()),
        Column("name", String(300), nullable=False, server_default=""),
        Column("status", String(12), nullable=False, server_default="analysed"),
        Column("problem", String(40)),
        Column("answer", Text),
        Column("decision", String(10)),
        Column("policy", String(80)),
        Column("reasons", Text),
        Column("sign_off", String(10), nullable=False, server_default="open"),
    ):
        op.add_column("cases", new)
    op.create_index("cases_of_a_key", "cases", ["key_id", "created"])
    op.create_index("cases_by_time", "cases", ["created"])
    op.create_table(
        "case_verdicts",
        Column("case_id", ID, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
        Column("question", String(20), primary_key=True),
        Column("subject", String(40), nullable=False),
        Column("label", String(40), nullable=False),
        Column("leaning", String(40)),
        Column("positive", Float),
        Index("case_verdicts_by_probability", "question", "positive"),
    )
    op.add_column("job_items", Column("decision", String(10)))
    op.create_table(
        "job_references",
        Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("data", LargeBinary, nullable=False),
    )
    _fill(op.get_bind())


def downgrade() -> None:
    """Drop them."""
    op.drop_table("job_references")
    op.drop_column("job_items", "decision")
    op.drop_table("case_verdicts")
    op.drop_index("cases_by_time", "cases")
    op.drop_index("cases_of_a_key", "cases")
    for name in NEW:
        op.drop_column("cases", name)


def _fill(connection: Connection) -> None:
    """Names, answers and verdicts of stored reports. Reads their JSON as it was when this revision was written."""
    names = ("id", "report", "picture", "kept", "name", "status", "problem", "answer")
    cases = table("cases", *(column(name) for name in names))
    fill = update(cases).where(cases.c.id == bindparam("key"))
    verdicts = table("case_verdicts", *map(column, ("case_id", "question", "subject", "label", "leaning", "positive")))
    stored = select(cases.c.id, cases.c.report, cases.c.picture.is_not(None)).where(cases.c.report.is_not(None))
    for case_id, data, kept in connection.execute(stored).all():
        report = json.loads(zlib.decompress(data))
        problem = report.get("problem") or {}
        values = {
            "key": case_id,
            "kept": bool(kept),
            "name": str(report["source"])[:300],
            "status": "unreadable" if problem else "analysed" if report.get("faces") else "no_face",
            "problem": problem.get("reason"),
            "answer": (report.get("summary") or {}).get("answer"),
        }
        connection.execute(fill.values({name: bindparam(name) for name in values if name != "key"}), values)
        for row in _verdicts(report):
            connection.execute(verdicts.insert(), {"case_id": case_id, **row})


def _verdicts(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One verdict per question, that nearest to the positive side."""

    def positive(one: dict[str, Any]) -> float:
        return float((one.get("positive") or {}).get("value", -1.0))

    best: dict[str, dict[str, Any]] = {}
    for one in report.get("verdicts", ()):
        known = best.setdefault(one["question"], one)
        if positive(one) > positive(known):
            best[one["question"]] = one
    for one in best.values():
        leans = one["status"] == "leans"
        yield {
            "question": one["question"],
            "subject": one["subject"],
            "label": "inconclusive" if leans else one["label"],
            "leaning": one["label"] if leans else one.get("leaning"),
            "positive": (one.get("positive") or {}).get("value"),
        }
