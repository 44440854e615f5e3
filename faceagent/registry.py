"""The one registry class: names to lazily imported objects.

Entries are ``"module:object"`` strings, so that listing them imports nothing heavy. A collision raises, a
misspelling gets a suggestion, and after ``freeze`` the contents no longer change.
"""

import difflib
import importlib
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from faceagent.errors import RegistryError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind. ``group`` is the entry-point group through which third parties add theirs."""

    def __init__(self, kind: str, *, group: str | None = None) -> None:
        self._kind = kind
        self._group = group
        self._targets: dict[str, str] = {}
        self._frozen = False

    def add(self, name: str, target: str) -> None:
        """Register ``name`` as ``"module:object"``. Raises RegistryError on a collision or after the freeze."""
        if self._frozen:
            raise RegistryError(f"The {self._kind} registry is frozen; {name!r} cannot be added any more.")
        module, _, attribute = target.partition(":")
        if not module or not attribute:
            raise RegistryError(f"{target!r} is not of the form 'module:object' ({self._kind} {name!r}).")
        if self._targets.get(name, target) != target:
            raise RegistryError(f"There are two {self._kind}s called {name!r}: {self._targets[name]} and {target}.")
        self._targets[name] = target

    def freeze(self) -> None:
        """Add the entry points, then allow no further additions. Freezing twice has no effect."""
        if self._frozen:
            return
        if self._group is not None:
            for entry in entry_points(group=self._group):
                self.add(entry.name, entry.value)
        self._frozen = True

    def names(self) -> tuple[str, ...]:
        """All names, in the order of registration."""
        return tuple(self._targets)

    def get(self, name: str) -> T:
        """Import and return the object called ``name``. Raises RegistryError with a suggestion."""
        target = self._targets.get(name)
        if target is None:
            near = difflib.get_close_matches(name, self._targets, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(self._targets)}."
            raise RegistryError(f"There is no {self._kind} called {name!r}.", remedy=hint)
        module, _, attribute = target.partition(":")
        return cast(T, getattr(importlib.import_module(module), attribute))

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)
