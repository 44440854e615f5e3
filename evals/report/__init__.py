"""The page about one or several runs: self-contained HTML, no script, nothing remote, in the product's own look."""

from evals.report.write import write

__all__ = ["write"]
