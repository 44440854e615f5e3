"""``python -m finetune.text.reader``: train the networks of the reader and write them with their card.

Takes a minute on two cores once the sentences are encoded; ``--vectors`` keeps their vectors. ``--folds 4`` trains
on three quarters at a time and prints how the other quarter is read, and writes nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceagent import policy
from faceagent.policy import PURPOSES
from faceagent.router.plan import FILE_FACTS
from faceagent.router.reader import HEADS, ONE_OF, Heads, heads_path
from faceagent.router.sentence_encoder import open_encoder
from faceagent.settings import load
from faceagent.types import QUESTIONS
from faceagent.weights.checksums import write_sums
from finetune.text.reader.examples import TRAINED, Example, examples

MEMBERS = 3
"""Networks of each head, which differ in their seed; their probabilities are averaged."""
HIDDEN = 128
DECAY, EPOCHS, RATE = 0.3, 25, 2e-3
"""Weight decay, passes over the sentences, learning rate (Adam)."""
LANGUAGES = ("en", "es", "zh", "de", "fr", "it", "pt", "ja", "ko", "ar", "ru", "hi", "nl")

Matrix = NDArray[np.float32]


def classes_of(found: Sequence[Example]) -> dict[str, list[str]]:
    """Names of the classes of each head."""
    return {
        "kind": sorted({one.kind for one in found}),
        "questions": list(QUESTIONS),
        "topics": list(policy.TOPICS),
        "facts": list(FILE_FACTS),
        "purpose": list(PURPOSES),
        "language": list(LANGUAGES),
    }


def encode(texts: Sequence[str], kept: Path | None) -> Matrix:
    """Sentence vectors, (texts, 384); those in ``kept`` are not computed again."""
    known: dict[str, Matrix] = {}
    if kept is not None and kept.is_file():
        with np.load(kept) as file:
            known = dict(zip(file["texts"].tolist(), file["vectors"], strict=True))
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    if missing:
        encoder = open_encoder(load())
        known |= {text: encoder.encode(text) for text in missing}
        if kept is not None:
            np.savez(kept, texts=np.array(list(known)), vectors=np.stack(list(known.values())))
    return np.stack([known[text] for text in texts])


def train(vectors: Matrix, found: Sequence[Example], classes: dict[str, list[str]]) -> dict[str, Matrix]:
    """The tensors of all heads. Deterministic on one machine."""
    from sklearn.neural_network import MLPClassifier

    mean, scale = vectors.mean(axis=0), vectors.std(axis=0)
    scaled = (vectors - mean) / scale
    tensors: dict[str, Matrix] = {"mean": mean, "scale": scale}
    for head in HEADS:
        rows, labels = _labels(head, found, classes[head])
        for member in range(MEMBERS):
            network = MLPClassifier(
                (HIDDEN,), alpha=DECAY, max_iter=EPOCHS, batch_size=128, learning_rate_init=RATE, random_state=member
            )
            network.fit(scaled[rows], labels)
            for layer in (0, 1):
                tensors[f"{head}.{member}.w{layer + 1}"] = network.coefs_[layer].astype(np.float32)
                tensors[f"{head}.{member}.b{layer + 1}"] = network.intercepts_[layer].astype(np.float32)
            if head in ONE_OF:
                _spread(tensors, f"{head}.{member}", network.classes_, len(classes[head]))
    return tensors


def _labels(head: str, found: Sequence[Example], names: list[str]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Rows that have a label for this head, and their labels."""
    if head in ONE_OF:
        known = [(row, names.index(value)) for row, one in enumerate(found) if (value := getattr(one, head)) in names]
        return np.array([row for row, _ in known]), np.array([label for _, label in known])
    rows = [row for row, one in enumerate(found) if getattr(one, head) is not None]
    return np.array(rows), np.array([[int(name in getattr(found[row], head)) for name in names] for row in rows])


def _spread(tensors: dict[str, Matrix], part: str, present: NDArray[np.int64], total: int) -> None:
    """Give classes without an example a column that never wins."""
    if len(present) < total:
        weights = np.zeros((HIDDEN, total), np.float32)
        bias = np.full(total, -30.0, np.float32)
        weights[:, present], bias[present] = tensors[f"{part}.w2"], tensors[f"{part}.b2"]
        tensors[f"{part}.w2"], tensors[f"{part}.b2"] = weights, bias


def card(found: Sequence[Example], classes: dict[str, list[str]]) -> str:
    """The card beside the weights."""
    sets = ", ".join(TRAINED)
    return f"""# Reader

`reader.safetensors`: {MEMBERS} networks of {HIDDEN} hidden units for each of {", ".join(HEADS)}, on sentence vectors of
multilingual-e5-small (catalogue id `multilingual_e5_small_q4`). Used by `faceagent/router/reader.py` to read what the
rules leave open, to tell a request from a remark, and to drop a refusal that the rules made for a describing word.

- Trained by `python -m finetune.text.reader` on {len(found)} sentences: `finetune/text/reader/requests.txt`, written
  for this purpose by the authors of the rules, and the sets {sets} of `evals/data`. No text of a user.
- Languages: English, Spanish and Chinese; a few sentences each of German, French, Italian, Portuguese, Japanese,
  Korean, Arabic, Russian and Hindi, so that a question in them is recognized.
- Classes of `kind`: {", ".join(classes["kind"])}.
- Limits: reads one turn without the conversation; irony and quotations are read as they stand.
- Licence: that of this project.
"""


def write(tensors: dict[str, Matrix], classes: dict[str, list[str]], path: Path) -> None:
    """Write the weights."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    half = {name: np.ascontiguousarray(value.astype(np.float32)) for name, value in tensors.items()}
    save_file(half, str(path), metadata={head: " ".join(names) for head, names in classes.items()})
    write_sums(path.parent, [path.name])


def out_of_fold(vectors: Matrix, found: Sequence[Example], folds: int) -> None:
    """Print the share of sentences that networks which have not seen them read right."""
    classes = classes_of(found)
    fold = np.random.default_rng(0).integers(0, folds, len(found))
    right = {head: 0 for head in HEADS}
    for number in range(folds):
        seen = np.flatnonzero(fold != number).tolist()
        heads = Heads(train(vectors[seen], [found[row] for row in seen], classes), classes)
        for row in np.flatnonzero(fold == number).tolist():
            reading = heads.read(vectors[row])
            for head in HEADS:
                chances, truth = getattr(reading, head), getattr(found[row], head)
                named = max(chances, key=chances.get) if head in ONE_OF else {n for n, p in chances.items() if p > 0.5}
                right[head] += named == (truth if head in ONE_OF else set(truth or ()))
    print(", ".join(f"{head} {count / len(found):.3f}" for head, count in right.items()))


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.text.reader", description=__doc__)
    parser.add_argument("--out", type=Path, default=heads_path(), help="file of the weights; the card goes beside it")
    parser.add_argument("--vectors", type=Path, help="file (.npz) that keeps the sentence vectors")
    parser.add_argument("--folds", type=int, default=0, help="measure out of fold and write nothing")
    options = parser.parse_args(arguments)
    found = examples()
    vectors = encode([one.text for one in found], options.vectors)
    if options.folds:
        out_of_fold(vectors, found, options.folds)
        return
    classes = classes_of(found)
    write(train(vectors, found, classes), classes, options.out)
    (options.out.parent / "README.md").write_text(card(found, classes), encoding="utf-8")
    print(f"{len(found)} sentences, {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
