import logging
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


def test_a_folder_for_weights_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACEAGENT_WEIGHTS", str(tmp_path / "no"))
    with pytest.raises(SettingsError, match=r"FACEAGENT_WEIGHTS cannot be '.*no': there is no such folder\."):
        load()


def test_there_is_a_most_of_workers() -> None:
    assert load(workers=256).workers == 256
    with pytest.raises(SettingsError, match="FACEAGENT_WORKERS cannot be '257'"):
        load(workers=257)


def test_a_relative_cache_stays_where_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACEAGENT_CACHE", "here")
    assert load().cache == tmp_path / "here"


def test_a_misspelt_variable_is_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("FACEAGENT_WORKRES", "3")
    monkeypatch.setenv("FACEAGENT_DATA", "anywhere")
    with caplog.at_level(logging.WARNING, "faceagent"):
        load()
        load()
    told = [record.getMessage() for record in caplog.records]
    assert told == ["FACEAGENT_WORKRES is no setting and has no effect. Did you mean FACEAGENT_WORKERS?"]
