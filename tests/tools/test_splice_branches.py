"""Both towers' branches as one score and one map."""

import numpy as np
import pytest

from faceagent.encoder.encoder import Encoder, load_encoder
from faceagent.settings import Settings
from faceagent.tools.splice_branches import BRANCH, FAST, WEIGHTS, SpliceBranches


@pytest.fixture(scope="module")
def encoders(settings: Settings) -> dict[str, Encoder]:
    return {name: load_encoder(settings, (name,)) for name in (BRANCH, FAST)}


def test_score_and_map_are_the_weighted_mean_of_the_branches(encoders: dict[str, Encoder]) -> None:
    crops = [np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype(np.uint8)]
    scores, maps = SpliceBranches(encoders).read(crops)
    alone = {name: SpliceBranches({name: one}).read(crops) for name, one in encoders.items()}
    assert scores[0] == pytest.approx(sum(WEIGHTS[name] * found[0][0] for name, found in alone.items()))
    assert (scores == SpliceBranches(encoders).scores(crops)).all()
    # The map keeps the first branch's grid; what lies between two patches of the other is shared out.
    assert maps.shape[1:] == (14, 14) and alone[FAST][1].shape[1:] == (16, 16)
    means = [WEIGHTS[name] * found[1].mean() for name, found in alone.items()]
    assert maps.mean() == pytest.approx(sum(means), abs=5e-3)


def test_the_weights_are_shares() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
