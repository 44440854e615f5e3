"""Which files a client may name: only those below the allowed folders, whatever the name looks like."""

import base64
import os
from pathlib import Path

import pytest

from faceagent import InputError, Settings
from faceagent.intake import MemoryBlobs
from faceagent.serve.mcp.access import PathNotAllowed, load, sources_of
from faceagent.types import Problem

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "allowed" / "deep").mkdir(parents=True)
    (tmp_path / "allowed-not").mkdir()
    for name in ("allowed/a.png", "allowed/deep/b c.png", "secret.png", "allowed-not/d.png"):
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / "allowed" / "out.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "allowed" / "up").symlink_to(tmp_path)
    (tmp_path / "allowed" / "loop.png").symlink_to(tmp_path / "allowed" / "loop.png")
    return tmp_path


def names_of(place: Path, *names: str) -> list[str]:
    return [one.name for one in sources_of(names, [place / "allowed"], MemoryBlobs(), Settings())]


def test_files_below_the_folder_are_found_by_any_kind_of_path(place: Path) -> None:
    url = (place / "allowed" / "deep" / "b c.png").as_uri()
    assert "%20" in url
    assert names_of(place, str(place / "allowed" / "a.png"), "a.png", "deep/../a.png") == ["a.png"] * 3
    assert names_of(place, url, "deep") == ["b c.png", "deep/b c.png"]


@pytest.mark.parametrize(
    "name",
    [
        "{place}/secret.png",
        "{place}/gone.png",
        "../secret.png",
        "out.png",
        "up/secret.png",
        "up",
        "/etc/passwd",
        "/",
        "{place}/allowed/../secret.png",
        "{place}/allowed-not/d.png",
        "file://{place}/secret.png",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "file://localhost/etc/passwd",
        "~root/x.png",
        "/proc/self/environ",
        "file:///%2e%2e/etc/passwd",
        "deep/../../secret.png",
    ],
)
def test_a_path_that_leads_out_is_refused_whether_or_not_it_exists(place: Path, name: str) -> None:
    with pytest.raises(PathNotAllowed, match="may not read") as caught:
        names_of(place, name.format(place=place))
    assert caught.value.remedy is not None and "--folder" in caught.value.remedy


def test_a_link_inside_a_folder_that_is_named_as_a_whole_is_refused_as_well(place: Path) -> None:
    with pytest.raises(PathNotAllowed):
        names_of(place, str(place / "allowed"))


@pytest.mark.parametrize(
    "name", ["ftp://example.com/a.png", "file://server/share/a.png", "a\0.png", "\ud800.png", "s3://x/y"]
)
def test_other_addresses_and_impossible_names_are_broken_requests(place: Path, name: str) -> None:
    with pytest.raises(InputError):
        names_of(place, name)


def test_standard_input_and_patterns_are_names_of_files_that_are_not_there(place: Path) -> None:
    found = load(["-", "*.png", "loop.png"], [place / "allowed"], MemoryBlobs(), Settings())
    assert [one.data.reason for one in found if isinstance(one.data, Problem)] == ["missing_file"] * 3


def test_without_folders_no_file_can_be_named_and_data_urls_can(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place / "allowed")
    for name in ("a.png", str(place / "allowed" / "a.png"), "", "."):
        with pytest.raises(PathNotAllowed, match="none"):
            sources_of([name], [], MemoryBlobs(), Settings())
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert [one.data for one in load([url], [], MemoryBlobs(), Settings())] == [PNG]


def test_addresses_inside_the_network_are_refused(place: Path) -> None:
    found = load(["http://127.0.0.1/a.png", "http://169.254.169.254/latest"], [], MemoryBlobs(), Settings())
    assert [one.data.reason for one in found if isinstance(one.data, Problem)] == ["fetch_refused"] * 2


def test_a_folder_of_many_pictures_has_to_be_split(place: Path) -> None:
    many = place / "allowed" / "many"
    many.mkdir()
    for number in range(17):
        os.link(place / "allowed" / "a.png", many / f"{number}.png")
    with pytest.raises(InputError, match="up to 16"):
        names_of(place, "many")
