"""The named public benchmarks: protocol, split, metric, licence, and how to obtain them. None is shipped or fetched."""

import difflib
import re
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from faceagent.types import FrozenModel

Descriptor = Literal["labels.csv", "deepfakebench", "pairs", "huggingface"]


class Benchmark(FrozenModel):
    """One entry of ``catalog.toml``."""

    name: str
    title: str
    tasks: tuple[str, ...]
    protocol: str
    split: str
    metric: str
    licence: str
    obtain: str
    descriptor: Descriptor
    columns: str

    def how(self) -> str:
        """What to do to have it here."""
        return (
            f"{self.title} is not part of faceagent. {self.obtain} Licence: {self.licence}. Then describe it as "
            f"{self.descriptor} with {self.columns}, and give its folder with --data."
        )


@cache
def benchmarks() -> dict[str, Benchmark]:
    """Every entry by its name."""
    text = resources.files("evals.data").joinpath("catalog.toml").read_text(encoding="utf-8")
    return {name: Benchmark(name=name, **entry) for name, entry in tomllib.loads(text).items()}


def find(name: str) -> Benchmark | None:
    """The entry that a folder's name speaks of, if any: spelling of case and punctuation does not matter."""
    plain = {_plain(word): entry for entry in benchmarks().values() for word in (entry.name, entry.title)}
    near = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.85)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "p"))
