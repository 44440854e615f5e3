"""Leaks: pictures of a test set that stand, a little changed, in a training set.

Two ways of looking. A difference hash of 64 bits finds recompressed and rescaled copies; the identity embedding
finds copies whose frame was changed (cropped, mirrored), where the hash is blind. Pictures of one person that are
not copies stay below ``COPY``: people may recur, pictures may not.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data import Dataset, Skip, open_dataset
from evals.runner import Runner
from evals.tasks.identity import embedding
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.tools.identity import Identity

BITS = 64
NEAR = 4
"""Bits that may differ. If bits were independent, unrelated pictures would come this close once in 10^13."""
FLAT = 6
"""Fewer set bits than this, or more than BITS less this: the picture is nearly plain, and its hash says nothing."""
COPY = 0.985
"""Cosine of SFace embeddings from which two pictures are taken for copies. FRLL's pairs of one person in one sitting,
neutral and smiling, reach .978 at most."""


class Pair(NamedTuple):
    """A test picture and the training picture it resembles; ``closeness`` is a share of equal bits, or a cosine."""

    test: str
    train: str
    how: str
    closeness: float


class Leaks(NamedTuple):
    """What was found, the closest first."""

    pairs: tuple[Pair, ...]
    summary: str


class Prints(NamedTuple):
    """Hashes and embeddings of a set; a picture without a comparable face has no embedding."""

    files: list[str]
    hashes: NDArray[np.uint64]
    faces: list[str]
    vectors: NDArray[np.float64]
    unreadable: int


def find(train: Path, test: Path, settings: Settings) -> Leaks:
    """Near-duplicates of test pictures among training pictures. Raises InputError when a set cannot be read."""
    with TemporaryDirectory() as folder:
        known, asked = (
            prints(open_dataset(path, export=Path(folder) / name), settings)
            for name, path in (("train", train), ("test", test))
        )
    pairs = [*_by_hash(known, asked), *_by_face(known, asked)]
    lost = known.unreadable + asked.unreadable
    summary = (
        f"{len({pair.test for pair in pairs})} of {len(asked.files)} test pictures resemble one of {len(known.files)} "
        f"training pictures. {len(asked.faces)} test faces were compared by embedding; {lost} pictures were unreadable."
    )
    return Leaks(tuple(sorted(pairs, key=lambda pair: (-pair.closeness, pair.test, pair.train))), summary)


def prints(dataset: Dataset, settings: Settings) -> Prints:
    """Fingerprints of every picture, one picture in memory at a time."""
    runner = Runner(dataset.root, settings, "identity")
    tool = runner.tool
    files, hashes, faces, vectors, unreadable = [], [], [], [], 0
    for item in dataset.items:
        view = runner.look(dataset.root / item.file)
        if isinstance(view, Skip):
            unreadable += 1
            continue
        files.append(item.file)
        hashes.append(difference_hash(view))
        found = embedding(runner, tool, item.file) if isinstance(tool, Identity) else Skip("", "", "")
        if not isinstance(found, Skip):
            faces.append(item.file)
            vectors.append(found[0])
    return Prints(files, np.array(hashes, np.uint64), faces, np.array(vectors).reshape(len(faces), -1), unreadable)


def difference_hash(view: View) -> int:
    """64 bits: whether each of 8 by 8 fields is darker than its right neighbour (Krawetz 2013)."""
    grey = cv2.cvtColor(np.ascontiguousarray(view.pixels()), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int64)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return int(sum(1 << place for place, bit in enumerate(bits.tolist()) if bit))


def _by_hash(known: Prints, asked: Prints) -> list[Pair]:
    pairs = []
    for file, code in zip(asked.files, asked.hashes, strict=True):
        if len(known.hashes) == 0 or not FLAT <= int(code).bit_count() <= BITS - FLAT:
            continue
        apart = np.bitwise_count(known.hashes ^ code)
        nearest = int(np.argmin(apart))
        if apart[nearest] <= NEAR:
            pairs.append(Pair(file, known.files[nearest], "hash", 1.0 - float(apart[nearest]) / BITS))
    return pairs


def _by_face(known: Prints, asked: Prints) -> list[Pair]:
    pairs = []
    for file, vector in zip(asked.faces, asked.vectors, strict=True):
        if len(known.faces) == 0:
            break
        cosines = known.vectors @ vector
        nearest = int(np.argmax(cosines))
        if cosines[nearest] >= COPY:
            pairs.append(Pair(file, known.faces[nearest], "face", float(cosines[nearest])))
    return pairs
