"""Phone, keyboard, contrast, direction: the desk works for whoever sits at it."""

from __future__ import annotations

import pytest

from tests.console.conftest import WAIT_MS, Desk
from tests.console.scene import View

pytestmark = pytest.mark.console

WIDE = "() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - innerWidth"
# Every visible text against the nearest ground behind it, by WCAG 2.2 §1.4.3. Returns what is too weak.
CONTRAST = """() => {
  const channel = (v) => (v /= 255, v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.7) return colour;
    }
    return [11, 17, 24];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest('svg, .only-heard, option')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const text = walker.currentNode.textContent.trim().slice(0, 30);
    if (ratio < 4.5) weak.push(`${ratio.toFixed(2)} ${element.className} ${text}`);
  }
  return weak;
}"""


class TestPhone:
    def test_nothing_scrolls_sideways_and_everything_is_reached(self, conflict: View, phone: Desk) -> None:
        desk = phone.open()
        for name in ("picture", "notices", "findings", "log"):
            desk.page.locator(f"[data-tab={name}]").last.click()
            desk.see(f"#panel-{name}")
            assert desk.page.evaluate(WIDE) <= 0, name
        desk.page.locator("button[data-tab=notices]").click()
        desk.see("[role=row]", text="B7E81003").click()
        desk.see("form.read-back")
        assert desk.page.evaluate(WIDE) <= 0
        for _ in range(8):
            desk.page.locator("[data-state=open] button.equal").first.click()
        desk.page.get_by_role("button", name="Send read-back").click()
        desk.see(".read-message.right")
        desk.page.locator("button.close").click()
        desk.see("#panel-notices [role=row]")

    def test_bar_is_whole_on_a_phone(self, conflict: View, phone: Desk) -> None:
        desk = phone.open()
        for selector in (
            ".peer",
            "#bar-findings",
            "#bar-reads",
            "#bar-uncleared",
            "#bar-log",
            ".clock",
            ".help",
            ".tabs",
        ):
            box = desk.see(selector).bounding_box()
            assert box is not None
            assert box["x"] >= 0, selector
            assert box["x"] + box["width"] <= 390, selector
            assert box["y"] + box["height"] <= 844, selector


class TestKeyboard:
    def test_help_names_every_key_and_they_can_be_switched_off(self, desk: Desk) -> None:
        desk.press("?")
        dialog = desk.see("dialog[open]")
        for key in ("r", "f", "n", "u", "d", "m", "l", "a", "/", "Esc", "="):
            assert dialog.locator("kbd", has_text=key).count() >= 1
        dialog.get_by_role("checkbox").uncheck()
        desk.press("Escape")
        desk.page.locator("dialog").wait_for(state="hidden")
        desk.press("r")
        assert desk.page.locator(".detail .title").count() == 0

    def test_lists_are_one_stop_and_moved_by_arrows(self, conflict: View, desk: Desk) -> None:
        desk.press("n", "ArrowDown", "ArrowDown")
        active = "() => document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))"
        desk.wait(f"{active} && ({active})().getAttribute('aria-rowindex') === '3'")
        desk.press("Enter")
        desk.see(".detail .title", text="B7E81003")
        desk.press("Escape")
        desk.see(".detail .empty")
        desk.wait("() => document.activeElement.getAttribute('role') === 'grid'")

    def test_tab_reaches_every_part_and_focus_shows(self, conflict: View, desk: Desk) -> None:
        seen: set[str] = set()
        for _ in range(40):
            desk.press("Tab")
            found = desk.page.evaluate(
                "() => { const e = document.activeElement; const s = getComputedStyle(e);"
                " return [e.closest('[id]')?.id || '', e.matches(':focus-visible') ? parseFloat(s.outlineWidth) : 0]; }"
            )
            if desk.page.evaluate("() => document.activeElement === document.body"):
                continue
            assert found[1] >= 2, found
            seen.add(found[0])
        assert {"bar-findings", "bar-reads", "bar-uncleared", "panel-notices", "panel-findings", "panel-log"} <= seen

    def test_counters_lead_to_what_they_count(self, conflict: View, desk: Desk) -> None:
        desk.page.locator("#bar-reads").click()
        desk.see(".shown", text="3 of 8")
        desk.page.locator("#bar-findings").click()
        desk.wait("() => document.activeElement.getAttribute('role') === 'listbox'")


class TestEyes:
    def test_contrast_is_enough_everywhere(self, conflict: View, desk: Desk) -> None:
        desk.press("r", "=", "=")
        desk.page.keyboard.type("7")
        desk.press("Enter")
        desk.see("[data-state=differs]")
        assert desk.page.evaluate(CONTRAST) == []
        desk.page.locator(".help").click()
        desk.see("dialog[open]")
        assert desk.page.evaluate(CONTRAST) == []

    def test_every_status_has_a_mark_and_a_word(self, conflict: View, desk: Desk) -> None:
        desk.page.get_by_label("Status", exact=True).select_option("all")
        badges = desk.page.locator(".notices .badge").all_inner_texts()
        assert {"▲ Conflict", "◐ Unconfirmed", "◇ Received", "● Cleared", "■ Ended"} <= set(badges)

    def test_times_end_in_z_with_the_long_form_beside(self, conflict: View, desk: Desk) -> None:
        desk.press("f", "Enter")
        title = desk.see(".detail .pairs dd span").get_attribute("title")
        assert title is not None
        assert title.count("Z ") == 2
        assert desk.page.locator("time").evaluate_all("all => all.every((node) => node.textContent.endsWith('Z'))")

    def test_page_works_from_right_to_left(self, conflict: View, desk: Desk) -> None:
        desk.page.evaluate("() => { document.documentElement.dir = 'rtl'; }")
        assert desk.page.evaluate(WIDE) <= 0
        name = desk.see(".bar .name").bounding_box()
        clock = desk.see(".clock").bounding_box()
        assert name is not None
        assert clock is not None
        assert name["x"] > clock["x"]
        # A window must not turn around with the page: its start stays left of its end.
        places = (
            desk.page.locator(".cell-window")
            .nth(1)
            .evaluate(
                "(cell) => { const text = cell.firstChild; const at = (i) => { const r = document.createRange();"
                " r.setStart(text, i); r.setEnd(text, i + 1); return r.getBoundingClientRect().x; };"
                " return [at(0), at(text.length - 1)]; }"
            )
        )
        assert places[0] < places[1]
        desk.press("r", "=")
        desk.see("[data-field=south][data-state=same]")


def test_map_on_a_phone(conflict: View, map_phone: Desk) -> None:
    desk = map_phone.open()
    assert desk.page.evaluate(WIDE) <= 0
    desk.page.locator(".map[data-map=drawn]").wait_for(timeout=4 * WAIT_MS)
    box = desk.see("canvas.maplibregl-canvas").bounding_box()
    assert box is not None
    assert box["height"] > 200
