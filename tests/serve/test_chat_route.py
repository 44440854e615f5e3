"""OpenAI-compatible chat: turns, streams, pictures, notes, refusals. The conversation behind it is a stand-in."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_service import FakeAnalyst, Server, picture_bytes, report_on

from faceagent.agent.chat.events import Clarification, Done, Event, Noted, Recorded, Token
from faceagent.errors import InputError, StorageError
from faceagent.intake import NamedBytes
from faceagent.serve.chat_messages import ChatOptions, Message, Turn, fingerprint, turns_of
from faceagent.types import Report, Request

URL = "data:image/png;base64," + base64.b64encode(picture_bytes()).decode()


class FakeConversation:
    """Answers with the number of the turn and what it was shown."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.pictures = 0
        self.closed = False

    def ask(self, text: str, pictures: list[bytes]) -> Iterator[Event]:
        self.asked.append((text, len(pictures)))
        self.pictures += len(pictures)
        if text == "crash":
            raise StorageError("The store is away.")
        if text == "which":
            yield Clarification(text="Which face?", options=("left", "right"))
            return
        yield Noted(code="policy", text="A notice.")
        if pictures or text == "look again":
            evidence = report_on(NamedBytes("a", picture_bytes()), Request()).evidence[0]
            yield Recorded(picture=self.pictures, number=len(self.asked) + 4, evidence=evidence)
        reply = f"turn {len(self.asked)}, {self.pictures} pictures" if text != "why" else "Because of E5 and E99."
        for word in reply.split(" "):
            yield Token(text=word + " ")
        yield Done(turn=len(self.asked), reply=reply, seconds=0, overhead_ms=0, calls=0)

    def report(self, number: int) -> Report:
        if number > 1:
            raise InputError("not analysed")
        return report_on(NamedBytes("a", picture_bytes()), Request())

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[FakeConversation]:
    """The conversations that were opened."""
    found: list[FakeConversation] = []

    def chat(self: FakeAnalyst, **rules: Any) -> FakeConversation:
        found.append(FakeConversation())
        return found[-1]

    monkeypatch.setattr(FakeAnalyst, "chat", chat, raising=False)
    return found


def user(text: str, *urls: str) -> dict[str, Any]:
    pictures = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in urls]
    return {"role": "user", "content": [{"type": "text", "text": text}, *pictures]}


def ask(server: Server, *messages: dict[str, Any], **more: Any) -> Any:
    body = {"model": "faceagent", "messages": list(messages), "temperature": 0.2, **more}
    return server.post("/v1/chat/completions", json=body)


def test_a_conversation_goes_on_where_it_is_open(server: Server, opened: list[FakeConversation]) -> None:
    first = ask(server, user("who", URL)).json()
    said = first["choices"][0]["message"]["content"]
    assert said.strip() == "turn 1, 1 pictures"
    assert first["faceagent"]["notices"] == ["A notice."]
    assert server.get(f"/v1/cases/{first['faceagent']['case_id']}").status_code == 200
    answer = {"role": "assistant", "content": said}
    second = ask(server, user("who", URL), answer, {"role": "user", "content": "and how old"}).json()
    assert second["choices"][0]["message"]["content"].strip() == "turn 2, 1 pictures"
    assert len(opened) == 1
    ask(server, user("who", URL), answer, {"role": "user", "content": "something else"})
    assert len(opened) == 2 and opened[1].asked == [("who", 1), ("something else", 0)]


def test_what_is_cited_is_evidence_of_a_case_and_a_new_measurement_has_its_own(
    server: Server, opened: list[FakeConversation]
) -> None:
    said: list[dict[str, Any]] = []
    notes = []
    for text in ("is it real", "why", "look again"):
        said.append(user(text, URL) if not said else user(text))
        answer = ask(server, *said).json()
        said.append(answer["choices"][0]["message"])
        notes.append(answer["faceagent"])
    assert len(opened) == 1
    first, why, again = notes
    (cited,) = why["citations"]
    assert (cited["label"], cited["case_id"], why["case_ids"]) == ("E5", first["case_id"], [])
    report = server.get(f"/v1/cases/{cited['case_id']}").json()["report"]
    assert cited["evidence_id"] in [one["id"] for one in report["evidence"]]
    assert why["case_id"] == first["case_id"], "what was measured earlier stands in the case made then"
    assert again["case_ids"] == [again["case_id"]] and again["case_id"] != first["case_id"]


def test_a_conversation_of_another_key_is_another(server: Server, opened: list[FakeConversation]) -> None:
    ask(server, user("one"))
    messages = [user("one"), {"role": "assistant", "content": "."}, user("two")]
    server.post("/v1/chat/completions", "admin", json={"model": "faceagent", "messages": messages})
    assert [len(one.asked) for one in opened] == [1, 2]


def test_a_stream_is_the_answer_in_pieces(server: Server, opened: list[FakeConversation]) -> None:
    del opened
    answer = ask(server, user("stream it", URL), stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    assert "".join(one["choices"][0]["delta"].get("content", "") for one in chunks).strip() == "turn 1, 1 pictures"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["faceagent"]["case_id"].startswith("case_")


def test_what_is_asked_back_is_an_answer(server: Server, opened: list[FakeConversation]) -> None:
    del opened
    found = ask(server, user("which")).json()
    assert found["choices"][0]["message"]["content"] == "Which face?\n- left\n- right"
    assert found["faceagent"]["asks_back"] is True


def test_an_error_has_openais_envelope_also_inside_a_stream(server: Server, opened: list[FakeConversation]) -> None:
    plain = ask(server, user("crash"))
    assert (plain.status_code, plain.json()["error"]["code"]) == (503, "memory_trouble")
    stream = ask(server, user("crash"), stream=True)
    assert json.loads(stream.text.split("\n\n")[1].removeprefix("data: "))["error"]["code"] == "memory_trouble"
    assert all(one.closed for one in opened)


@pytest.mark.parametrize(
    ("messages", "more"),
    [
        ([], {}),
        ([{"role": "assistant", "content": "hello"}], {}),
        ([user("a"), {"role": "assistant", "content": "b"}], {}),
        ([user("a", "data:image/png;base64,@@")], {}),
        ([user("a", "http://169.254.169.254/latest")], {}),
        ([user("a", "/etc/passwd")], {}),
        ([user("a")], {"n": 2}),
        ([user("a")], {"tools": [{"type": "function"}]}),
        ([user("a")], {"response_format": {"type": "json_object"}}),
        ([user("a")], {"model": "gpt-4"}),
        ([user("a")], {"faceagent": {"purpose": "fun"}}),
        ([{"role": "user", "content": [{"type": "audio"}]}], {}),
    ],
)
def test_what_cannot_be_answered_is_refused(
    server: Server, opened: list[FakeConversation], messages: list[Any], more: dict[str, Any]
) -> None:
    answer = ask(server, *messages, **more)
    assert answer.status_code == 422
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert opened == []


def test_too_many_turns_at_a_time_are_told(serve: Callable[..., Server], opened: list[FakeConversation]) -> None:
    del opened
    server = serve(chats=1)
    server.app.state.chats.acquire()
    busy = ask(server, user("a"))
    assert busy.status_code == 429 and busy.headers["retry-after"]
    server.app.state.chats.release()
    assert ask(server, user("a")).status_code == 200


def test_models(server: Server) -> None:
    assert [one["id"] for one in server.get("/v1/models").json()["data"]] == ["faceagent"]
    assert server.get("/v1/models/faceagent").json()["object"] == "model"
    assert server.get("/v1/models/gpt").json()["error"]["code"] == "model_not_found"


def test_messages_without_an_answer_between_them_are_one_turn() -> None:
    given = [user("a", "u1"), user("b", "u2"), {"role": "assistant", "content": "c"}, {"role": "user", "content": None}]
    turns = turns_of([Message.model_validate(one) for one in given])
    assert [(turn.text, turn.pictures) for turn in turns] == [("a\nb", ("u1", "u2")), ("", ())]


def test_every_difference_is_another_fingerprint() -> None:
    def of(*said: tuple[str, tuple[str, ...]], owner: str = "a", purpose: str | None = None) -> str:
        return fingerprint(owner, ChatOptions.model_validate({"purpose": purpose}), [Turn(*one) for one in said])

    base = ("x", ("u",))
    plain = of(base)
    assert plain == of(base)
    others = [of(base, owner="b"), of(base, purpose="research"), of(("xu", ())), of(("x", ("u", ""))), of(base, base)]
    assert len({plain, *others}) == 6
