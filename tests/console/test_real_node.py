"""The page on the product itself: two nodes, a conflict, a read-back, a resolution, seen at both ends."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser

from tests.console import scene
from tests.console.conftest import NO_WEBGL, WAIT_MS, Desk, _context, _desk
from tests.console.fake_node import FakeNode
from tests.console.real_line import RealNode, real_line

pytestmark = pytest.mark.console


def declared(node: RealNode, flight: scene.Flight) -> str:
    """Declare a flight at a real node, and return its reference."""
    volume = scene.volume(flight, time.time_ns() // 1_000_000)
    body = {"aircraft_class": "MANNED", "priority": 0, "volumes": msgspec.to_builtins([volume])}
    view = node.ask("POST", "v1/notices", body)["notices"][0]
    return str(view["reference"])


def flight(owner: str, lat: float) -> scene.Flight:
    return scene.Flight(
        number=0, owner=owner, outline=scene.circle(lat, -121.4, 4_000), lower="2000 ft AMSL", upper="3000 ft AMSL",
        from_min=5, until_min=50,
    )  # fmt: skip


def opened(browser: Browser, real: RealNode, *, script: str = "") -> Desk:
    context = _context(browser)
    if script:
        context.add_init_script(script)
    node = FakeNode(flights=())
    node.port = real.port
    return _desk(context, node).open(token=real.tokens["WATCH"])


def test_two_desks_on_one_line(browser: Browser, map_browser: Browser, tmp_path: Path) -> None:
    with real_line(tmp_path) as (ridge, valley):
        here, there = opened(map_browser, ridge), opened(browser, valley, script=NO_WEBGL)
        alone = declared(ridge, flight("ridge", 36.0))
        here.see("[role=row].own", text=alone)
        here.see("[role=row].own", text="● Cleared")
        there.see("[role=row].received", text=alone)

        there.press("r")
        there.wait("() => document.activeElement.id === 'read-south'")
        there.press(*"========", "Enter")
        there.see(".read-message.right", text="Read back rightly at")
        there.wait("() => document.activeElement.textContent === 'NOTED'")
        there.press("Enter")
        there.see(".forms", text="Noted at")
        here.wait("() => /read back \\d\\d:.* noted \\d\\d:/.test(document.querySelector('.acks').textContent)")

        declared(ridge, flight("ridge", 39.00))
        declared(valley, flight("valley", 39.02))
        for desk, party in ((here, "valley"), (there, "ridge")):
            desk.reads("#bar-findings .value", "1")
            desk.see(".findings [role=option]", text=f"with {party}")
            desk.see("[role=row].own", text=f"Not cleared: conflict open with {party}")

        here.press("f", "Enter")
        here.see(".detail .pairs", text="threes version 1: 3.0 NM")
        here.page.get_by_label("Way out").select_option("TIME_SEQUENCE")
        here.page.get_by_label("Who goes first").select_option("valley")
        here.page.get_by_role("button", name="Sign these terms").click()
        here.see(".signature-list .missing", text="valley: signature missing")
        there.press("Escape", "f", "Enter")
        there.see(".same button", text="valley first").click()
        for desk in (here, there):
            desk.reads("#bar-findings .value", "0")
            desk.see(".facts", text="Both have signed the same terms: resolved.")

        there.page.locator(".facts .links button", has_text="(you)").click()
        there.page.get_by_role("button", name="Activate").click()
        there.page.get_by_role("button", name="Press again to activate").click()
        there.see(".detail .pairs", text="Activated")
        here.see("[role=row].received", text="Activated")
        here.page.locator(".map[data-map=drawn]").wait_for(timeout=4 * WAIT_MS)
        for desk in (here, there):
            desk.clean()
            desk.page.context.close()
