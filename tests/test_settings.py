from pathlib import Path

import pytest
from pydantic import ValidationError

from faceagent.errors import SettingsError
from faceagent.settings import Settings, load


def test_environment_is_read_and_arguments_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACEAGENT_PROFILE", "gpu")
    monkeypatch.setenv("FACEAGENT_CACHE", str(tmp_path))
    assert load().profile == "gpu"
    assert load(profile="embedded").profile == "embedded"
    assert load().cache == tmp_path


def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEAGENT_WORKERS", "many")
    with pytest.raises(SettingsError, match="FACEAGENT_WORKERS cannot be 'many'"):
        load()


def test_settings_do_not_change_after_load() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.seed = 1  # type: ignore[misc]


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(SettingsError, match="FACEAGENT_COLOUR"):
        load(colour="red")
