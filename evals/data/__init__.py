"""Labelled sets: descriptors of four kinds become one ``Dataset``; a task turns its rows into cases.

Knows files, columns and label words. Knows no tool and no metric, and decodes no picture.
"""

from evals.data.dataset import Case, Cases, Dataset, Item, Skip
from evals.data.reading import open_dataset

__all__ = ["Case", "Cases", "Dataset", "Item", "Skip", "open_dataset"]
