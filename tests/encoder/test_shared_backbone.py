"""One forward pass for several tools, no more memory than agreed."""

import threading

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from faceagent.encoder.encoder import load_encoder
from faceagent.encoder.shared_backbone import KeptBlocks, SharedBackbone
from faceagent.encoder.tower import Tower, load_tower
from faceagent.settings import Settings

Crops = list[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def tower(settings: Settings) -> Tower:
    return load_tower(settings)


class Counted:
    """Counts calls of every block of a tower while it is open; on a processor there is one for each crop."""

    def __init__(self, tower: Tower) -> None:
        self.counts = [0] * tower.depth
        self._tower = tower

    def __enter__(self) -> list[int]:
        def count(at: int) -> None:
            self.counts[at] += 1

        self._hooks = [
            block.register_forward_hook(lambda *_, at=at: count(at))
            for at, block in enumerate(self._tower.backbone.blocks)
        ]
        return self.counts

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()


def crops(seed: int, count: int = 1) -> Crops:
    return list(np.random.default_rng(seed).integers(0, 256, (count, 224, 224, 3), dtype=np.uint8))


def test_a_batch_met_again_continues_where_it_was(tower: Tower) -> None:
    trunk = SharedBackbone(tower, KeptBlocks(frozenset({2, 4}), frozenset({1})), memory=4)
    with torch.inference_mode(), Counted(tower) as counts:
        trunk.forward(crops(0), 2)
        tokens, pooled = trunk.forward(crops(0), 4)
        assert counts[:5] == [1, 1, 1, 1, 0]
        trunk.forward(crops(0), 1)
        assert sum(counts) == 4
        trunk.forward(crops(1), 1)
        assert counts[0] == 2
        expected = tower.frozen_tokens(tower.tensor(crops(0)), tower.depth - 4)
    assert set(tokens) == {2, 4} and set(pooled) == {1}
    assert torch.allclose(tokens[4], expected, atol=1e-5)


def test_the_oldest_batches_are_forgotten(tower: Tower) -> None:
    trunk = SharedBackbone(tower, KeptBlocks(frozenset({1}), frozenset()), memory=3)
    with torch.inference_mode(), Counted(tower) as counts:
        for seed in (0, 1, 2, 3, 0):
            trunk.forward(crops(seed), 1)
        assert counts[0] == 5
        trunk.forward(crops(3), 1)
        assert counts[0] == 5
        trunk.forward(crops(4, 4), 1)
        trunk.forward(crops(4, 4), 1)
        assert counts[0] == 5 + 2 * 4, "a batch larger than the memory is not kept"


def test_tools_that_ask_at_once_wait_for_one_walk(tower: Tower) -> None:
    trunk = SharedBackbone(tower, KeptBlocks(frozenset({6}), frozenset()), memory=4)
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait()
        with torch.inference_mode():
            trunk.forward(crops(0), 6)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    with Counted(tower) as counts:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts[:6] == [1] * 6


def test_other_batches_of_the_same_crops_go_on_from_where_each_is(tower: Tower) -> None:
    """As when a tool skips faces that another one reads, or reads them in parts."""
    trunk = SharedBackbone(tower, KeptBlocks(frozenset({1, 3}), frozenset()), memory=8)
    many = crops(7, 3)
    with torch.inference_mode(), Counted(tower) as counts:
        trunk.forward(many, 1)
        trunk.forward(many[1:2], 3)
        tokens, _ = trunk.forward([many[2], many[1], many[2]], 3)
        assert counts[:4] == [3, 2, 2, 0]
        expected = tower.frozen_tokens(tower.tensor([many[2], many[1], many[2]]), tower.depth - 3)
    assert torch.allclose(tokens[3], expected, atol=1e-5)


def test_threads_with_crops_in_common_do_not_wait_for_each_other(tower: Tower) -> None:
    trunk = SharedBackbone(tower, KeptBlocks(frozenset({2}), frozenset()), memory=8)
    many = crops(9, 3)
    start = threading.Barrier(4)

    def ask(turn: int) -> None:
        start.wait()
        with torch.inference_mode():
            trunk.forward(many[turn % 3 :] + many[: turn % 3], 2)

    threads = [threading.Thread(target=ask, args=(turn,), daemon=True) for turn in range(4)]
    with Counted(tower) as counts:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in threads)
        assert counts[:2] == [3, 3]


def test_a_crop_has_the_same_state_alone_and_in_a_batch(tower: Tower) -> None:
    many = crops(5, 4)
    with torch.inference_mode():
        together, _ = SharedBackbone(tower, KeptBlocks(frozenset({4}), frozenset())).forward(many, 4)
        for row, crop in enumerate(many):
            alone, _ = SharedBackbone(tower, KeptBlocks(frozenset({4}), frozenset())).forward([crop], 4)
            assert torch.equal(alone[4][0], together[4][row])


def test_encoders_of_one_process_share_tower_branches_and_trunk(settings: Settings) -> None:
    one, two = load_encoder(settings, ("forgery",)), load_encoder(settings, ("forgery",))
    assert one.shared is two.shared and one.branches["forgery"] is two.branches["forgery"]
    first = one.run(crops(5))["forgery"].logits
    with Counted(one.tower) as counts:
        again = two.run(crops(5))["forgery"].logits
    assert sum(counts) == 0
    assert np.array_equal(first, again)
