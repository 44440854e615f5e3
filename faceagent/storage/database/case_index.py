"""What the list of cases shows and is searched by: the name, the answer and one verdict per question of each report."""

import base64
import binascii
import json
import operator
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from faceagent.explain.summary import summary_of
from faceagent.explain.summary.answers import side_of
from faceagent.storage.database.engine import Database, now
from faceagent.storage.database.tables import case_verdicts, cases
from faceagent.types import INCONCLUSIVE, LANGUAGES, Question, Report, SummaryLanguage, Verdict
from faceagent.types.service import CaseEntry, CaseStatus, CaseVerdict, Decision, Moderation, SignOff

Sort = Literal["created", "name", "probability"]
SORTS: tuple[Sort, ...] = get_args(Sort)
LONGEST_NAME = 300
NOT_STORED = "(not stored)"


class CaseFilter(NamedTuple):
    """Which cases; None: all. ``label`` and the probabilities are those of ``question``."""

    question: Question | None = None
    label: str | None = None
    least: float | None = None
    most: float | None = None
    status: CaseStatus | None = None
    decision: Decision | None = None
    sign_off: SignOff | None = None
    name: str | None = None
    since: float | None = None
    until: float | None = None


class Page(NamedTuple):
    """Cases, and where the next page begins."""

    cases: tuple[CaseEntry, ...]
    next: str | None


class BadCursor(ValueError):
    """It is no cursor, or one of another order."""


def columns_of(report: Report, moderation: Moderation | None) -> dict[str, Any]:
    """The columns of a case that come from its report, and from what a policy decided about it."""
    status: CaseStatus = "unreadable" if report.problem else "analysed" if report.faces else "no_face"
    return {
        "name": report.source.replace("\0", "")[:LONGEST_NAME],
        "status": status,
        "problem": None if report.problem is None else report.problem.reason,
        "answer": None if report.summary is None else report.summary.line,
        "answers": None if report.summary is None else json.dumps(_answers(report), ensure_ascii=False),
        "decision": None if moderation is None else moderation.decision,
        "policy": None if moderation is None else policy_name(moderation),
        "reasons": None if moderation is None else json.dumps(moderation.reasons),
    }


def _answers(report: Report) -> dict[SummaryLanguage, str]:
    """The answer in every language: a list is read by others than the report was made for."""
    return {language: summary_of(report, language).line for language in LANGUAGES}


_LISTED = tuple(one for one in cases.c if one.name not in ("report", "picture"))
EMPTY: dict[str, Any] = {"name": "", "answer": None, "answers": None, "reasons": None}
"""What is left of them when a case has ended."""


def policy_name(moderation: Moderation) -> str:
    """The policy behind a decision, with its version."""
    name = moderation.policy or NOT_STORED
    return name if moderation.version is None else f"{name}@{moderation.version}"


def verdicts_of(report: Report) -> list[CaseVerdict]:
    """One verdict per question: of the face that decides the whole picture, else the one nearest to the positive side.

    A picture of many faces has one line in a list; its report has them all.
    """
    deciding = {one.question: one.faces[0] for one in report.rollups if one.faces}
    found: dict[Question, Verdict] = {}
    for one in report.verdicts:
        known = found.get(one.question)
        if known is None or _rank(one, deciding) > _rank(known, deciding):
            found[one.question] = one
    return [
        CaseVerdict(
            question=one.question,
            subject=one.subject,
            label=one.firm_label,
            leaning=None if one.decided or side_of(one) == INCONCLUSIVE else side_of(one),
            positive=None if one.positive is None else one.positive.value,
        )
        for one in found.values()
    ]


def _rank(verdict: Verdict, deciding: dict[Question, str]) -> tuple[bool, float, bool]:
    positive = -1.0 if verdict.positive is None else verdict.positive.value
    return deciding.get(verdict.question) == verdict.subject, positive, verdict.decided


def add_verdicts(connection: Connection, case_id: str, report: Report) -> None:
    """Store the verdicts of a report for the list."""
    rows = [{"case_id": case_id, **one.model_dump()} for one in verdicts_of(report)]
    if rows:
        connection.execute(insert(case_verdicts), rows)


def set_sign_off(connection: Connection, case_id: str, sign_off: SignOff) -> None:
    """Note what people came to."""
    connection.execute(update(cases).where(cases.c.id == case_id).values(sign_off=sign_off))


def list_cases(
    database: Database,
    key_id: str | None,
    wanted: CaseFilter = CaseFilter(),  # noqa: B008 - frozen
    *,
    sort: Sort = "created",
    ascending: bool = False,
    limit: int,
    cursor: str | None = None,
    language: SummaryLanguage | None = None,
) -> Page:
    """A page of the cases that have not expired. Raises BadCursor.

    Args:
        database: where they are.
        key_id: whose cases; None: everybody's.
        wanted: which of them.
        sort: by what; "probability" is that of ``wanted.question``, which has to be given.
        ascending: the smallest first.
        limit: cases of one page.
        cursor: ``next`` of the page before, of the same order.
        language: of the answers; None: that of each report.
    """
    order: ColumnElement[Any] = {
        "created": cases.c.created,
        "name": cases.c.name,
        "probability": case_verdicts.c.positive,
    }[sort]
    query = select(*_LISTED, order.label("order")).where(cases.c.deleted.is_(None), cases.c.expires > now())
    if wanted.question is not None:
        query = query.join(
            case_verdicts,
            and_(case_verdicts.c.case_id == cases.c.id, case_verdicts.c.question == wanted.question),
        )
    query = query.where(*_conditions(key_id, wanted))
    if sort == "probability":
        query = query.where(order.is_not(None))
    if cursor is not None:
        value, case_id = _read_cursor(cursor, sort)
        query = query.where(
            or_(order > value, and_(order == value, cases.c.id > case_id))
            if ascending
            else or_(order < value, and_(order == value, cases.c.id < case_id))
        )
    query = query.order_by(*(one.asc() if ascending else one.desc() for one in (order, cases.c.id)))
    with database.read() as connection:
        rows = connection.execute(query.limit(limit + 1)).all()
        found = rows[:limit]
        verdicts = _verdicts(connection, [row.id for row in found])
    after = _cursor(sort, found[-1].order, found[-1].id) if len(rows) > limit else None
    return Page(tuple(_entry(row, verdicts.get(row.id, ()), language) for row in found), after)


def _conditions(key_id: str | None, wanted: CaseFilter) -> list[ColumnElement[bool]]:
    given: list[tuple[Any, Callable[[Any, Any], Any], ColumnElement[Any]]] = [
        (key_id, operator.eq, cases.c.key_id),
        (wanted.label, operator.eq, case_verdicts.c.label),
        (wanted.least, operator.ge, case_verdicts.c.positive),
        (wanted.most, operator.le, case_verdicts.c.positive),
        (wanted.status, operator.eq, cases.c.status),
        (wanted.decision, operator.eq, cases.c.decision),
        (wanted.sign_off, operator.eq, cases.c.sign_off),
        (wanted.since, operator.ge, cases.c.created),
        (wanted.until, operator.lt, cases.c.created),
    ]
    found: list[ColumnElement[bool]] = [compare(column, value) for value, compare, column in given if value is not None]
    if wanted.name is not None:
        found.append(cases.c.name.icontains(wanted.name, autoescape=True))
    return found


def _verdicts(connection: Connection, case_ids: Sequence[str]) -> dict[str, list[CaseVerdict]]:
    found: dict[str, list[CaseVerdict]] = {}
    wanted = select(case_verdicts).where(case_verdicts.c.case_id.in_(case_ids))
    for row in connection.execute(wanted.order_by(case_verdicts.c.question)).mappings():
        one = CaseVerdict.model_validate({name: row[name] for name in CaseVerdict.model_fields})
        found.setdefault(row["case_id"], []).append(one)
    return found


def _entry(row: Any, verdicts: Sequence[CaseVerdict], language: SummaryLanguage | None) -> CaseEntry:
    answers: dict[str | None, str] = json.loads(row.answers) if row.answers else {}
    return CaseEntry(
        case_id=row.id,
        name=row.name,
        created=row.created,
        expires=row.expires,
        etag=row.etag,
        status=row.status,
        problem=row.problem,
        answer=answers.get(language, row.answer),
        verdicts=tuple(verdicts),
        decision=row.decision,
        policy=row.policy,
        reasons=tuple(json.loads(row.reasons)) if row.reasons else (),
        sign_off=row.sign_off,
        kept=row.kept,
    )


def is_storable(text: str) -> bool:
    """Whether a database takes it: PostgreSQL takes no NUL, and neither it nor SQLite takes half a character."""
    return "\0" not in text and not any("\ud800" <= mark <= "\udfff" for mark in text)


def _cursor(sort: Sort, value: float | str, case_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, value, case_id]).encode()).decode().rstrip("=")


def _read_cursor(text: str, sort: Sort) -> tuple[float | str, str]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        of, value, case_id = found
    except (binascii.Error, ValueError, TypeError):
        raise BadCursor from None
    kind = str if sort == "name" else float
    if of != sort or type(value) is not kind or type(case_id) is not str:
        raise BadCursor
    if not all(is_storable(one) for one in (value, case_id) if isinstance(one, str)):
        raise BadCursor
    return value, case_id
