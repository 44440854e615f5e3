"""``python -m finetune.detectors.forgery.train RECIPE --data DIR``: train the forgery branch of the encoder.

Pairs come from ``data``, the cached input of the tuned blocks from ``features``; ``publish`` exports the result. The
state is stored at every validation: a run that was interrupted continues with the same batches. CPU and GPU run the
same code.

Losses: cross-entropy per patch against the share of foreign pixels and per picture, and per pair that the forged half
scores above the untouched one. Both halves of a pair are in one batch, and alignment and uniformity of the unit-length
feature are added (Wang and Isola 2020), as in GenD (Yermakov et al. 2025). Leaving out random patches
(PatchDropout, Liu et al. 2023) makes a step cheaper by nearly the same share.
"""

import argparse
import copy
import json
import math
import os
import warnings
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from evals.data.fingerprint import fingerprint
from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.head import Head, picture_feature
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.encoder.tower import Tower, load_tower
from faceagent.settings import load
from finetune.calibration.curves import draw_curves
from finetune.data.precision import autocast
from finetune.detectors.forgery import data as pairs
from finetune.detectors.forgery import publish
from finetune.detectors.forgery.features import FeatureCache, load_or_build, pair_batches
from finetune.detectors.forgery.recipe import LABELS, ForgeryRecipe, TuningRecipe, load_recipe
from finetune.detectors.forgery.scores import pointing_rate

FOREIGN, CLEAN = 0.35, 0.05
"""A patch with a larger share of foreign pixels is forged, with a smaller one than ``CLEAN`` clean; patches between
them have no loss."""
FORGED_PATCH_WEIGHT = 4.0
PAIR_WEIGHT, ALIGNMENT_WEIGHT, UNIFORMITY_WEIGHT = 0.5, 0.1, 0.5
UNIFORMITY_SCALE = 2.0
PATCHES_DROPPED = 0.85
"""Share of the steps in which patches are left out; in the others the head meets pictures as they are judged."""


class TrainerState(TypedDict):
    """Everything needed to continue training from one step."""

    lora: dict[str, Tensor]
    head: dict[str, Any]
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    dropout: list[Tensor]


class Trainer:
    """The last blocks with LoRA, the head, and their cached input."""

    def __init__(self, recipe: ForgeryRecipe, tower: Tower, data: FeatureCache, folder: Path) -> None:
        torch.manual_seed(recipe.optimiser.seed)
        how = recipe.adapter
        self.end = how.stop or tower.depth
        first = self.end - how.last_blocks
        self.model = tuned_model(how, tower.backbone.model, range(first, self.end))
        self.recipe, self.tower, self.data, self.folder = recipe, tower, data, folder
        self.backbone = tower.backbone  # PEFT changes the tower's own blocks
        self.first = first
        self.head = Head(tower.width, len(LABELS), 1).to(tower.device)
        self.lora = [value for value in self.model.parameters() if value.requires_grad]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": self.lora, "lr": recipe.optimiser.lr, "weight_decay": 0.01},
                {"params": self.head.parameters(), "lr": recipe.optimiser.head_lr, "weight_decay": 1e-4},
            ],
            betas=(0.9, 0.98),
        )
        count = len(data.pairs(held_out=False))
        self.steps = math.ceil(recipe.optimiser.epochs * count / recipe.optimiser.pairs)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._rate)

    def _rate(self, step: int) -> float:
        cycle = math.ceil(self.steps / self.recipe.optimiser.cycles)
        step %= cycle
        warm = min(1.0, (step + 1) / self.recipe.optimiser.warmup)
        return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / cycle)))

    def forward(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """N×labels and N×P logits of these rows of the cache."""
        return self._read(self._tokens(rows))

    def _tokens(self, rows: NDArray[np.int64], kept: NDArray[np.int64] | None = None) -> Tensor:
        """The branch's own last tokens, N×(1+P)×W; only the class token and the patches ``kept`` when given."""
        found = self.data.tokens[rows]
        if kept is not None:
            found = found[:, np.concatenate([[0], kept + 1])]
        tokens = torch.from_numpy(found.astype(np.float32)).to(self.tower.device)
        with autocast(self.tower.device):
            for block in self.backbone.blocks[self.first : self.end]:
                tokens = block(tokens)
            tokens = self.backbone.finish(tokens)
        return tokens.float()

    def _read(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        logits, patches = self.head(tokens)
        return logits, patches[..., 0]

    def loss(self, rows: NDArray[np.int64], kept: NDArray[np.int64] | None = None) -> dict[str, Tensor]:
        """The loss terms, each already with its weight; rows come as pairs, the untouched half first.

        With ``kept`` (indices of patches) all other patches are left out.
        """
        tokens = self._tokens(rows, kept)
        logits, patches = self._read(tokens)
        feature = functional.normalize(picture_feature(tokens), dim=-1)
        share = self.data.mask[rows] if kept is None else self.data.mask[rows][:, kept]
        mask = torch.from_numpy(share.astype(np.float32)).to(logits.device)
        foreign = (mask > FOREIGN).float()
        weight = ((mask < CLEAN) | (mask > FOREIGN)) * torch.where(mask > CLEAN, FORGED_PATCH_WEIGHT, 1.0)
        forged = torch.from_numpy(self.data.forged[rows]).to(logits.device)
        return {
            "patch": (binary_cross_entropy_with_logits(patches, foreign, reduction="none") * weight).mean(),
            "pair": PAIR_WEIGHT * softplus(logits[0::2, 0] - logits[1::2, 0]).mean(),
            "splice": binary_cross_entropy_with_logits(logits[:, 0], forged.float()),
            "alignment": ALIGNMENT_WEIGHT * alignment(feature, forged),
            "uniformity": UNIFORMITY_WEIGHT * uniformity(feature),
        }

    def step(self, rows: NDArray[np.int64]) -> dict[str, float]:
        """One optimiser step; returns the loss terms."""
        self.model.train()
        parts = self.loss(rows, self._kept())
        self.optimiser.zero_grad()
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(self.lora, 1.0)
        self.optimiser.step()
        self.schedule.step()
        return {name: value.item() for name, value in parts.items()}

    def _kept(self) -> NDArray[np.int64] | None:
        """Indices of the patches of the next step, the same in all its pictures; None: all of them."""
        how, at = self.recipe.optimiser, self.schedule.last_epoch
        if not how.patch_dropout or at >= PATCHES_DROPPED * self.steps:
            return None
        count = self.data.mask.shape[1]
        drawn = np.random.default_rng((how.seed, at)).permutation(count)
        return np.sort(drawn[: round(count * (1 - how.patch_dropout))])

    def validate(self) -> dict[str, float]:
        """AUC and pointing on the validation side, and the AUC of every maker; ``mean`` selects the state kept."""
        first = self.data.pairs(held_out=True)
        rows = np.stack([first, first + 1], axis=1).ravel()
        logits, patches = self.predict(rows)
        forged, maker = self.data.forged[rows], self.data.maker[rows]
        clean = logits[~forged, 0]
        by_maker = {
            str(name): two_sample_auc(logits[forged & (maker == name), 0], clean) for name in np.unique(maker[forged])
        }
        found = {
            "splice": two_sample_auc(logits[forged, 0], clean),
            "pointing": pointing_rate(patches[forged], self.data.mask[rows][forged]),
        }
        return {**by_maker, **found, "mean": found["splice"]}

    def predict(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logits of pictures and patches without dropout, as shipped."""
        self.model.eval()
        with torch.inference_mode():
            parts = [self.forward(rows[start : start + 32]) for start in range(0, len(rows), 32)]
        logits, patches = (torch.cat(list(part)).cpu().double().numpy() for part in zip(*parts, strict=True))
        return logits, patches

    def state(self) -> TrainerState:
        """Everything needed to continue from here, as copies that later steps do not change."""
        lora = {name: value.detach() for name, value in self.model.named_parameters() if value.requires_grad}
        found: TrainerState = {
            "lora": lora,
            "head": self.head.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "dropout": _generators(self.tower.device),
        }
        return copy.deepcopy(found)

    def restore(self, state: TrainerState, *, weights_only: bool = False) -> None:
        """Load what ``state`` returned; with ``weights_only`` the optimiser is left unchanged."""
        self.model.load_state_dict(state["lora"], strict=False)
        self.head.load_state_dict(state["head"])
        if not weights_only:
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
            _set_generators(self.tower.device, state["dropout"])


def tuned_model(how: TuningRecipe, model: nn.Module, blocks: Iterable[int]) -> Any:
    """The PEFT model in which only the recipe's layers of these blocks (counted from 0) are trained."""
    declare_missing_operators()
    from peft import LNTuningConfig, LoraConfig, get_peft_model

    indices = "|".join(str(index) for index in blocks)
    with warnings.catch_warnings():
        # PEFT asks every layer for its matrix shape, and LayerNorm has none.
        warnings.filterwarnings("ignore", message="Unsupported layer type")
        if how.mode == "layernorm":
            # The attention's and the MLP's own norms are identities: the pattern must not reach them.
            return get_peft_model(model, LNTuningConfig(target_modules=rf".*blocks\.({indices})\.norm[12]"))
        modules = "|".join(name.replace(".", r"\.") for name in how.modules)
        lora = LoraConfig(
            r=how.rank,
            lora_alpha=how.alpha,
            lora_dropout=how.dropout,
            use_rslora=True,
            target_modules=rf".*blocks\.({indices})\.({modules})",
        )
        return get_peft_model(model, lora)


def alignment(feature: Tensor, positive: Tensor) -> Tensor:
    """Mean squared distance of unit-length features (N×W) of one class, over all pairs of them."""
    same = (positive[:, None] == positive[None, :]).triu(1)
    return (2 - 2 * (feature @ feature.T))[same].mean()


def uniformity(feature: Tensor) -> Tensor:
    """Log of the mean Gaussian potential of all pairs of unit-length features (N×W); lower is more spread out."""
    apart = torch.ones(len(feature), len(feature), dtype=torch.bool, device=feature.device).triu(1)
    return (-UNIFORMITY_SCALE * (2 - 2 * (feature @ feature.T))[apart]).exp().mean().log()


def _generators(device: torch.device) -> list[Tensor]:
    """States of the random generators that dropout uses: the CPU's and the device's."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]


def _set_generators(device: torch.device, states: Sequence[Tensor]) -> None:
    torch.set_rng_state(states[0].cpu())
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1].cpu(), device)


def train(trainer: Trainer) -> dict[str, float]:
    """Train until the schedule or the patience ends; leaves the best state in the trainer.

    Writes one JSON line per validation to ``log.jsonl``, plotted in ``curves.png``. Returns the scores of the best
    validation.
    """
    how, folder = trainer.recipe.optimiser, trainer.folder
    keep = folder / "state.pt"
    at, best, waited = 0, {"mean": 0.0}, 0
    best_state = trainer.state()
    if keep.is_file():
        saved = torch.load(keep, weights_only=True)
        trainer.restore(saved["now"])
        at, best, waited, best_state = saved["at"], saved["best"], saved["waited"], saved["best_state"]
    drawn = pair_batches(trainer.data.pairs(held_out=False), how.pairs, np.random.default_rng(how.seed))
    # What was seen before the interruption is drawn again and passed over: the run is the one it would have been.
    batches = islice(drawn, at, None)
    parts: list[dict[str, float]] = []
    with Progress() as progress:
        task = progress.add_task(trainer.recipe.name, total=trainer.steps, completed=at)
        while at < trainer.steps and waited < how.patience:
            parts.append(trainer.step(next(batches)))
            at += 1
            progress.update(task, completed=at)
            if at % how.check_every and at != trainer.steps:
                continue
            found = trainer.validate()
            losses = {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}
            parts.clear()
            with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({"step": at, "loss": losses, "validation": found}) + "\n")
            waited = 0 if found["mean"] > best["mean"] else waited + 1
            if not waited:
                best, best_state = found, trainer.state()
            now = trainer.state()
            draw_curves(folder / "log.jsonl", folder / "curves.png")
            torch.save({"now": now, "at": at, "best": best, "waited": waited, "best_state": best_state}, keep)
    trainer.restore(best_state, weights_only=True)
    return best


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.forgery.train", description=__doc__)
    environment = os.environ.get("FACEAGENT_DATA")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, default=environment, required=environment is None)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="caches, logs and states; not for shipping")
    parser.add_argument("--out", type=Path, help="where to write the adapter; default: inside the run")
    parser.add_argument("--start-from", type=Path, metavar="RUN", help="a run to take the first weights from")
    options = parser.parse_args(arguments)
    recipe, settings = load_recipe(options.recipe), load()
    folder = options.runs / recipe.name
    tower = load_tower(settings, recipe.tower)
    plan = pairs.PairPlan(**recipe.data.model_dump())
    folders = {name: options.data / name for name in plan.counts}
    faces = pairs.gather_faces(plan, folders, options.runs / "faces", settings)
    targets = pairs.draw_targets(plan, faces)
    pairs.check_pairs(
        [one.source for one in targets],
        pairs.synthetic_of(targets),
        [one.held_out for one in targets],
    )
    start = (recipe.adapter.stop or tower.depth) - recipe.adapter.last_blocks
    mark = fingerprint(plan, tower.stamp, start)
    data = load_or_build(folder / "features", pairs.make_pairs(plan, faces), len(targets), tower, start, mark)
    trainer = Trainer(recipe, tower, data, folder)
    if options.start_from is not None:
        saved = torch.load(options.start_from / "state.pt", weights_only=True)
        trainer.restore(saved["best_state"], weights_only=True)
    found = train(trainer)
    target = options.out or folder / "adapter"
    publish.write_branch(target, recipe, tower, trainer.model, trainer.head)
    figures = {"validation": found, **publish.baselines(data)}
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"{recipe.name}: {json.dumps(found)} written to {target}")


if __name__ == "__main__":
    main()
