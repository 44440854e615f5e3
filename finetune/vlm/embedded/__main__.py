"""``python -m finetune.vlm.embedded STAGE --data DIR --work DIR``: train the embedded model, stage by stage.

``bank``: find faces, make crops, store the features of the vision tower. ``projector``: train the projector, a part of
the base from then on. ``vqa``: train the adapter for questions about the picture. ``samples``: write the samples of the
explanation adapters (``finetune.text``). ``adapter NAME``: train an adapter on that base and those samples, starting
from another (``--begin``); a name that is no topic is trained on all topics. ``evaluate``: ask the ``vqa`` adapter
about held-out people in words not used in training, and again with the picture of another person. Every stage stores
its result in ``--work`` and continues after an interruption; shipped weights are written to ``--weights``.
"""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evals.metrics.proportion import wilson
from faceagent.vlm.embedded_model import weights_folder
from finetune.vlm.embedded import stages

STAGES = ("bank", "projector", "vqa", "samples", "adapter", "evaluate")


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.vlm.embedded", description=__doc__)
    environment = os.environ.get("FACEAGENT_DATA")
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("name", nargs="?", help="adapter: expression, forgery, identity, or common")
    parser.add_argument("--data", type=Path, default=environment and Path(environment), help="folder of the sets")
    parser.add_argument("--work", type=Path, required=True, help="caches and checkpoints")
    parser.add_argument("--begin", type=Path, help="adapter: folder of the one to begin from; default: vqa")
    parser.add_argument("--weights", type=Path, default=weights_folder(), help="where finished weights go")
    parser.add_argument("--minutes", type=float, default=0.0, help="end training early; 0: all steps")
    parser.add_argument("--seed", type=int, default=stages.SEED, help="adapter: order of the samples")
    parser.add_argument("--part", default="0/1", help="bank: this process's share, as 0/2 and 1/2")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("--data or FACEAGENT_DATA must name the folder of the sets")
    if options.stage == "adapter" and options.name is None:
        parser.error("adapter needs a name")
    work = stages.WorkFolders(options.data, options.work, options.weights)
    if options.stage == "bank":
        part, _, parts = options.part.partition("/")
        stages.run_bank(work, int(part), int(parts))
    elif options.stage == "projector":
        print(json.dumps(stages.run_projector(work), indent=1))
    elif options.stage == "vqa":
        stages.run_vqa(work, options.minutes)
    elif options.stage == "samples":
        print(json.dumps(stages.run_samples(work)))
    elif options.stage == "adapter":
        stages.run_adapter(work, options.name, options.begin, options.minutes, options.seed)
    else:
        _print_results(stages.run_evaluation(work))


def _print_results(found: Mapping[str, tuple[list[bool], list[bool]]]) -> None:
    for topic, sides in found.items():
        for name, marks in zip(("right picture", "another picture"), sides, strict=True):
            low, high = wilson(sum(marks), len(marks))
            print(f"{topic:8} {name:16} {sum(marks) / len(marks):.3f} [{low:.3f}, {high:.3f}] n {len(marks)}")
    right, other = (float(np.mean([np.mean(sides[which]) for sides in found.values()])) for which in (0, 1))
    print(f"mean     {right:.3f}, with another picture {other:.3f}")


if __name__ == "__main__":
    main()
