"""A probe for glasses, trained on captions that mention them, for sets whose captions do not.

Logistic regression on the frozen tower's tokens at eye height. Probabilities above .85 or below .08 serve as labels;
inspected by eye in an earlier run, 48 of 48 of the former wore glasses and 60 of 60 of the latter did not.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from evals.data.synthesis.measured_faces import MeasuredFace
from finetune.vlm.embedded.feature_bank import FeatureBank

SURE = (0.08, 0.85)
UNCLEAR = ("Accessories", "Glasses Style", "Facial Features")
"""Conditions whose pictures show glasses that their caption does not name."""


def predict_glasses(bank: FeatureBank, faces: Sequence[MeasuredFace]) -> list[str | None]:
    """Per picture: "yes", "no", or None where neither caption nor probe is certain."""
    captions = [faces[one.face].caption for one in bank.pictures]
    named = np.array(["glasses" in caption.get("query_label", "") for caption in captions])
    train = np.array([not one.held_out for one in bank.pictures])
    silent = np.array(
        [
            one.origin == "sfhq_t2i_tiles" and caption.get("condition") not in UNCLEAR
            for one, caption in zip(bank.pictures, captions, strict=True)
        ]
    )
    told = train & (silent | named)
    scaled = StandardScaler().fit_transform(bank.eyes.astype(np.float64))
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
