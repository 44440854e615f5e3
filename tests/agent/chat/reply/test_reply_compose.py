"""The language of a reply."""

from pathlib import Path

from turns import said

from faceagent import Analyst


def test_replies_come_in_the_language_of_the_question(analyst: Analyst, photo: Path) -> None:
    with analyst.chat() as talk:
        assert "是：这张脸看起来高兴。" in said(talk, "她看起来高兴吗？", [photo])
        assert "Sí: esta cara parece contenta." in said(talk, "¿parece feliz?")
        assert "Se apoya en (pruebas en el inglés original)" in said(talk, "¿por qué?")
