"""The progress bar of downloads on stderr. Knows nothing about where the bytes come from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

OnProgress = Callable[[str, int, int], None]
"""Called with the id of the weights, the bytes that are there, and the bytes expected."""


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """A progress bar on stderr with one line for each id that reports."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("weights {task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True))
    tasks: dict[str, TaskID] = {}

    def report(weight_id: str, done: int, total: int) -> None:
        # Started only now, so that nothing is printed when every file is there already.
        progress.start()
        if weight_id not in tasks:
            tasks[weight_id] = progress.add_task(weight_id, total=total)
        progress.update(tasks[weight_id], completed=min(done, total), total=total)

    try:
        yield report
    finally:
        if tasks:
            progress.stop()
