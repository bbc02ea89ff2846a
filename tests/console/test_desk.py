"""What a watch officer sees: line, counters, notices, findings, log; live, and plainly not live."""

from __future__ import annotations

import time

import pytest

from tests.console import scene
from tests.console.conftest import Desk
from tests.console.fake_node import TOKEN, FakeNode
from tests.console.scene import OWN, PEER, Flight, View, circle

pytestmark = pytest.mark.console


def small(number: int) -> Flight:
    """Return a small received notice that begins in five minutes."""
    return Flight(
        number=number,
        owner=PEER,
        outline=circle(39, -120, 2_000),
        lower="1000 ft AMSL",
        upper="2000 ft AMSL",
        from_min=5,
        until_min=20,
        status="RECEIVED",
    )


class TestSigningIn:
    def test_token_leaves_the_address_and_is_kept_nowhere(self, desk: Desk) -> None:
        assert desk.page.url == desk.node.url
        kept = desk.page.evaluate(
            "() => [location.href, document.cookie, JSON.stringify({...localStorage}),"
            " JSON.stringify({...sessionStorage}),"
            " document.documentElement.outerHTML, JSON.stringify(history.state)].join(' ')"
        )
        assert TOKEN not in kept
        assert all(TOKEN not in request for request in desk.node.requests)

    def test_form_refuses_a_wrong_token_and_takes_the_right_one(self, closed_desk: Desk) -> None:
        desk = closed_desk
        desk.may_lose_connection = True  # Chromium reports the 401 that is meant
        desk.page.goto(desk.node.url)
        desk.see("#token").fill("wrong")
        desk.press("Enter")
        desk.see("[role=alert]", text="NOT_AUTHENTICATED")
        desk.page.locator("#token").fill(TOKEN)
        desk.press("Enter")
        desk.see(".live[data-live=yes]")

    def test_reload_needs_no_token(self, desk: Desk) -> None:
        desk.page.reload()
        desk.see(".live[data-live=yes]")

    def test_session_that_ends_asks_again(self, desk: Desk) -> None:
        desk.may_lose_connection = True
        desk.page.context.clear_cookies()
        desk.node.add_notice(small(0xC0FFEE01))
        desk.see("#token").fill(TOKEN)
        desk.press("Enter")
        desk.see("[role=row]", text="C0FFEE01")


class TestTwoSeconds:
    """Is the line open, what is not cleared and why, what is open and with whom, what must I read back."""

    def test_bar_answers_at_a_glance(self, conflict: View, desk: Desk) -> None:
        desk.reads("#bar-findings .value", "1")
        desk.reads("#bar-reads .value", "3")
        desk.reads("#bar-uncleared .value", "2")
        peer = desk.see(".peer")
        assert "valley" in peer.inner_text()
        assert "OPEN" in peer.inner_text()
        assert "0 undelivered" in peer.inner_text()
        assert desk.see(".clock").inner_text().endswith("Z")
        desk.wait("() => document.title.startsWith('1 open · 3 to read back')")

    def test_line_that_degrades_says_so_in_words_and_shape(self, desk: Desk) -> None:
        view = scene.line_view(desk.node.now_ms())
        view["parties"][1].update(link="DEGRADED", undelivered=4)
        desk.node.lines = [view]
        desk.node.tell("status", {"lines": [view]})
        desk.see(".peer[data-link=DEGRADED]", text="◐ DEGRADED")
        desk.see(".undelivered[data-some]", text="4 undelivered")

    def test_not_cleared_is_told_in_words(self, conflict: View, desk: Desk) -> None:
        desk.see("[role=row]", text="Not cleared: conflict open with valley")
        desk.see("[role=row]", text="Not cleared: no receipt from valley")

    def test_finding_tells_with_whom_where_how_high_when_and_by_which_rule(self, conflict: View, desk: Desk) -> None:
        text = desk.see(".findings [role=option]").inner_text()
        for part in ("Conflict open", "with valley", "3000 ft AMSL", "closer for 21 min", "rule threes v1", "no terms"):
            assert part in text
        desk.page.locator(".findings [role=option]").click()
        detail = desk.see(".detail .facts")
        desk.see(".detail", text="Least distances")
        text = detail.inner_text()
        for part in ("threes version 1: 3.0 NM", "914 m / 3\u202f000 ft", "ridge (you), valley", "0 (they overlap)"):
            assert part in text
        assert "signature missing" in text

    def test_acknowledgements_are_shown_per_party(self, desk: Desk) -> None:
        desk.press("n")
        desk.see("[role=row]", text="A1B2C303").click()
        table = desk.see(".detail table").inner_text()
        assert "valley" in table
        assert "not yet" in table
        assert "log 7" in table


class TestLive:
    def test_finding_comes_live_and_is_announced(self, desk: Desk) -> None:
        desk.reads("#bar-findings .value", "0")
        desk.see(".findings .empty", text="No open findings.")
        desk.node.add_finding(desk.node.notice(OWN, 0), desk.node.notice(PEER, 0))
        desk.reads("#bar-findings .value", "1")
        desk.see(".findings [role=option]", text="with valley")
        desk.see("[role=row].own", text="▲ Conflict")
        desk.wait(
            "() => document.querySelector('[aria-live=assertive]').textContent.startsWith('New conflict with valley')"
        )
        desk.see(".log li", text="CONFLICT")

    def test_storm_of_events_is_coalesced(self, desk: Desk) -> None:
        """At most four pictures a second are asked for, however many events come."""
        before, start, count = desk.node.requests.count("GET /v1/picture"), time.monotonic(), 0
        while time.monotonic() - start < 1.5:
            desk.node.add_notice(small(0xD0000000 + count))
            count += 1
            desk.page.evaluate("() => new Promise(requestAnimationFrame)")
        desk.reads("#bar-reads .value", str(3 + count))
        asked = desk.node.requests.count("GET /v1/picture") - before
        assert asked <= 4 * (time.monotonic() - start) + 1
        assert asked < count

    def test_not_live_is_unmistakable_and_heals(self, conflict: View, desk: Desk) -> None:
        desk.may_lose_connection = True
        desk.node.stop()
        banner = desk.see("#banner-lost", text="NOT LIVE since")
        assert "Z." in banner.inner_text()
        desk.see(".peer[data-link=UNKNOWN]", text="UNKNOWN")
        desk.see(".live[data-live=no]", text="NOT LIVE")
        desk.wait("() => document.title.startsWith('NOT LIVE')")
        desk.node.add_notice(small(0xC0FFEE02))
        desk.node.start()
        desk.page.locator("#banner-lost").wait_for(state="hidden")
        desk.see(".peer[data-link=OPEN]")
        desk.see("[role=row]", text="C0FFEE02")

    def test_clocks_that_differ_alarm(self, closed_desk: Desk, node: FakeNode) -> None:
        node.clock_offset_ms = -42_000
        closed_desk.open()
        closed_desk.see("#banner-skew", text="42 s ahead of the node")
        node.clock_offset_ms = 0
        node.put_notice(node.notice(OWN, 0), "ACTIVATE")
        closed_desk.page.locator("#banner-skew").wait_for(state="hidden")


class TestTable:
    def test_filters_and_sorts(self, desk: Desk) -> None:
        rows = desk.page.locator(".notices [role=row]")
        desk.see(".shown", text="6 of 8")
        desk.page.get_by_label("Owner", exact=True).select_option("valley")
        desk.see(".shown", text="3 of 8")
        desk.page.get_by_label("Owner", exact=True).select_option("")
        desk.press("/")
        desk.page.keyboard.type("a1b2c303")
        desk.see(".shown", text="1 of 8")
        assert "FL120 – FL180" in rows.first.inner_text()
        desk.page.keyboard.type("x")
        desk.see(".notices .empty", text="No notice fits the filter.")
        desk.page.locator("#bar-uncleared").click()
        desk.see(".shown", text="1 of 8")
        desk.page.get_by_label("Status", exact=True).select_option("all")
        desk.page.get_by_label("Sort", exact=True).select_option("reference")
        desk.wait("() => [...document.querySelectorAll('.notices [role=row]')].length === 8")
        assert desk.page.locator(".notices [aria-rowindex='1']").inner_text().count("A1B2C301") == 1

    def test_line_is_named_where_there_are_several(self, closed_desk: Desk, node: FakeNode) -> None:
        node.lines.append({**scene.line_view(node.now_ms()), "line_id": "other-line"})
        desk = closed_desk.open()
        desk.see("[role=row] .cell-why", text="fire-line · ")
        assert desk.page.locator(".peer").count() == 2

    def test_thousands_stay_usable(self, closed_desk: Desk, node: FakeNode) -> None:
        for flight in scene.many_flights(4_000, 7):
            node.add_notice(flight)
        desk = closed_desk.open()
        desk.see(".shown", text="4006 of 4008")
        assert desk.page.locator(".notices [role=row]").count() < 60
        desk.press("n", "End")
        desk.wait("() => document.querySelector('.notices [aria-rowindex=\"4006\"].active')")
        drawn_ms = desk.page.evaluate(
            "() => { const box = document.querySelector('input[type=search]'); const start = performance.now();"
            " box.value = '10000abc'; box.dispatchEvent(new Event('input')); return performance.now() - start; }"
        )
        desk.see(".shown", text="1 of 4008")
        assert drawn_ms < 1_000


class TestTrouble:
    def test_halted_node_and_failing_store_are_told(self, desk: Desk) -> None:
        desk.node.store_failure = "disk full"
        desk.node.tell("status", desk.node.status())
        desk.see("#banner-halted", text="THE NODE CANNOT WRITE: disk full")
        desk.node.halted = {"code": "STORE_DAMAGED", "field": "", "found": "", "allowed": ""}
        desk.node.tell("status", desk.node.status())
        desk.see("#banner-halted", text="STOPPED WRITING (STORE_DAMAGED)")

    def test_peer_that_refuses_forks_or_has_another_time_is_told(self, desk: Desk) -> None:
        desk.node.lines[0]["parties"][1].update(
            refused={"code": "AGREEMENT_DIFFERS"}, forked=12, clock_ahead_ms=-90_000, link="DEGRADED"
        )
        desk.node.tell("status", desk.node.status())
        text = desk.see(".peer .why", text="▲ it refuses us: AGREEMENT_DIFFERS").inner_text()
        assert "signed two messages for place 12" in text
        assert "its clock is 1 min 30 s behind ours" in text

    def test_finding_without_details_is_shown(self, conflict: View, closed_desk: Desk) -> None:
        conflict.update(
            area=[], band_text=None, band_lower_w84_m=None, band_upper_w84_m=None, certain=None,
            lateral_m_min=None, vertical_m_min=None,
        )  # fmt: skip
        closed_desk.open()
        closed_desk.see(".findings [role=option]", text="with valley").click()
        closed_desk.see(".detail .pairs", text="not comparable")

    def test_stream_that_falls_silent_is_not_believed(self, closed_desk: Desk, node: FakeNode) -> None:
        closed_desk.page.clock.install()
        desk = closed_desk.open()
        node.is_silent = True
        desk.may_lose_connection = True
        streams = node.requests.count("GET /v1/events")
        desk.page.clock.fast_forward(11_000)
        desk.see(".live[data-live=yes]")
        while node.requests.count("GET /v1/events") == streams:
            desk.page.clock.run_for(500)

    def test_signing_out_ends_the_session(self, desk: Desk) -> None:
        desk.may_lose_connection = True
        desk.page.locator(".help").click()
        desk.page.get_by_role("button", name="Sign out").click()
        desk.see("#token")
        assert not desk.page.context.cookies()


class TestTime:
    """What is over is out of the way, and never lost."""

    def test_what_is_over_is_not_counted_and_can_be_shown(self, closed_desk: Desk, node: FakeNode) -> None:
        finding = node.add_finding(node.notice(OWN, 0), node.notice(PEER, 0))
        finding.update(from_ms=node.now_ms() - 90_000, until_ms=node.now_ms() - 30_000)
        desk = closed_desk.open()
        desk.reads("#bar-findings .value", "0")
        desk.page.get_by_label("Show resolved, gone, over").check()
        desk.see(".findings [role=option]", text="over")
        desk.page.get_by_label("Status", exact=True).select_option("all")
        desk.see("[role=row]", text="window over")

    def test_use_past_its_window_stays_in_sight(self, closed_desk: Desk, node: FakeNode) -> None:
        node.notice(OWN, 3)["state"] = "Activated"
        desk = closed_desk.open()
        desk.see("[role=row]", text="window over")


class TestRoles:
    @pytest.mark.parametrize("role", ["OBSERVER", "PLANNER"])
    def test_only_the_watch_reads_back(self, closed_desk: Desk, node: FakeNode, role: str) -> None:
        node.role = role
        desk = closed_desk.open()
        desk.see("[role=row]", text="B7E81003").click()
        desk.see(".detail", text="Only the watch reads back")
        assert desk.page.locator("form.read-back").count() == 0
        desk.page.locator("[role=row]", has_text="A1B2C303").click()
        desk.see(".detail h2")
        assert desk.page.locator(".own-actions").count() == (1 if role == "PLANNER" else 0)
