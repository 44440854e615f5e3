import base64
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceagent.errors import InputError
from faceagent.intake import MemoryBlobs, NamedBytes, expand, take
from faceagent.settings import Settings
from faceagent.types import Picture, Problem, Source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "sub/c.webp", "sub/.git/d.jpg"):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "album"


def names(found: list[Source]) -> list[str]:
    return [source.name for source in found]


def test_a_folder_is_walked_in_order_without_hidden_and_foreign_files(folder: Path, blobs: MemoryBlobs) -> None:
    assert names(list(expand([folder], blobs))) == ["album/a.PNG", "album/b.jpg", "album/sub/c.webp"]


def test_a_glob_is_expanded_and_one_without_matches_is_not_lost(folder: Path, blobs: MemoryBlobs) -> None:
    assert names(list(expand([f"{folder}/*.*"], blobs))) == ["a.PNG", "b.jpg", "notes.txt"]
    assert names(list(expand([f"{folder}/**/*.webp"], blobs))) == ["c.webp"]
    lost = list(expand([f"{folder}/*.gif"], blobs))
    assert len(lost) == 1
    assert isinstance(problem := take(lost[0], blobs, Settings()), Problem) and problem.reason == "missing_file"


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path, blobs: MemoryBlobs) -> None:
    path = tmp_path / "me[1].jpg"
    path.write_bytes(b"x")
    assert [source.ref for source in expand([str(path)], blobs)] == [str(path)]


def test_missing_paths_and_empty_folders_stay_in_the_list(tmp_path: Path, blobs: MemoryBlobs) -> None:
    found = list(expand([tmp_path / "no.jpg", str(tmp_path), "", "\0"], blobs))
    assert [source.kind for source in found] == ["path"] * 4
    problems = [take(source, blobs, Settings()) for source in found]
    assert [problem.reason for problem in problems if isinstance(problem, Problem)] == [
        "missing_file",
        "is_folder",
        "missing_file",
        "missing_file",
    ]


def test_bytes_with_a_name_keep_it_in_reports_and_never_become_a_path(blobs: MemoryBlobs) -> None:
    names = ["photo.jpg", "../../etc/passwd", "a\nb\x1b[31m.png", "\udcff.png", ""]
    found = list(expand([NamedBytes(name, b"x") for name in names], blobs))
    assert {(source.kind, source.ref) for source in found} == {("bytes", blobs.put(b"x"))}
    assert found[0].name == "photo.jpg" and found[4].name == "unnamed"
    assert all(source.name.isprintable() for source in found)


def test_bytes_data_urls_and_stdin_are_stored(blobs: MemoryBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"piped")))
    encoded = base64.b64encode(b"encoded").decode()
    found = list(expand([b"raw", bytearray(b"raw"), f"data:image/png;base64,{encoded}", "data:,a%20b", "-"], blobs))
    assert {source.kind for source in found} == {"bytes"}
    assert [blobs.get(source.ref) for source in found] == [b"raw", b"raw", b"encoded", b"a b", b"piped"]


def test_standard_input_is_read_up_to_the_limit(blobs: MemoryBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x" * 1000)))
    (source,) = expand(["-"], blobs, limit=100)
    assert len(blobs.get(source.ref)) == 101
    assert isinstance(problem := take(source, blobs, Settings(max_bytes=100)), Problem)
    assert problem.reason == "too_large"


def test_a_broken_data_url_is_a_problem_of_that_item(blobs: MemoryBlobs) -> None:
    (source,) = expand(["data:image/png;base64,%%%"], blobs)
    assert isinstance(problem := take(source, blobs, Settings()), Problem) and problem.reason == "corrupt_picture"


def test_urls_are_named_without_their_query(blobs: MemoryBlobs) -> None:
    (source,) = expand(["https://example.org/a/me.jpg?token=secret"], blobs)
    assert (source.kind, source.name) == ("url", "example.org/me.jpg")


def test_urls_that_are_refused_keep_their_scheme(blobs: MemoryBlobs) -> None:
    given = ["file:///etc/passwd", "ftp://me:secret@example.org/a/b.jpg?token=secret#x", "http://[broken/"]
    assert names(list(expand(given, blobs))) == ["file:///etc/passwd", "ftp://example.org/a/b.jpg", "URL"]


@pytest.mark.parametrize("closed", ["album", "album/sub"])
def test_a_folder_that_may_not_be_listed_is_not_an_empty_one(
    closed: str, folder: Path, blobs: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str | Path) -> object:
        if Path(path) == folder.parent / closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list(expand([folder], blobs))
    assert names(found) == (["album"] if closed == "album" else ["album/a.PNG", "album/b.jpg", "album/sub"])
    problem = take(found[-1], blobs, Settings())
    assert isinstance(problem, Problem) and problem.reason == "no_permission"


@pytest.mark.parametrize(
    "array",
    [
        np.full((6, 7, 3), 200, np.uint8),
        np.full((6, 7), 200, np.uint8),
        np.full((6, 7, 4), 255, np.uint8),
        np.full((6, 7), 200 * 257, np.uint16),
    ],
)
def test_arrays_arrive_unchanged(array: np.ndarray, blobs: MemoryBlobs) -> None:
    (source,) = expand([array], blobs)
    picture = take(source, blobs, Settings())
    assert isinstance(picture, Picture) and (picture.width, picture.height) == (7, 6)
    assert blobs.pixels(picture.sha256)[0, 0, 0] == (255 if array.ndim == 3 and array.shape[2] == 4 else 200)


def test_a_pil_picture_keeps_its_orientation(blobs: MemoryBlobs, gradient: Image.Image) -> None:
    picture = gradient.copy()
    picture.getexif()[0x0112] = 6
    (source,) = expand([picture], blobs)
    taken = take(source, blobs, Settings())
    assert isinstance(taken, Picture) and (taken.width, taken.height, taken.orientation) == (32, 48, 6)


def test_a_pil_picture_that_cannot_be_read_is_a_problem(blobs: MemoryBlobs, gradient: Image.Image) -> None:
    out = io.BytesIO()
    gradient.save(out, "PNG")
    (source,) = expand([Image.open(io.BytesIO(out.getvalue()[:120]))], blobs)
    assert isinstance(problem := take(source, blobs, Settings()), Problem) and problem.reason == "corrupt_picture"


def test_an_array_that_is_no_picture_is_a_problem_of_that_item(blobs: MemoryBlobs) -> None:
    odd = [np.zeros((3, 20, 20)), np.zeros((0, 2, 3), np.uint8), np.zeros(3, np.uint8), np.zeros((), np.uint8)]
    found = list(expand(["a.png", *odd, b"raw"], blobs))
    assert names(found)[1] == "array"
    problems = [take(source, blobs, Settings()) for source in found[1:-1]]
    assert [problem.reason for problem in problems if isinstance(problem, Problem)] == ["unsupported_format"] * 4


@pytest.mark.parametrize("wrong", [42, {}, [b"raw"]])
def test_what_can_never_be_a_picture_is_a_broken_request(wrong: object, blobs: MemoryBlobs) -> None:
    with pytest.raises(InputError):
        list(expand([wrong], blobs))


def test_a_file_name_that_is_not_utf8_is_found_again(tmp_path: Path, blobs: MemoryBlobs, gradient: Image.Image) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    try:
        gradient.save(path)
    except OSError:
        pytest.skip("this file system wants UTF-8")
    for given in (path, tmp_path):
        (source,) = expand([given], blobs)
        source.model_dump_json()
        assert source.name.endswith("caf\N{REPLACEMENT CHARACTER}.png")
        assert isinstance(take(source, blobs, Settings()), Picture)
