"""Waiting for a job: how often it is looked at, and the bar that shows how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from faceagent.errors import ServiceError
from faceagent.types.service import Job

FIRST_POLL, LONGEST_POLL = 0.3, 5.0
SHARE = 0.1
"""Part of the time waited so far that passes until the next look: at most a tenth is waited too long."""


def next_poll(waited: float) -> float:
    """Seconds until the next look."""
    return min(LONGEST_POLL, max(FIRST_POLL, SHARE * waited))


def too_long(job: Job, seconds: float) -> ServiceError:
    """The error of a job that is not over in time."""
    words = f"Job {job.id} is not over after {seconds:g} seconds: {job.ended_items} of {job.total} pictures are."
    return ServiceError(words, code="timed_out", remedy="It goes on; wait for it again.")


@contextmanager
def job_bar(wanted: bool) -> Iterator[Callable[[Job], None]]:
    """Draws a bar on standard error until the block ends; yields the function that shows a job."""
    if not wanted:
        yield lambda job: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("queued", total=None)
        yield lambda job: progress.update(task, description=job.state, total=job.total, completed=job.ended_items)
