"""Whatever a peer or a node sends is text: it runs nothing, hides nothing and turns nothing around."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.conftest import Desk
from tests.console.fake_node import FakeNode
from tests.console.scene import OWN, PEER, Flight, View, circle

pytestmark = pytest.mark.console

SCRIPT = "<script>window.owned = 1</script><img src=x onerror='window.owned = 2'>"
TURNED = "abc\u202egnp.exe\u2066\u200b\x07"


def poison(value: Any) -> Any:
    """Return the view with every free text replaced."""
    if isinstance(value, dict):
        kept = ("line_id", "notice_id", "finding_id", "owner", "owner_a", "owner_b", "notice_a", "notice_b")
        return {name: item if name in kept else poison(item) for name, item in value.items()}
    if isinstance(value, list):
        return [poison(item) for item in value]
    return f"{SCRIPT}{TURNED}" if isinstance(value, str) else value


def test_hostile_text_is_inert_everywhere(closed_desk: Desk, node: FakeNode) -> None:
    finding = node.add_finding(node.notice(OWN, 0), node.notice(PEER, 0))
    for view in list(node.notices.values())[1:]:
        volumes = view["volumes"]
        view.update({**poison(view), "volumes": volumes})
    finding.update(poison(finding))
    finding.update(severity="CONFLICT", state="OPEN")
    finding["resolutions"] = [{"party": SCRIPT, "code": SCRIPT, "level": TURNED, "signed_at_ms": 1, "log_index": 1}]
    node.entries[-1].update(type=SCRIPT, from_party=TURNED, notice_ids=[SCRIPT], rejected={"code": SCRIPT})
    node.lines[0]["parties"][1]["party_id"] = SCRIPT
    node.lines[0]["parties"][1]["link"] = SCRIPT
    desk = closed_desk.open()
    desk.page.get_by_label("Status", exact=True).select_option("all")
    desk.see("[role=row]", text="<script>")
    desk.see(".findings [role=option]").click()
    desk.see(".detail .title", text="Conflict open")
    desk.see("[role=row]", text="B7E81003").click()
    desk.see(".detail .pairs")
    shown = desk.page.evaluate("() => document.body.textContent")
    assert "<script>" in shown
    assert "\\u202e" in shown
    # Only our own isolates may be left of the signs that turn text around.
    assert not any(sign in shown for sign in "\u202a\u202b\u202d\u202e\u2066\u2067\u200b\x07")
    assert desk.page.evaluate("() => window.owned") is None
    assert desk.page.locator("#app script, #app img, #app iframe").count() == 0


def test_nonsense_from_the_node_does_not_stop_the_desk(closed_desk: Desk, node: FakeNode) -> None:
    """Shapes that cannot be drawn and fields that are missing cost their own row at most."""
    view: View = node.add_notice(Flight(number=0xBAD00001, owner=PEER, outline=circle(10, 10, 1_000), lower="FL100",
                                        upper="FL120", from_min=1, until_min=9, status="RECEIVED"))  # fmt: skip
    view["volumes"][0]["volume"]["outline_circle"] = {"center": {"lat": "x", "lng": None}, "radius": {}}
    view["read_back_fields"] = None
    view["acknowledgements"] = []
    view["status"] = "SOMETHING_NEW"
    desk = closed_desk.open()
    desk.see("[role=row]", text="BAD00001").click()
    desk.see(".detail .title", text="Unknown")
    desk.see("[role=row]", text="B7E81002")


def test_broken_event_is_ignored(desk: Desk) -> None:
    desk.node.tell("status", {"lines": "nonsense", "halted": None})
    desk.node.tell("unheard-of", {})
    desk.node.add_finding(desk.node.notice(OWN, 0), desk.node.notice(PEER, 0))
    desk.reads("#bar-findings .value", "1")
