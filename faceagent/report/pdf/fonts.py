"""The fonts of the PDF: Noto Sans in every script that its two packages hold, the same on every machine.

Fonts of the machine are not looked at: the same report gives the same file everywhere.
"""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typst

PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
FIRST = ("Noto Sans", "Noto Sans CJK SC")
"""Families that text is set in where they have its characters; the others follow."""
MONO = "DejaVu Sans Mono"
"""Comes with typst; only hexadecimal digits and code are set in it."""


def folders() -> list[Path]:
    """Where the fonts lie. Raises ModuleNotFoundError where their packages are not installed."""
    return [Path(str(resources.files(name))) for name in PACKAGES]


@cache
def collection() -> "typst.Fonts":
    """The fonts as typst reads them."""
    import typst

    return typst.Fonts(include_system_fonts=False, font_paths=[str(folder) for folder in folders()])


@cache
def families() -> tuple[str, ...]:
    """Every family of the packages, in the order in which they are tried for a character."""
    found = {font.family for font in collection().fonts() if font.path}
    return (*FIRST, *sorted(found - set(FIRST)))


@cache
def coverage() -> frozenset[int]:
    """The code points that some font of the packages can show."""
    from fontTools.ttLib import TTFont

    covered: set[int] = set()
    for folder in folders():
        for path in sorted(folder.glob("*.tt[fc]")):
            # The members of a collection cover the same characters, in shapes of different countries.
            with TTFont(path, lazy=True, fontNumber=0) as font:
                covered |= font.getBestCmap().keys()
    return frozenset(covered)
