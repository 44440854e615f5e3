"""How a report looks in a notebook: a card of plain HTML with a small picture, everything escaped, no script."""

from collections.abc import Iterable
from html import escape

_CARD = "display:flex;gap:1em;border:1px solid #8884;border-radius:6px;padding:.8em;max-width:50em"


def card(title: str, sentences: Iterable[str], lines: Iterable[tuple[str, str]], picture: str | None) -> str:
    """The card.

    Args:
        title: name of the picture.
        sentences: the answer, the most important one first.
        lines: what was asked, and what was found.
        picture: a ``data:`` URL of a JPEG, or None.
    """
    image = f'<img alt="" src="{escape(picture)}" style="align-self:flex-start">' if picture else ""
    first, *others = [*sentences, ""]
    text = "".join(f"<div>{escape(one)}</div>" for one in others if one)
    rows = "".join(
        f'<tr><td style="text-align:left">{escape(name)}</td><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in lines
    )
    table = f"<details><summary>Verdicts</summary><table>{rows}</table></details>" if rows else ""
    return (
        f'<div style="{_CARD}">{image}<div><div style="opacity:.7">{escape(title)}</div>'
        f"<strong>{escape(first)}</strong>{text}{table}</div></div>"
    )
