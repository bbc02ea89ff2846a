"""Resolutions by both signatures, and what an owner does with a notice: each in two presses."""

from __future__ import annotations

import pytest

from tests.console.conftest import Desk
from tests.console.scene import OWN, PEER, View

pytestmark = pytest.mark.console


def opened(desk: Desk) -> None:
    desk.press("f", "Enter")
    desk.see("form.resolution")


def test_own_terms_then_the_other_side_signs_the_same(conflict: View, desk: Desk) -> None:
    opened(desk)
    desk.page.get_by_label("Way out").select_option("VERTICAL_SPLIT")
    desk.page.get_by_label("Level between").fill("3500 ft amsl")
    desk.page.get_by_label("Who stays above").select_option(OWN)
    desk.page.get_by_role("button", name="Sign these terms").click()
    desk.see(".signature-list .signed", text="ridge (you) signed: Vertical split")
    desk.see(".signature-list .missing", text="valley: signature missing")
    assert desk.node.bodies[-1][1] == {"code": "VERTICAL_SPLIT", "level": "3500 ft AMSL", "above_party": OWN}
    desk.see(".findings [role=option]", text="signature missing: valley")
    desk.node.sign(conflict, PEER, desk.node.bodies[-1][1])
    desk.see(".facts", text="Both have signed the same terms: resolved.")
    desk.reads("#bar-findings .value", "0")
    desk.see("[role=row]", text="● Cleared")


def test_other_sides_terms_can_be_signed_as_they_stand(conflict: View, desk: Desk) -> None:
    desk.node.sign(conflict, PEER, {"code": "TIME_SEQUENCE", "first_party": PEER})
    opened(desk)
    desk.see(".same button", text="Time sequence: one after the other, valley first").click()
    desk.see(".facts", text="Both have signed the same terms: resolved.")
    assert desk.node.bodies[-1][1] == {"code": "TIME_SEQUENCE", "first_party": PEER}


def test_terms_that_differ_bind_nothing_and_say_so(conflict: View, desk: Desk) -> None:
    desk.node.sign(conflict, PEER, {"code": "LATERAL_SPLIT"})
    opened(desk)
    desk.page.get_by_label("Way out").select_option("CREWS_IN_CONTACT")
    desk.page.get_by_label("Frequency, MHz").fill("1")
    desk.page.get_by_role("button", name="Sign these terms").click()
    desk.see(".resolution .outcome", text="Frequency: 2 to 400 MHz")
    assert desk.node.bodies == []
    desk.page.get_by_label("Frequency, MHz").fill("123.45")
    desk.page.get_by_role("button", name="Sign these terms").click()
    desk.see(".facts", text="The terms differ. Nothing binds")
    assert desk.node.bodies[-1][1]["frequency_khz"] == 123_450
    desk.reads("#bar-findings .value", "1")


def test_uncleared_notice_may_be_activated_and_is_told_what_the_record_shows(desk: Desk) -> None:
    desk.see("[role=row]", text="A1B2C302").click()
    desk.page.get_by_role("button", name="Activate").click()
    desk.see(".own-actions .why", text="the record shows that it was not cleared")
    assert desk.node.bodies == []
    desk.page.get_by_role("button", name="Press again to activate").click()
    desk.see(".detail .pairs", text="Activated")
    assert desk.node.bodies == [("activate", {"version": 2})]


def test_cancel_takes_a_reason_and_a_second_press(desk: Desk) -> None:
    desk.see("[role=row]", text="A1B2C303").click()
    desk.page.get_by_role("button", name="Cancel notice").click()
    desk.press("Escape")
    desk.page.get_by_role("button", name="Cancel notice").click()
    desk.page.get_by_label("Reason").select_option("WEATHER")
    desk.page.get_by_role("button", name="Press again to cancel").click()
    desk.see(".detail .title", text="■ Ended")
    assert desk.node.bodies == [("cancel", {"version": 2, "reason": "WEATHER"})]


def test_refusal_is_shown_with_its_facts(desk: Desk) -> None:
    desk.may_lose_connection = True  # Chromium reports the 409 that is meant
    desk.see("[role=row]", text="A1B2C301").click()
    desk.page.get_by_role("button", name="Release").click()
    desk.node.notice(OWN, 0)["version"] = 5
    desk.page.get_by_role("button", name="Press again to release").click()
    desk.see(".own-actions .outcome", text="Refused: VERSION_NOT_NEXT at version. Found 2; allowed: 6")
