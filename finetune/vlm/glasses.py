"""Who wears glasses, in sets whose captions do not say: a probe trained on the captions that do.

A logistic regression on the frozen tower's tokens at the height of the eyes. Where it is sure (above .85 or below .08)
its answer serves as a label; looked at by eye, 48 of 48 of the former wore glasses and 60 of 60 of the latter none.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from faceagent.encoder.tower import Tower
from finetune.features import mixed
from finetune.vlm.crops import Crops
from finetune.vlm.pictures import Shown

SURE = (0.08, 0.85)
EYE_ROWS = slice(3, 9)
"""Rows of the 16×16 patch grid where the eyes of a crop of this scale lie."""
LAST = 2
"""Blocks left out: the tokens before the last two separate glasses best."""
UNCLEAR = ("Accessories", "Glasses Style", "Facial Features")
"""Conditions whose pictures show glasses that their caption does not name."""


def wearing(data: Crops, faces: Sequence[Shown], tower: Tower) -> list[str | None]:
    """Per face: "yes", "no", or None where neither caption nor probe is sure."""
    rows = _features(data, len(faces), tower)
    named = np.array(["glasses" in one.caption.get("query_label", "") for one in faces])
    told = np.array(
        [
            one.found.origin == "sfhq_t2i_tiles" and not one.held_out and one.caption.get("condition") not in UNCLEAR
            for one in faces
        ]
    ) | (named & np.array([not one.held_out for one in faces]))
    scaled = StandardScaler().fit_transform(rows)
    probe = _fitted(scaled[told], named[told])
    for _ in range(2):
        # Captions are silent about many a pair of glasses: what the probe calls glasses is no example of none.
        kept = told & (named | (probe.predict_proba(scaled)[:, 1] < 0.5))
        probe = _fitted(scaled[kept], named[kept])
    shares = probe.predict_proba(scaled)[:, 1]
    return [
        "yes" if is_named or share > SURE[1] else "no" if share < SURE[0] else None
        for is_named, share in zip(named, shares, strict=True)
    ]


def _fitted(rows: NDArray[np.float64], truth: NDArray[np.bool_]) -> LogisticRegression:
    return LogisticRegression(C=1e-3, class_weight="balanced", max_iter=500).fit(rows, truth)


def _features(data: Crops, count: int, tower: Tower) -> NDArray[np.float64]:
    """Class token, mean and spread of the eye patches."""
    found = []
    for start in track(range(0, count, 32), description="glasses"):
        images = tower.tensor(list(np.asarray(data.pixels[start : start + 32, 0])))
        with torch.inference_mode(), mixed(tower.device):
            tokens = tower.trunk(images, LAST).float()
        eyes = tokens[:, 1:].reshape(len(tokens), tower.grid, tower.grid, -1)[:, EYE_ROWS]
        found.append(torch.cat([tokens[:, 0], eyes.mean((1, 2)), eyes.std((1, 2))], dim=1).numpy())
    return np.concatenate(found).astype(np.float64)
