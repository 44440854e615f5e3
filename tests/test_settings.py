import logging
import os
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


@pytest.mark.parametrize(
    "place",
    [
        "mysql://u:hunter2@h/db", "mysql+pymysql://u:hunter2@h/db", "sqlite:///hunter2.db", "redis://:hunter2@h",
        "mongodb+srv://u:hunter2@h/db", "postgresql+nothing://u:hunter2@h/db", "postgresql:u:hunter2@h/db",
        "postgres:/u:hunter2@h/db", "file:///hunter2", "u:hunter2@h/db", "host=h user=u password=hunter2 dbname=d",
        "dbname = d  password = hunter2", "'postgresql://u:hunter2@h/db'", '"postgresql://u:hunter2@h/db"',
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACEAGENT_MEMORY", place)
    with pytest.raises(SettingsError, match="postgresql://") as caught:
        load()
    assert "hunter2" not in str(caught.value) and caught.value.__cause__ is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        ("postgresql+psycopg://u:p@h/db", "postgresql://u:p@h/db"),
        ("postgresql+asyncpg://h/db", "postgresql://h/db"),
        ("postgres://h/db", "postgresql://h/db"),
        (" POSTGRESQL://h/db?sslmode=require\n", "postgresql://h/db?sslmode=require"),
        ("/a folder/it=is@home", "/a folder/it=is@home"),
        ("C:\\here", "C:\\here"),
        ("here:and/there", "here:and/there"),
    ],
)
def test_dialects_of_postgresql_and_folders_are_understood(
    monkeypatch: pytest.MonkeyPatch, place: str, meant: str
) -> None:
    monkeypatch.setenv("FACEAGENT_MEMORY", place)
    assert load().memory == meant


@pytest.mark.parametrize("name", ["--trust-remote-code", "-x", " ", "a\nb"])
def test_a_model_that_would_be_a_flag_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("FACEAGENT_VLM_MODEL", name)
    with pytest.raises(SettingsError, match="FACEAGENT_VLM_MODEL"):
        load()


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system does not tell which processors may be used"
)
def test_a_process_that_may_use_one_processor_gets_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEAGENT_WORKERS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert (Settings().workers, Settings().batch, Settings(workers=16).batch) == (1, 1, 4)
    assert Settings(profile="gpu").batch == 32
