"""``python -m finetune.text expression|forgery|swap``: write training samples, without a language model.

``expression``: real pictures, measured by the product and explained by the grammar. ``forgery``: pictures forged here,
with one question about the picture and one explanation of the evidence each. ``swap``: preference pairs of given
samples.
"""

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from evals.data.training_sets import EXPRESSION_SET
from faceagent.settings import load
from finetune.data.samples import TrainingSample, read_samples, write_samples
from finetune.text.annotators import GrammarAnnotator
from finetune.text.case import RejectedCase
from finetune.text.exp_cot import exp_cot
from finetune.text.expression_cases import expression_cases
from finetune.text.forgery import evidence_sample, maker_sample
from finetune.text.preference import swapped_samples

PICTURES = "forged"


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.text", description=__doc__)
    environment = os.environ.get("FACEAGENT_DATA")
    parser.add_argument("engine", choices=("expression", "forgery", "swap"))
    parser.add_argument("--data", type=Path, default=environment, help="folder of the sets")
    parser.add_argument("--samples", type=Path, nargs="+", default=[], help="swap: files of samples")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines; pictures made go beside it")
    parser.add_argument("--every", type=int, default=1, help="take one picture of so many")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.engine == "swap" and not options.samples:
        parser.error("swap needs --samples")
    if options.engine != "swap" and options.data is None:
        parser.error(f"{options.engine} needs --data or FACEAGENT_DATA")
    made: Iterable[TrainingSample | RejectedCase]
    if options.engine == "expression":
        made = exp_cot(expression_cases(options.data, load(), options.every), GrammarAnnotator(), options.seed)
    elif options.engine == "forgery":
        made = _forgery(options.data, options.out, options.every, options.seed)
    else:
        made = swapped_samples([sample for file in options.samples for sample in read_samples(file)], options.seed)
    tally: Counter[str] = Counter()
    write_samples(_kept(made, tally), options.out)
    print(", ".join(f"{name} {count}" for name, count in tally.most_common()) or "nothing")


def _forgery(data: Path, out: Path, every: int, seed: int) -> Iterator[TrainingSample | RejectedCase]:
    from finetune.data.sources import faces_of
    from finetune.text.forgery_cases import make_pictures

    settings = load()
    faces = faces_of(EXPRESSION_SET, {EXPRESSION_SET: data / EXPRESSION_SET}, out.parent / "faces", settings)[::every]
    for made in make_pictures(faces, out.parent, PICTURES, settings, seed):
        yield maker_sample(made.shot, made.source, f"known/{made.shot.path}", seed)
        if made.case is not None:
            yield evidence_sample(made.case, made.touched, (), seed)


def _kept(made: Iterable[TrainingSample | RejectedCase], tally: Counter[str]) -> Iterator[TrainingSample]:
    for one in made:
        if isinstance(one, RejectedCase):
            tally["rejected"] += 1
        else:
            tally[f"{one.meta['engine']} {one.meta['label']}"] += 1
            yield one


if __name__ == "__main__":
    main()
