"""What a moderation policy does, in sentences for people who do not read YAML: one per rule, and what else holds."""

from collections.abc import Callable

from faceagent.judge.conditions import Meaning, parse_condition
from faceagent.serve import desk
from faceagent.serve.moderation import PolicyDocument, Rule
from faceagent.types import SummaryLanguage


def sentences(document: PolicyDocument, language: SummaryLanguage) -> tuple[str, ...]:
    """One sentence per rule in their order, and one for where none is met."""
    table = desk.words(language)

    def word(section: str, name: str) -> str:
        return str(table[section][name])

    rules = [_rule(rule, word) for rule in document.rules]
    return (*rules, word("rules", "otherwise").format(decision=word("rules", document.otherwise)))


def _rule(rule: Rule, word: Callable[[str, str], str]) -> str:
    met = word("rules", "and").join(_condition(parse_condition(text).meaning, word) for text in rule.when)
    text = word("rules", "rule").format(decision=word("rules", rule.then), conditions=met)
    return text[0].upper() + text[1:]


def _condition(meaning: Meaning, word: Callable[[str, str], str]) -> str:
    if meaning.kind in ("report", "action"):
        return word("conditions", meaning.name)
    if meaning.kind == "quality":
        limit = f"{meaning.limit:g}"
        return word("conditions", _bound("below", meaning)).format(name=word("quality", meaning.name), limit=limit)
    label = word("answers", meaning.name)
    question = None if meaning.question is None else word("titles", meaning.question)
    if meaning.kind == "probability":
        percent = f"{100 * meaning.limit:g}"
        return word("conditions", _bound("above", meaning)).format(question=question, label=label, percent=percent)
    return word("conditions", "label" if question is None else "labelled").format(question=question, label=label)


def _bound(name: str, meaning: Meaning) -> str:
    return name if meaning.strict else f"{name}_or_at"
