"""Weights converted on this machine from other weights, kept in the cache with a record of their origin.

This module decides whether a converted file is still valid. The conversion itself is the function that the catalogue
names, for example ``fasnet.to_onnx``.
"""

import importlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

from faceagent.errors import WeightsCorrupt
from faceagent.weights.catalog import Conversion, Entry, entry
from faceagent.weights.store import locked, published, sha256_of, sweep

Convert = Callable[[Path, Path], None]
"""Called with the source file and the path to write. Must not need anything else."""


def verified_file(item: Entry, folder: Path) -> Path | None:
    """The converted file, when it was made by the current function from the current source; else None.

    Raises WeightsCorrupt when the file is not the one that was written.
    """
    path, record = folder / item.file, folder / f"{item.file}.json"
    if not path.is_file() or not record.is_file():
        return None
    try:
        made = json.loads(record.read_text(encoding="utf-8"))
    except ValueError:
        # Without a readable record the file's origin is unknown.
        return None
    if {key: made.get(key) for key in ("source_sha256", "function", "version")} != _origin(_conversion(item)):
        return None
    found = sha256_of(path)
    if found != made.get("sha256"):
        raise WeightsCorrupt(
            f"{path} has sha256 {found}, expected {made.get('sha256')}.",
            remedy=f"Run `faceagent weights pull {item.id}`, which makes it again from its source.",
        )
    return path


def convert_file(item: Entry, source: Path, folder: Path, *, repair: bool = False) -> Path:
    """The converted file, made from ``source`` when there is none in ``folder``.

    Raises WeightsCorrupt when the file differs from the one that was written; with ``repair`` it is converted again.
    """
    # Another process may be replacing file and record just now; a mismatch counts only under the lock.
    with suppress(WeightsCorrupt):
        found = verified_file(item, folder)
        if found is not None:
            return found
    with locked(folder):
        try:
            found = verified_file(item, folder)
        except WeightsCorrupt:
            if not repair:
                raise
            found = None
        if found is not None:
            return found
        sweep(folder)
        conversion = _conversion(item)
        module, _, name = conversion.function.partition(":")
        function = cast(Convert, getattr(importlib.import_module(module), name))
        record = folder / f"{item.file}.json"
        record.unlink(missing_ok=True)
        path = published(folder, item.file, lambda draft: function(source, draft))
        made = json.dumps({"sha256": sha256_of(path), **_origin(conversion)}, indent=2)
        published(folder, record.name, lambda draft: draft.write_text(made, encoding="utf-8"))
    return path


def _conversion(item: Entry) -> Conversion:
    if item.conversion is None:
        raise ValueError(f"{item.id} is not a converted entry")
    return item.conversion


def _origin(conversion: Conversion) -> dict[str, object]:
    return {
        "source_sha256": entry(conversion.source).sha256,
        "function": conversion.function,
        "version": conversion.version,
    }
