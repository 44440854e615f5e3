"""What the three detectors have in common: two classes, a score, a shipped threshold, attack types, cues.

The positive class is the attack (forged, morph, spoof) and scores high. Knows no tool by name.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import TYPE, cluster_of, clustering, find, need, translated
from evals.metrics import pad, ranking
from evals.metrics.arrays import Flags, Reals, mean, share
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, ConfusionGrid, Figure, reliability_diagram, roc
from evals.runner import Runner
from evals.stats.shortcut_features import cross_validated, oriented
from evals.task import CaseTable, Values
from evals.tasks.attack_scores import decided_score_of
from faceagent.tools.base import View
from faceagent.types import Evidence, Question

ATTACK, BONA_FIDE = "attack", "bona_fide"
LABEL = ("label", "class", "target", "is_fake", "is_morph", "is_spoof", "fake", "real_or_fake", "type", "kind")
VALIDATION = ("val", "valid", "validation", "dev", "devel", "development")
PER_TYPE = {"auc": "AUC per attack type", "apcer": "APCER per attack type", "d_eer": "D-EER per family"}
"""Metrics that a task may have per attack type."""
MOST_TYPES = 8
"""Attack types up to which each has a spectrum fitted of its own."""
SINGLE_FEATURES = ("file_size", "resolution", "sharpness")


def reader(task: str, attacks: Sequence[str], others: Sequence[str]) -> Callable[[Dataset, str], Cases]:
    """A reader of two-class sets whose label words are ``attacks`` and ``others``."""
    words = dict.fromkeys(attacks, ATTACK) | dict.fromkeys(others, BONA_FIDE)

    def read(dataset: Dataset, tool: str) -> Cases:
        del tool  # every detector of a question reads the same labels
        column = need(dataset, LABEL, task)
        known, skips = translated(dataset.items, column, words)
        kinds = find(dataset, [name for name in TYPE if name != column])
        grouped, note = clustering(dataset)
        cases = tuple(
            Case(
                item.id,
                item.file,
                {
                    "class": meaning,
                    "type": _type(item.labels, column, kinds) if meaning == ATTACK else "",
                    "video": item.labels.get("video", ""),
                    "validation": float(item.labels.get("split", "").lower() in VALIDATION),
                },
                cluster_of(item, grouped),
            )
            for item, meaning in known
        )
        return Cases(cases, tuple(skips), () if note is None else (note,))

    return read


def _type(labels: Mapping[str, str], column: str, kinds: str | None) -> str:
    named = labels.get(kinds, "") if kinds else ""
    return (named or labels[column]).strip().replace(" ", "_")


def observer(question: Question) -> Callable[[Runner, Sequence[Case]], list[Values | Skip]]:
    """Observes score, likelihood ratio, probability, shipped decision and verdict, beside trivial cues."""

    def reading(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
        return decided_score_of(evidence, view, question)

    def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
        return runner.faces(cases, reading, shortcuts=True)

    return observe


class AttackColumns:
    """The columns of a two-class table that metrics need."""

    def __init__(self, table: CaseTable) -> None:
        self.attack: Flags = np.array([label == ATTACK for label in table.labels("class")], dtype=bool)
        self.score: Reals = table.numbers("score")
        self.probability: Reals = table.numbers("probability")
        self.called: Reals = table.numbers("called")
        self.verdict: Reals = table.numbers("verdict_attack")
        self.types = table.labels("type")
        self.videos = table.labels("video")
        self.validation: Flags = table.truth("validation") > 0
        self.ranking = ranking.Ranking(self.score, self.attack)
        self.decided = not np.isnan(self.called).any()

    def validation_threshold(self) -> float | None:
        """The threshold that is best on the validation rows, where both classes are there and other rows too."""
        rows = self.validation
        both = self.attack[rows].any() and not self.attack[rows].all()
        return ranking.threshold_of_best_accuracy(self.score[rows], self.attack[rows]) if both else None

    def equal_error_threshold(self) -> float | None:
        """The threshold of equal errors on the validation rows, for HTER."""
        rows = self.validation
        both = self.attack[rows].any() and not self.attack[rows].all()
        return ranking.threshold_at_equal_error(ranking.curve(self.score[rows], self.attack[rows])) if both else None

    def by_type(self) -> dict[str, Flags]:
        """Rows of every attack type together with all bona fide ones, when there are several types."""
        names = np.array(self.types)
        kinds = sorted(set(names[self.attack].tolist()))
        return {name: (names == name) | ~self.attack for name in kinds} if len(kinds) > 1 else {}


def decisions(columns: AttackColumns, weights: Reals) -> dict[str, Reals]:
    """Accuracy and errors at the shipped threshold, and at the one chosen on the validation split where there is one.

    A tool without a threshold has no decisions, and so none of these errors.
    """
    found: dict[str, Reals] = {}
    if columns.decided:
        called = columns.called > 0
        found = {
            "accuracy": mean(called == columns.attack, weights),
            "balanced_accuracy": (share(called, columns.attack, weights) + share(~called, ~columns.attack, weights))
            / 2,
            "false_alarm_rate": share(called, ~columns.attack, weights),
            "miss_rate": share(~called, columns.attack, weights),
        }
    if not np.isnan(columns.verdict).any():
        judged = columns.verdict > 0
        found["verdict_detection_rate"] = share(judged, columns.attack, weights)
        found["verdict_false_alarm_rate"] = share(judged, ~columns.attack, weights)
    if not np.isnan(columns.probability).all():
        found["accuracy_at_0.5"] = mean((np.nan_to_num(columns.probability) >= 0.5) == columns.attack, weights)
    threshold = columns.validation_threshold()
    if threshold is not None:
        rest = ~columns.validation
        found["accuracy_at_validation_threshold"] = share((columns.score >= threshold) == columns.attack, rest, weights)
    return found


def pad_errors(columns: AttackColumns, points: ranking.Curve, weights: Reals) -> dict[str, Reals]:
    """APCER per type and the worst, BPCER, ACER at the shipped threshold; BPCER at fixed APCERs; D-EER."""
    found = {
        "d_eer": pad.detection_eer(points),
        **{f"bpcer_at_apcer_{rate:.0%}".rstrip("%"): pad.bpcer_at_apcer(points, rate) for rate in pad.POINTS},
    }
    if not columns.decided:
        return found
    # The shipped decision is a threshold already applied: 1 for an attack.
    errors = pad.errors_at(0.5, columns.called, columns.attack, columns.types, weights)
    named = {f"apcer.{name}": rate for name, rate in errors.apcer.items()} if len(errors.apcer) > 1 else {}
    return {
        "apcer_max": errors.apcer_max,
        "apcer_mean": errors.apcer_mean,
        "bpcer": errors.bpcer,
        "acer": errors.acer,
        "hter_at_shipped_line": errors.hter,
        **found,
        **named,
    }


def non_response(table: CaseTable) -> Measurement:
    """APNRR and BPNRR, and APNRR per attack type: the shares of presentations without an answer (ISO/IEC 30107-3)."""
    silent = table.numbers("answered") == 0
    attack = np.array([label == ATTACK for label in table.labels("class")], dtype=bool)
    names = np.array(table.labels("type"))
    kinds = sorted(set(names[attack].tolist()))

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found = {"apnrr": share(silent, attack, weights), "bpnrr": share(silent, ~attack, weights)}
        if len(kinds) > 1:
            found |= {f"apnrr.{name}": share(silent, attack & (names == name), weights) for name in kinds}
        return found

    return measure


def shortcut_scores(table: CaseTable, attack: Flags) -> dict[str, Reals]:
    """Every trivial cue as a score, and a logistic regression over the radial spectrum, cross-validated by cluster."""
    scores = {name: oriented(table.numbers(f"cue_{name}"), attack) for name in SINGLE_FEATURES}
    spectrum = table.numbers("cue_spectrum")
    if len(table) and spectrum.ndim == 2:
        scores["radial_spectrum"] = cross_validated(spectrum, attack, table.clusters)
    return {name: column for name, column in scores.items() if not np.isnan(column).any()}


def trivial(table: CaseTable) -> Measurement:
    """AUC of every trivial cue; of the radial spectrum also against each attack type, fitted to that type alone."""
    attack = np.array([label == ATTACK for label in table.labels("class")], dtype=bool)
    ranked = {name: ranking.Ranking(column, attack) for name, column in shortcut_scores(table, attack).items()}
    spectra = _spectrum_by_type(table, attack) if len(table) else {}

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found = {f"{name}_auc": ranking.area(one.curve(weights)) for name, one in ranked.items()}
        return found | {
            f"radial_spectrum_auc.{name}": ranking.area(one.curve(weights[..., rows]))
            for name, (rows, one) in spectra.items()
        }

    return measure


def _spectrum_by_type(table: CaseTable, attack: Flags) -> dict[str, tuple[Flags, ranking.Ranking]]:
    """Per attack type, where there are several: its rows with all bona fide ones, ranked by a spectrum fitted there."""
    spectrum, types = table.numbers("cue_spectrum"), np.array(table.labels("type"))
    kinds = sorted(set(types[attack].tolist()))
    if spectrum.ndim != 2 or not 1 < len(kinds) <= MOST_TYPES:
        return {}
    found = {}
    for name in kinds:
        rows = (types == name) | ~attack
        clusters = [cluster for cluster, there in zip(table.clusters, rows.tolist(), strict=True) if there]
        logits = cross_validated(spectrum[rows], attack[rows], clusters)
        if not np.isnan(logits).any():
            found[name] = (rows, ranking.Ranking(logits, attack[rows]))
    return found


def curves(table: CaseTable) -> tuple[Figure, ...]:
    """ROC and DET beside the best trivial cue, reliability, errors at the shipped threshold, and figures per type."""
    columns = AttackColumns(table)
    figures = list(roc([("detector", columns.score), *_best_shortcut(table, columns)], columns.attack))
    known = ~np.isnan(columns.probability)
    if known.any():
        figures.append(reliability_diagram(columns.probability[known], columns.attack[known]))
    if columns.decided:
        cells = [
            tuple(float((rows & (columns.called == called)).sum()) for called in (0, 1))
            for rows in (~columns.attack, columns.attack)
        ]
        figures.append(
            ConfusionGrid(
                "At the shipped threshold (rows: label)", ("bona fide", "attack"), ("passed", "called"), tuple(cells)
            )
        )
    for metric, title in PER_TYPE.items():
        kinds = columns.by_type()
        if kinds and not columns.attack.all():
            figures.append(Bars(title, tuple((name.replace("_", " "), f"{metric}.{name}") for name in kinds)))
    return tuple(figures)


def _best_shortcut(table: CaseTable, columns: AttackColumns) -> list[tuple[str, Reals]]:
    scores = shortcut_scores(table, columns.attack)
    best = max(scores, key=lambda name: float(np.nan_to_num(ranking.auc(scores[name], columns.attack))), default=None)
    return [] if best is None else [(best.replace("_", " "), scores[best])]


def wrongness(table: CaseTable) -> Reals:
    """How far a score lies on the wrong side, by the probability given."""
    columns = AttackColumns(table)
    gap = np.abs(columns.probability - columns.attack)
    return np.where(gap > 0.5, gap, np.nan)
