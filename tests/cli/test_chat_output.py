"""How a conversation looks in a terminal: control characters and wrapped lists."""

import pytest
from rich.console import Console

from faceagent.cli.chat_output import WordWrap
from faceagent.cli.render import strip_control_characters


def test_nothing_printed_moves_the_cursor_or_turns_the_writing() -> None:
    assert strip_control_characters("a\x1b[2Jb\u202ec\rd\ne") == "a[2Jbcd\ne"


def test_wrapped_items_of_a_list_hang(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceagent.cli.chat_output.out", Console(width=24, force_terminal=True))
    wrap = WordWrap()
    wrap.write("Here is a plain line that is long.\n- An item that goes on for longer than a line.\nEnd.")
    wrap.end()
    assert capsys.readouterr().out.splitlines() == [
        "Here is a plain line",
        "that is long.",
        "- An item that goes on",
        "  for longer than a",
        "  line.",
        "End.",
    ]
