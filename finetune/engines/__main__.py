"""``python -m finetune.engines expression --data DIR --out FILE``: training text, made offline.

From real pictures, each measured by the product and explained by the grammar.
"""

import argparse
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from faceagent.settings import load
from finetune.engines.annotators import Grammar
from finetune.engines.answers import Rejected
from finetune.engines.cases import expression_cases
from finetune.engines.exp_cot import exp_cot
from finetune.engines.record import Sample, write


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.engines", description=__doc__)
    environment = os.environ.get("FACEAGENT_DATA")
    parser.add_argument("engine", choices=("expression",))
    parser.add_argument("--data", type=Path, default=environment, required=environment is None)
    parser.add_argument("--out", type=Path, required=True, help="JSON lines")
    parser.add_argument("--every", type=int, default=1, help="take one picture of so many")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    tally: Counter[str] = Counter()

    def kept() -> Iterator[Sample]:
        cases = expression_cases(options.data, load(), options.every)
        for made in exp_cot(cases, Grammar(), options.seed):
            tally["rejected" if isinstance(made, Rejected) else str(made.meta["label"])] += 1
            if isinstance(made, Sample):
                yield made

    write(kept(), options.out)
    print(", ".join(f"{name} {count}" for name, count in tally.most_common()))


if __name__ == "__main__":
    main()
