"""The calibrations of the spoof detector: what the networks' output counts for by the room around the face, and CLIP's.

One logistic regression has slope and intercept of the MiniFASNets' output without and with room, linear between, so
that the same face in a little more room gets nearly the same ratio. Where the branch on CLIP is there too, its log
likelihood ratio is averaged with that one.
"""

import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis import recapture
from faceagent.tools.spoof import JOINED, NETWORKS_ALONE, RoomScale, TowerLine
from finetune.calibration import platt
from finetune.calibration.records import CalibrationRecord, binary_record, operating_point
from finetune.detectors.spoof.data import Takes

Reals = NDArray[np.float64]

NO_ROOM, FULL_ROOM = 1.0, 1.3
"""Between these the slope and the intercept change: the range with least loss of five; a step at 1.3 loses .02 more."""
FALSE_ALARMS = (0.05, 0.02, 0.01)
ROUNDS = 100
SHARES = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Shares of CLIP's branch that are tried; the simulated attacks are its home, so neither side may decide alone."""
FITTED_ON = "FRLL training people, FairFace train, portraits and muxspace; attacks simulated from the same pictures"
NOTE = (
    "Attacks are simulated recaptures (evals.data.synthesis.recapture), not real ones; APCER is that of the worse of "
    "print and replay among them. The points let at most their rate of the live faces of every set be called spoofs."
)


def fit_room(takes: Takes) -> RoomScale:
    """Weighted logistic regression of attack against live on the networks' logit, the room, and their product."""
    share = np.clip((takes.room - NO_ROOM) / (FULL_ROOM - NO_ROOM), 0, 1)
    design = np.column_stack([takes.networks, takes.networks * share, np.ones(len(share)), share])
    weight = np.where(takes.attack, 0.5 / takes.attack.sum(), 0.5 / (~takes.attack).sum())
    beta = np.zeros(4)
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -60, 60)))
        gradient = design.T @ (weight * (chance - takes.attack))
        curvature = (design * (weight * chance * (1 - chance))[:, np.newaxis]).T @ design
        beta = beta - np.linalg.solve(curvature + 1e-6 * np.eye(4), gradient)
    slope, more, intercept, shift = (round(float(value), 4) for value in beta)
    return RoomScale(NO_ROOM, FULL_ROOM, (slope, intercept), (round(slope + more, 4), round(intercept + shift, 4)))


def networks_score(takes: Takes, scale: RoomScale) -> Reals:
    """Log likelihood ratio of every take by the networks alone."""
    return np.array([scale.weigh(logit, room) for logit, room in zip(takes.networks, takes.room, strict=True)])


def fit_tower(takes: Takes, branch: Reals, scale: RoomScale) -> TowerLine:
    """What the branch's output, out of fold, counts for, and its share: that of least loss together."""
    fitted = platt.fit(branch[takes.attack], branch[~takes.attack])
    line = TowerLine(round(fitted.slope, 4), round(fitted.intercept, 4), 0.0)
    networks, losses = networks_score(takes, scale), {}
    for share in SHARES:
        score = line._replace(share=share).joined(networks, branch)
        losses[share] = _loss(score[takes.attack], score[~takes.attack])
        print(f"share {share}: loss {losses[share]:.4f}", flush=True)
    return line._replace(share=min(losses, key=lambda one: losses[one]))


def _loss(positive: Reals, negative: Reals) -> float:
    """Mean cross-entropy of the best line, both classes weighing the same, in nats."""
    slope, intercept = platt.fit(positive, negative)
    sides = (np.logaddexp(0, -(slope * positive + intercept)), np.logaddexp(0, slope * negative + intercept))
    return float(np.mean([side.mean() for side in sides]))


def networks_record(takes: Takes, scale: RoomScale) -> CalibrationRecord:
    """The record for the networks alone."""
    return {**_record(NETWORKS_ALONE, takes, networks_score(takes, scale)), "room": _room(scale)}


def joined_record(takes: Takes, branch: Reals, scale: RoomScale, line: TowerLine) -> CalibrationRecord:
    """The record for networks and branch together."""
    score = line.joined(networks_score(takes, scale), branch)
    return {**_record(JOINED, takes, score), "room": _room(scale), "tower": line._asdict()}


def _room(scale: RoomScale) -> dict[str, float | list[float]]:
    return {"none": scale.none, "full": scale.full, "without": list(scale.without), "within": list(scale.within)}


def _record(name: str, takes: Takes, score: Reals) -> CalibrationRecord:
    live, sources = ~takes.attack, np.unique(takes.source, return_inverse=True)[1]
    points = []
    for rate in FALSE_ALARMS:
        line = max(float(np.quantile(score[live & (takes.origin == one)], 1 - rate)) for one in np.unique(takes.origin))
        missed = max(float(np.mean(score[takes.kind == attack] < line)) for attack in recapture.ATTACKS)
        errors = {"bpcer": float(np.mean(score[live] >= line)), "apcer": missed}
        points.append(operating_point(f"BPCER {100 * rate:.0f} %", line, errors))
    return binary_record(
        name,
        "logit",
        ("spoof", "live"),
        (score[~live], score[live]),
        (sources[~live], sources[live]),
        points,
        fitted_on=FITTED_ON,
        note=NOTE,
    )
