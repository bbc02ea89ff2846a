"""What the client makes of answers: refusals, troubles, lies, and text that wants to reach the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.doors.cli import node_client
from clearline.doors.cli.log import _followed, entry_events
from clearline.doors.cli.main import COMMANDS, group
from clearline.doors.cli.node_client import NodeClient
from clearline.doors.cli.told import SessionTold
from clearline.doors.cli.trouble import ExitCode, NodeTrouble
from clearline.model.refusal import Refusal, RefusalCode

DOCS = Path(__file__).resolve().parents[2] / "docs"


def client_of(answer: Callable[[httpx2.Request], httpx2.Response]) -> NodeClient:
    return NodeClient("http://node", httpx2.Client(transport=httpx2.MockTransport(answer)))


def answering(status: int, body: bytes) -> NodeClient:
    return client_of(lambda request: httpx2.Response(status, content=body))


def test_a_refusal_is_handed_on_escaped() -> None:
    """Hostile text of the network is shown, and moves no cursor."""
    body = b'{"code":"NOT_OWNER","field":"x\\u001b[2J","found":"\\u202e","allowed":"\\u0007bell"}'
    with pytest.raises(Refusal) as caught:
        answering(403, body).get_bytes("/v1/status")
    assert caught.value.code is RefusalCode.NOT_OWNER
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"\xff\xfe"),
        (200, b'{"party": 5}'),
        (200, b"[" * 100_000),
        (301, b""),
        (404, b"not found"),
        (500, b'{"code":"INTERNAL","field":"","found":"reference 1","allowed":""}'),
        (503, b'{"code":"KERNEL_NOT_READY","field":"","found":"starting","allowed":""}'),
        (429, b'{"code":"OVERLOADED","field":"","found":"","allowed":""}'),
    ],
)
def test_everything_else_is_trouble_with_advice(status: int, body: bytes) -> None:
    with pytest.raises(NodeTrouble) as caught:
        answering(status, body).get(SessionTold, "/v1/session")
    assert caught.value.advice
    assert str(caught.value).isprintable()


def test_a_broken_connection_is_trouble() -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("gone\x1b[1m")

    with pytest.raises(NodeTrouble, match="cannot be reached"):
        client_of(broken).get_bytes("/v1/status")
    with pytest.raises(NodeTrouble), client_of(broken).stream("/v1/export"):
        pass


def test_an_answer_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_client, "ANSWER_BYTES_MAX", 10)
    with pytest.raises(Refusal) as caught:
        answering(200, b"x" * 11).get_bytes("/v1/notices")
    assert caught.value.code is RefusalCode.OVER_LIMIT


# --- the event stream

STREAM = (
    b": clearline\nretry: 1000\n\nevent: status\ndata: {}\n\n"
    b'id: 1\nevent: entry\ndata: {"log_index":1}\n\nid: 2\nevent: entry\ndata: {"log_index":2}\n\n'
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_events_are_read_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in pairwise(edges)]
    assert list(entry_events(chunks)) == [b'{"log_index":1}', b'{"log_index":2}']


def test_an_event_without_an_end_is_trouble() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"data: " + b"x" * (1 << 18)

    with pytest.raises(NodeTrouble):
        list(entry_events(endless()))


# --- what the documents say


def test_every_exit_code_stands_in_the_document() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")}
    assert {str(code.value) for code in ExitCode} <= rows


def test_every_command_and_option_stands_in_the_document() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"## clearline {name}" in text, name
        section = text.partition(f"## clearline {name}")[2].partition("\n## ")[0]
        shared = text.partition("## The node")[2].partition("\n## ")[0]
        context = group.make_context("clearline", [name, "--help"], resilient_parsing=True)
        command = group.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            if parameter.param_type_name != "option":
                continue
            longest = max(parameter.opts, key=len)
            assert f"`{longest}" in section or f"`{longest}" in shared, f"{name} {longest}"
        assert "exit code" in (command.help or "").lower() + (command.epilog or "").lower() or name == "init"


def test_numbers_of_the_schema_stay_readable() -> None:
    """A later node may add fields: the client passes them over."""
    told = msgspec.json.decode(b'{"party":"a","name":"b","role":"WATCH","more":[1]}', type=SessionTold)
    assert told.role == "WATCH"


# --- following a log


def entry_event(index: int) -> bytes:
    fields = (
        f'"log_index":{index},"received_at_ms":0,"line_id":"demo","from_party":"north","own":true,"type":"RECEIPT",'
        f'"sequence":{index + 1},"digest":"","notice_ids":[],"finding_ids":[],"rejected":null'
    )
    return f"id: {index}\nevent: entry\ndata: {{{fields}}}\n\n".encode()


def test_a_broken_stream_is_resumed_after_the_last_entry(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is missed and nothing comes twice, whether the stream breaks, ends, or begins too early again."""

    class Breaking(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield entry_event(5) + entry_event(6)
            raise httpx2.ReadError("gone")

    answers = [
        httpx2.Response(200, stream=Breaking()),
        httpx2.Response(503, content=b'{"code":"STOPPING","field":"","found":"","allowed":""}'),
        httpx2.Response(200, content=entry_event(6) + entry_event(7)),
        httpx2.Response(200, content=entry_event(8)),
    ]
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.params["from"])
        return answers[len(asked) - 1]

    monkeypatch.setattr("clearline.doors.cli.log.time.sleep", lambda seconds: None)
    entries = _followed(client_of(answer), 5)
    assert [next(entries)[0].log_index for _ in range(4)] == [5, 6, 7, 8]
    assert asked == ["5", "7", "7", "8"]
    assert capsys.readouterr().err.count("trying again") == 3


def test_a_node_that_is_not_there_from_the_beginning_is_trouble() -> None:
    def refused(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(NodeTrouble):
        next(_followed(client_of(refused), 0))
