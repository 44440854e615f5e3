"""What an agent works with for as long as it lives: settings, tools and a pool of threads.

``Analyst`` makes one and shares it with its conversations; neither reaches into the other.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

from faceagent.per_process import PerProcess
from faceagent.settings import Settings
from faceagent.tools import TOOLS
from faceagent.tools.base import Tool

T = TypeVar("T")
R = TypeVar("R")


@cache
def build_tools(settings: Settings) -> dict[str, Tool]:
    """Every registered tool, built once per settings; none loads its weights before it is first used."""
    TOOLS.freeze()
    return {name: TOOLS.get(name)(settings) for name in TOOLS}


@dataclass(frozen=True)
class AgentRuntime:
    """Settings, tools by name in the order of their registry, and threads. Safe to share between threads and forks."""

    settings: Settings
    tools: Mapping[str, Tool]
    pools: PerProcess[ThreadPoolExecutor]

    @classmethod
    def start(cls, settings: Settings, tools: Mapping[str, Tool] | None = None) -> "AgentRuntime":
        """A runtime with ``settings.workers`` threads and these tools; default: all registered ones."""
        pools = PerProcess(partial(ThreadPoolExecutor, settings.workers, thread_name_prefix="faceagent"))
        return cls(settings, build_tools(settings) if tools is None else tools, pools)

    @property
    def pool(self) -> Executor:
        """Threads of this process, ``settings.workers`` of them. Work in them must not wait for other work in them."""
        return self.pools.get()

    def close(self) -> None:
        """Wait for running work and let the threads go."""
        self.pool.shutdown(wait=True)


def map_each(pool: Executor, function: Callable[[T], R], items: list[T]) -> list[R]:
    """``function`` of each item, in order; one item runs in place, because a hop to another thread costs more."""
    return [function(items[0])] if len(items) == 1 else list(pool.map(function, items))
