"""The read-back: value by value, by keyboard alone; a wrong one is shown, a right one leads to NOTED and no further."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.conftest import Desk
from tests.console.scene import OWN, PEER

pytestmark = pytest.mark.console

FIELDS = ("south", "west", "north", "east", "lower", "upper", "from_time", "until_time")


def started(desk: Desk) -> dict[str, Any]:
    """Open the first read-back by its key, and return the notice."""
    desk.press("r")
    desk.wait("() => document.activeElement.id === 'read-south'")
    view: dict[str, Any] = desk.node.notice(PEER, 2)
    desk.see(".detail .title", text=view["reference"])
    return view


def typed(view: dict[str, Any], name: str) -> str:
    """Return a value as an officer types it."""
    value = view["read_back_fields"][name]
    if name.endswith("_time"):
        return str(value[11:13] + value[14:16])
    if name in ("west", "east"):
        return f"{abs(value):.2f}W"
    return f"{value:.2f}" if isinstance(value, float) else str(value).lower()


def test_typed_by_keyboard_only_then_noted(desk: Desk) -> None:
    view = started(desk)
    for name in FIELDS:
        assert desk.focused() == f"read-{name}"
        desk.page.keyboard.type(typed(view, name))
        desk.press("Enter")
        desk.see(f"[data-field={name}][data-state=same]", text="✓ same")
    desk.wait("() => document.activeElement.textContent === 'Send read-back'")
    desk.press("Enter")
    desk.see(".read-message.right", text="Read back rightly at")
    verb, body = desk.node.bodies[-1]
    assert (verb, body) == ("read-back", {"version": 1, "fields": view["read_back_fields"]})
    desk.reads("#bar-reads .value", "2")
    desk.see(".notes, .forms", text="It is not permission.")
    desk.wait("() => document.activeElement.textContent === 'NOTED'")
    desk.press("Enter")
    desk.see(".forms", text="Noted at")
    assert desk.node.bodies[-1] == ("noted", {"version": 1})
    assert view["acknowledgements"][0]["noted_at_ms"] is not None


def test_each_value_is_confirmed_by_its_own_key(desk: Desk) -> None:
    view = started(desk)
    assert desk.page.locator("form.read-back input").evaluate_all("all => all.every((input) => input.value === '')")
    for left in range(8, 0, -1):
        desk.see("form.read-back [type=submit]", text=f"{left} value")
        desk.press("=")
    desk.press("Enter")
    desk.see(".read-message.right")
    assert desk.node.bodies[-1][1]["fields"] == view["read_back_fields"]


def test_nothing_is_sent_while_a_value_is_open(desk: Desk) -> None:
    started(desk)
    desk.press("=", "=", "=", "=", "Enter", "Enter")
    assert desk.focused() == "read-lower"
    desk.page.locator("form.read-back [type=submit]").focus()
    desk.press("Enter")
    assert desk.focused() == "read-lower"
    assert desk.node.bodies == []


def test_what_is_not_understood_is_not_taken(desk: Desk) -> None:
    started(desk)
    desk.page.keyboard.type("thirty-seven")
    desk.press("Enter")
    desk.see("[data-field=south][data-state=unreadable]", text="not understood")
    assert desk.focused() == "read-south"


def test_wrong_read_back_shows_both_values_and_is_asked_again(desk: Desk) -> None:
    view = started(desk)
    for name in FIELDS:
        if name == "upper":
            desk.page.keyboard.type("FL120")
            desk.press("Enter")
        else:
            desk.press("=")
    desk.see("[data-field=upper][data-state=differs]", text="✗ DIFFERS")
    desk.see("form.read-back [type=submit]", text="DIFFERS in: Upper limit")
    desk.press("Enter")
    desk.see(".read-message.wrong", text="READ-BACK WRONG: Upper limit. The notice says FL110")
    assert view["acknowledgements"][0]["read_back"] == "WRONG"
    desk.wait("() => document.activeElement.id === 'read-upper'")
    desk.reads("#bar-reads .value", "3")
    assert desk.page.locator("button.noted").count() == 0
    desk.press("=")
    desk.wait("() => document.activeElement.textContent === 'Send read-back'")
    desk.press("Enter")
    desk.see(".read-message.right")


def test_new_version_empties_the_form(desk: Desk) -> None:
    view = started(desk)
    desk.press("=", "=")
    view["version"] = 2
    desk.node.put_notice(view, "AREA_AMEND")
    desk.see(".read-message", text="changed to version 2")
    desk.see("form.read-back [type=submit]", text="8 values still to read")


def test_other_news_does_not_disturb_what_is_typed(desk: Desk) -> None:
    started(desk)
    desk.press("=")
    desk.page.keyboard.type("12")
    desk.node.add_finding(desk.node.notice(OWN, 0), desk.node.notice(PEER, 2))
    desk.reads("#bar-findings .value", "1")
    desk.see(".detail .links", text="Conflict open")
    assert desk.focused() == "read-west"
    assert desk.page.locator("#read-west").input_value() == "12"


def test_escape_leaves_the_field_before_it_closes_the_detail(desk: Desk) -> None:
    started(desk)
    desk.press("=")
    desk.page.keyboard.type("12")
    desk.press("Escape")
    assert desk.page.locator("#read-west").input_value() == "12"
    assert desk.page.locator("[data-field=south]").get_attribute("data-state") == "same"
    desk.press("Escape")
    desk.see(".detail .empty")


# What an officer may type, for a declared value, and what goes on the wire (None: not understood).
TYPED = (
    ("west", "122.15W", -122.15, -122.15),
    ("west", "-122.15", -122.15, -122.15),
    ("west", "122.15 w", -122.15, -122.15),
    ("west", "122.15N", -122.15, None),
    ("west", "-122.15W", -122.15, None),
    ("west", "200", -122.15, None),
    ("south", "38.5°N", 38.5, 38.5),
    ("south", "95", 38.5, None),
    ("lower", "3000ft amsl", "3000 ft AMSL", "3000 ft AMSL"),
    ("lower", "3000 ft", "3000 ft AMSL", None),
    ("lower", "fl 90", "FL090", "FL090"),
    ("lower", "120 m agl / fl045", "120 m AGL / FL045", "120 m AGL / FL045"),
    ("from_time", "0115", "2026-11-22T01:15:00Z", "2026-11-22T01:15:00Z"),
    ("from_time", "01:15z", "2026-11-22T01:15:00Z", "2026-11-22T01:15:00Z"),
    ("from_time", "011530", "2026-11-22T01:15:30Z", "2026-11-22T01:15:30Z"),
    ("from_time", "2515", "2026-11-22T01:15:00Z", None),
    ("from_time", "2026-11-22 01:15:00z", "2026-11-22T01:15:00Z", "2026-11-22T01:15:00Z"),
    ("from_time", "2026-11-22T01:15:00+01:00", "2026-11-22T01:15:00Z", None),
    ("from_time", "115A", "2026-11-22T01:15:00Z", None),
)


def test_values_are_read_as_people_type_them(desk: Desk) -> None:
    for name, source, declared, wire in TYPED:
        read = desk.page.evaluate(
            "async ([name, source, declared]) => (await import('./js/readback.js')).readValue(name, source, declared)",
            [name, source, declared],
        )
        assert read == wire, (name, source)
