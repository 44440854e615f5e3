"""DeepfakeBench's JSON split descriptors: set → class → split → (compression) → video → label and frame paths.

Every video gives up to 32 frames, evenly spaced, as the benchmark does; the video is kept as a label, so that frame
and video figures can be told apart.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evals.data.dataset import Dataset, Item, Skip, deduplicated, inside
from faceagent.errors import InputError

FRAMES = 32
COLUMNS = ("label", "source", "video", "split", "compression")
SPLITS = frozenset({"train", "val", "test"})


def read(path: Path, root: Path | None = None, frames: int = FRAMES) -> Dataset:
    """The set described by ``path``; frame paths are below ``root``, by default the descriptor's folder."""
    base = root or path.parent
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}.", remedy="A DeepfakeBench descriptor is expected.") from error
    items, skips = [], []
    for trail, video in _videos(tree, ()):
        names = [name.replace("\\", "/") for name in video["frames"]]
        spread = np.linspace(0, len(names) - 1, min(frames, len(names)))
        labels = _labels(trail, video)
        if labels is None:
            skips.append(Skip(trail[-1], "missing_label", f"Video {trail[-1]} has no label."))
            continue
        for index in sorted({round(float(place)) for place in spread}):
            if inside(base, names[index]):
                items.append(Item(names[index], names[index], labels))
            else:
                skips.append(Skip(names[index], "outside", f"{names[index]} is not below {base.name}."))
    if not items and not skips:
        raise InputError(
            f"{path} lists no video with frames.",
            remedy="A DeepfakeBench descriptor nests set, class, split and video, each with 'label' and 'frames'.",
        )
    kept, repeated = deduplicated(items)
    return Dataset(path.stem, base, COLUMNS, kept, (*skips, *repeated))


def _videos(node: Any, trail: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    if isinstance(node, dict):
        if isinstance(node.get("frames"), list):
            yield trail, node
        else:
            for key, child in node.items():
                yield from _videos(child, (*trail, str(key)))


def _labels(trail: tuple[str, ...], video: Mapping[str, Any]) -> dict[str, str] | None:
    label = str(video.get("label", ""))
    if not label:
        return None
    real = label.lower().endswith("real")
    split = next((part for part in trail if part in SPLITS), "")
    after = trail[trail.index(split) + 1 : -1] if split else ()
    return {
        "label": "real" if real else "fake",
        "source": "" if real else label,
        # The same number names different videos in different classes.
        "video": f"{label}/{trail[-1]}",
        "split": split,
        "compression": after[0] if after else "",
    }
