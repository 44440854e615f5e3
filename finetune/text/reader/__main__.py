"""``python -m finetune.text.reader``: train the encoder's adapters and the heads, and write them with their card.

Takes half an hour on one core. ``--without paraphrases-8 …`` leaves sets out, so that thresholds can be chosen on
sentences that the networks have not seen; write such weights somewhere else with ``--out``.
"""

import argparse
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors.numpy import load_file

from evals.data.queries import Set, queries
from faceagent import policy
from faceagent.policy import PURPOSES
from faceagent.router.grammar import grammar
from faceagent.router.plan import FILE_FACTS
from faceagent.router.reader import heads_path
from faceagent.router.sentence_encoder import SOURCE, Tokenizer
from faceagent.settings import load
from faceagent.types import QUESTIONS
from faceagent.weights.checksums import write_sums
from faceagent.weights.e5 import FIRST_ADAPTED, LAYERS, RANK, read_vocabulary
from faceagent.weights.resolve import locate
from finetune.text.reader.adapter import Lower
from finetune.text.reader.examples import (
    FILES,
    LABELLED,
    TRAINED,
    Example,
    labelled_by_others,
    sentences,
    varied,
    written,
)
from finetune.text.reader.train import HIDDEN, Classes, Matrix, train

LANGUAGES = ("en", "es", "zh", "de", "fr", "it", "pt", "ja", "ko", "ar", "ru", "hi", "nl")


def classes_of(found: Sequence[Example]) -> Classes:
    """Names of the classes of each head."""
    return {
        "kind": sorted({one.kind for one in found}),
        "questions": list(QUESTIONS),
        "topics": list(policy.TOPICS),
        "facts": list(FILE_FACTS),
        "purpose": list(PURPOSES),
        "details": _detail_names(),
        "language": list(LANGUAGES),
    }


def _detail_names() -> list[str]:
    tables = grammar().tables
    names = [f"side:{name}" for name in tables["sides"]] + [f"superlative:{name}" for name in tables["superlatives"]]
    words = {name for table in ("people", "traits") for name in tables[table]}
    return [*names, *(f"word:{name}" for name in sorted(words)), "every", "depth:brief", "depth:deep"]


def card(found: Sequence[Example], classes: Classes, without: Sequence[str], continued: Sequence[str]) -> str:
    """The card beside the weights."""
    sets = ", ".join(name for name in TRAINED if name not in without)
    again = (
        f"""
- Continued in one pass from weights that were trained on all sentences but those of {", ".join(continued)}; the number
  above is that of this pass."""
        if continued
        else ""
    )
    return f"""# Reader

`reader.safetensors`: adapters of rank {RANK} in the layers {FIRST_ADAPTED} to {LAYERS - 1} of multilingual-e5-small
(catalogue id `multilingual_e5_small_q4`), and a network of {HIDDEN} hidden units for each of {", ".join(classes)} on
its sentence vector. Used by `faceagent/router/reader.py` to read what the rules leave open, to tell a request from a
remark, and to drop what the rules made of a describing word.

- Trained by `python -m finetune.text.reader` on {len(found)} sentences: the text files of
  `finetune/text/reader`, written for this purpose by the authors of the rules and by writers who had not read them, the
  sets {sets} of `evals/data`, and
  the same sentences with slips of the keyboard and with words before and after them. No text of a user.{again}
- Languages: English, Spanish and Chinese; a few sentences each of German, French, Italian, Portuguese, Japanese,
  Korean, Arabic, Russian and Hindi, so that a question in them is recognized.
- Classes of `kind`: {", ".join(classes["kind"])}.
- Limits: reads one turn without the conversation; irony and quotations are read as they stand.
- Licence: that of this project.
"""


def sampled(found: Sequence[Example], files: Sequence[str]) -> list[Example]:
    """The sentences of some files and sets, and as many others, drawn."""
    new = {one.text for one in written([name for name in files if name in FILES])}
    new |= {one.text for name in files if name == LABELLED for one in labelled_by_others()}
    new |= {one.text for name in files if name not in (*FILES, LABELLED) for one in queries(cast(Set, name))}
    chosen = [row for row, one in enumerate(found) if one.text in new]
    others = [row for row, one in enumerate(found) if one.text not in new]
    drawn = np.random.default_rng(0).permutation(others)[: len(chosen)].tolist()
    return [found[row] for row in sorted([*chosen, *drawn])]


def write(tensors: Mapping[str, Matrix], classes: Classes, path: Path) -> None:
    """Write the weights; the adapters in half precision."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        name: np.ascontiguousarray(value, np.float16 if name.endswith((".down", ".up")) else np.float32)
        for name, value in tensors.items()
    }
    save_file(kept, str(path), metadata={head: " ".join(names) for head, names in classes.items()})
    write_sums(path.parent, [path.name])


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.text.reader", description=__doc__)
    parser.add_argument("--out", type=Path, default=heads_path(), help="file of the weights; the card goes beside it")
    parser.add_argument("--without", nargs="*", default=[], help="sets of evals/data to leave out")
    parser.add_argument("--begin", type=Path, help="weights to continue from, in one pass at a lower rate")
    parser.add_argument(
        "--files", nargs="*", default=["wordings.txt"], help="with --begin: files and sets that are all used"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    found = sentences(options.without)
    path = locate(SOURCE, load())
    tokenizer = Tokenizer(read_vocabulary(path))
    classes = classes_of(found)
    begin = None
    if options.begin is not None:
        begin = load_file(str(options.begin))
        found = sampled(found, options.files)
    found = varied(found)
    trained = train(Lower(path), [tokenizer.tokenize(one.text) for one in found], found, classes, begin)
    write(trained.tensors, classes, options.out)
    (options.out.parent / "README.md").write_text(
        card(found, classes, options.without, options.files if options.begin else []), encoding="utf-8"
    )
    print(f"{len(found)} sentences, {options.out.stat().st_size / 1e6:.1f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
