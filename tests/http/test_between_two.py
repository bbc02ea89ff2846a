"""Two nodes over loopback HTTP: what one says, the other knows, answers and finds; and a restart forgets nothing."""

from __future__ import annotations

from pathlib import Path

from clearline.line.clearance import NoticeStatus
from clearline.line.snapshot import digest_of
from tests.http.parties import LINE, declaration, desks, run, served, volume

NEAR = volume(46.52, 7.5)
FAR = volume(10.0, 100.0)


def test_a_notice_is_cleared_by_the_others_receipt(tmp_path: Path) -> None:
    """Design §3: declared → receipted → cleared, and the receiver shows it as received."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south):
            declared = await north.declare()
            await north.until_status(declared["notice_id"], NoticeStatus.CLEARED)
            own = await north.get(f"/v1/notices/{LINE}/north/{declared['notice_id']}")
            assert own["status"] == "CLEARED"
            assert own["uncleared_because"] == []
            (ack,) = own["acknowledgements"]
            assert ack["party"] == "south"
            assert ack["delivered_at_ms"] is not None
            assert ack["read_back"] == "NONE"
            theirs = await south.get(f"/v1/notices/{LINE}/north/{declared['notice_id']}")
            assert theirs["status"] == "RECEIVED"
            assert theirs["own"] is False
            assert theirs["volumes"] == own["volumes"]

    run(story())


def test_without_the_other_nothing_is_cleared(tmp_path: Path) -> None:
    """R12: silence clears nothing; what is missing is named."""

    async def story() -> None:
        async with desks(tmp_path, "east", "north", "south") as (east, north, south):
            await south.served.stop()
            declared = await north.declare()
            await east.until_status(declared["notice_id"], NoticeStatus.RECEIVED, owner="north")
            own = await north.get(f"/v1/notices/{LINE}/north/{declared['notice_id']}")
            assert own["status"] == "UNCONFIRMED"
            assert {"code": "RECEIPT_MISSING", "party": "south", "finding_id": None, "refusal": None} in own[
                "uncleared_because"
            ]

    run(story())


def test_a_conflict_is_found_by_both_and_resolved_by_both(tmp_path: Path) -> None:
    """Design §3: the finding stands at both sides, and only two signatures under the same terms resolve it."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south):
            first = await north.declare()
            await north.until_status(first["notice_id"], NoticeStatus.CLEARED)
            second = await south.declare(NEAR)
            await north.until_status(first["notice_id"], NoticeStatus.CONFLICT)
            await south.until_status(second["notice_id"], NoticeStatus.CONFLICT)
            (finding,) = (await north.get("/v1/findings"))["findings"]
            assert (finding["state"], finding["severity"], finding["rule_id"]) == ("OPEN", "CONFLICT", "threes")
            assert finding["lateral_m_min"] == 0.0
            assert finding["band_text"] == "500 m W84 to 900 m W84"
            assert finding["reference_a"] == first["reference"]
            view = await north.get(f"/v1/notices/{LINE}/north/{first['notice_id']}")
            assert [one["finding_id"] for one in view["uncleared_because"]] == [finding["finding_id"]]

            path = f"/v1/findings/{finding['finding_id']}/resolution"
            terms = {"code": "TIME_SEQUENCE", "first_party": "north"}
            assert (await north.post(path, terms))["state"] == "OPEN"
            other = {"code": "TIME_SEQUENCE", "first_party": "south"}
            await south.until(lambda state: any(one.resolutions for one in state.line(LINE).findings.values()))
            assert (await south.post(path, other))["state"] == "OPEN"
            answer = await south.post(path, terms)
            assert answer["state"] == "RESOLVED"
            assert [one["party"] for one in answer["resolutions"]] == ["north", "south"]
            await north.until_status(first["notice_id"], NoticeStatus.CLEARED)
            await south.until_status(second["notice_id"], NoticeStatus.CLEARED)

    run(story())


def test_an_amendment_that_avoids_the_conflict_clears_both(tmp_path: Path) -> None:
    """Design §3: a newer version whose comparison no longer yields the finding ends it."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south):
            first = await north.declare()
            second = await south.declare(NEAR)
            await north.until_status(first["notice_id"], NoticeStatus.CONFLICT)
            await south.post(f"/v1/notices/{second['notice_id']}/amend", {"version": 2, "volumes": [FAR]})
            await south.until_status(second["notice_id"], NoticeStatus.CLEARED)
            await north.until_status(first["notice_id"], NoticeStatus.CLEARED)
            (gone,) = (await north.get("/v1/findings"))["findings"]
            assert (gone["state"], gone["area"], gone["certain"]) == ("GONE", [], None)

    run(story())


def test_a_read_back_is_judged_by_both_sides(tmp_path: Path) -> None:
    """R5: a wrong field is shown by name at both desks; NOTED needs a right one first."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south):
            declared = await north.declare()
            notice_id = declared["notice_id"]
            await south.until_status(notice_id, NoticeStatus.RECEIVED, owner="north")
            path = f"/v1/notices/{LINE}/north/{notice_id}"
            fields = (await south.get(path))["read_back_fields"]
            refused = await south.post(f"{path}/noted", {"version": 1}, status=409)
            assert refused["code"] == "STATE_FORBIDS"
            wrong = await south.post(f"{path}/read-back", {"version": 1, "fields": {**fields, "upper": "FL900"}})
            assert (wrong["acknowledgements"][0]["read_back"], wrong["acknowledgements"][0]["wrong_field"]) == (
                "WRONG",
                "upper",
            )
            right = await south.post(f"{path}/read-back", {"version": 1, "fields": fields})
            assert right["acknowledgements"][0]["read_back"] == "OK"
            await south.post(f"{path}/noted", {"version": 1})
            await north.until(lambda state: bool(state.line(LINE).notices["north", notice_id].noted))
            own = (await north.get(path))["acknowledgements"][0]
            assert own["read_back"] == "OK"
            assert own["noted_at_ms"] is not None

    run(story())


def test_use_begins_and_ends(tmp_path: Path) -> None:
    """Activate, release a part, release the rest; each is a version and says so when it is not the next."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, _):
            declared = await north.declare(volume(), FAR)
            path = f"/v1/notices/{declared['notice_id']}"
            active = await north.post(f"{path}/activate", {"version": 2})
            assert active["notices"][0]["state"] == "Activated"
            again = await north.post(f"{path}/activate", {"version": 2})
            assert again["notices"][0]["version"] == 2
            late = await north.post(f"{path}/release", {"version": 2}, status=409)
            assert (late["code"], late["field"]) == ("VERSION_NOT_NEXT", "version")
            part = await north.post(f"{path}/release", {"version": 3, "volumes": [1]})
            assert len(part["notices"][0]["volumes"]) == 1
            ended = await north.post(f"{path}/release", {"version": 4})
            assert ended["notices"][0]["status"] == "ENDED"
            over = await north.post(f"{path}/cancel", {"version": 5}, status=409)
            assert over["code"] == "NOTICE_ENDED"

    run(story())


def test_asking_twice_is_saying_once(tmp_path: Path) -> None:
    """Design §5: the client makes the id; a lost answer is asked for again."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south", lines=("demo", "second")) as (north, _):
            body = declaration(request_id="0b9f7a52-1111-4222-8333-444455556666")
            first = await north.post("/v1/notices", body, status=201)
            assert [one["line_id"] for one in first["notices"]] == ["demo", "second"]
            size = (await north.get("/v1/status"))["log_size"]
            second = await north.post("/v1/notices", body, status=200)
            assert [one["notice_id"] for one in second["notices"]] == [one["notice_id"] for one in first["notices"]]
            own = [one for one in (await north.get("/v1/log"))["entries"] if one["type"] == "AREA_NOTICE"]
            assert len(own) == 2
            assert size >= 3
            other = declaration(volume(47.0), notice_id=first["notices"][0]["notice_id"], lines=["demo"])
            refused = await north.post("/v1/notices", other, status=409)
            assert refused["code"] == "NOTICE_EXISTS"

    run(story())


def test_a_restart_comes_to_the_same_state(tmp_path: Path) -> None:
    """Design §1: the state is a replay of the log, with the snapshot of the stop and without it."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south):
            first = await north.declare()
            second = await south.declare(NEAR)
            await north.until_status(first["notice_id"], NoticeStatus.CONFLICT)
            await south.until_status(second["notice_id"], NoticeStatus.CONFLICT)
            await south.served.stop()
            await north.served.stop()
            before = digest_of(north.served.node.writer.state)
            tokens = north.tokens
            async with served(tmp_path / "north", tokens) as again:
                assert digest_of(again.served.node.writer.state) == before
                view = await again.get(f"/v1/notices/{LINE}/north/{first['notice_id']}")
                assert view["status"] == "CONFLICT"

    run(story())


def test_what_changed_since_is_told_and_no_more(tmp_path: Path) -> None:
    """The picture grows by `since`: no change is left out, and none comes twice when nothing changed."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south):
            first = await north.declare()
            await north.until_status(first["notice_id"], NoticeStatus.CLEARED)
            whole = await north.get("/v1/picture")
            assert [one["notice_id"] for one in whole["notices"]] == [first["notice_id"]]
            nothing = await north.get("/v1/picture", since=whole["log_size"])
            assert (nothing["notices"], nothing["findings"]) == ([], [])
            second = await south.declare(NEAR)
            await north.until_status(first["notice_id"], NoticeStatus.CONFLICT)
            news = await north.get("/v1/picture", since=whole["log_size"])
            assert {one["notice_id"] for one in news["notices"]} == {first["notice_id"], second["notice_id"]}
            assert len(news["findings"]) == 1
            assert news["role"] == "WATCH"

    run(story())


def test_lists_are_filtered(tmp_path: Path) -> None:
    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south):
            mine = await north.declare()
            theirs = await south.declare(FAR)
            await north.until_status(theirs["notice_id"], NoticeStatus.RECEIVED, owner="south")
            await north.until_status(mine["notice_id"], NoticeStatus.CLEARED)

            async def ids(**query: str | int) -> list[str]:
                return [one["notice_id"] for one in (await north.get("/v1/notices", **query))["notices"]]

            assert await ids(owner="south") == [theirs["notice_id"]]
            assert await ids(status="CLEARED", line=LINE) == [mine["notice_id"]]
            assert await ids(state="Ended") == []
            assert len(await ids()) == 2
            limited = await north.get("/v1/notices", limit=1)
            assert (len(limited["notices"]), limited["more"]) == (1, True)
            assert (await north.get("/v1/findings", state="OPEN"))["findings"] == []

    run(story())
