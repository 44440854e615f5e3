"""The language of a reply."""

from pathlib import Path

from turns import said

from faceagent import Analyst


def test_replies_come_in_the_language_of_the_question(analyst: Analyst, photo: Path) -> None:
    with analyst.chat() as talk:
        assert "看起来高兴，概率" in said(talk, "她看起来高兴吗？", [photo])
        assert "aparentemente alegre, probabilidad" in said(talk, "¿parece feliz?")
        assert "Se apoya en" in said(talk, "¿por qué?")
