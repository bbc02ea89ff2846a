"""The page of `clearline check --html` in a real browser: from a file, chosen in, zoomed, printed, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.cli.command_line import CommandLine
from tests.cli.made_files import EXAMPLES, circle, written
from tests.console.conftest import WATCH_POLICY

pytestmark = pytest.mark.console

FILES = tuple(EXAMPLES / name for name in ("north.geojson", "south.geojson", "tracks.csv", "valley_zones.txt"))
HOSTILE = "</script><img src=x onerror=window.owned=1>"


@pytest.fixture
def clearline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def report(clearline: CommandLine, tmp_path: Path) -> Path:
    out = tmp_path / "report.html"
    assert clearline("check", *FILES, "--html", out).code == 1
    return out


class Opened:
    """A page from a file, and what the browser complained of or asked the network for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith("file:///"):
            self.problems.append(f"request: {url}")

    def open(self, file: Path) -> Page:
        self.page.goto(file.as_uri())
        return self.page


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.add_init_script(WATCH_POLICY)
    here = Opened(context.new_page())
    yield here
    assert here.page.evaluate("() => window.breaches") == []
    assert here.problems == []
    context.close()


def transform(page: Page) -> str | None:
    return page.get_attribute("#world", "transform")


def test_the_first_finding_is_chosen_and_another_can_be(opened: Opened, report: Path) -> None:
    page = opened.open(report)
    assert page.get_attribute("#f0", "class") == "finding on"
    assert "T-1" in page.inner_text("#detail")
    page.click("#f2")
    assert page.get_attribute("#f0", "class") == "finding"
    assert "on" in str(page.get_attribute("#p2", "class")).split()
    assert page.locator("#map .record.on").count() == 2
    assert "Survey box" in page.inner_text("#detail")
    assert page.locator("#detail .strip .strip-region").count() == 1
    assert page.locator("tr.detail").first.is_hidden()


def test_a_place_on_the_map_chooses_its_row(opened: Opened, report: Path) -> None:
    page = opened.open(report)
    page.locator("#p4 .dot").dispatch_event("click")
    assert page.get_attribute("#f4", "class") == "finding on"
    assert "Supply run" in page.inner_text("#detail")


def test_everything_works_from_the_keyboard(opened: Opened, report: Path) -> None:
    page = opened.open(report)
    page.focus("#f0 button")
    page.keyboard.press("ArrowDown")
    assert page.get_attribute("#f1", "class") == "finding on"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.get_attribute("#f2 button", "aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert page.locator("tr.finding.on").count() == 0
    whole = transform(page)
    page.focus("#map")
    for key in ("+", "ArrowLeft", "-", "0"):
        page.keyboard.press(key)
        if key != "0":
            assert transform(page) != whole
    assert transform(page) == whole


def test_the_map_pans_and_zooms_where_it_is_pointed_at(opened: Opened, report: Path) -> None:
    page = opened.open(report)
    whole = transform(page)
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -300)
    assert transform(page) == whole, "the page scrolls until the map is pressed"
    page.mouse.down()
    page.mouse.move(340, 330, steps=4)
    page.mouse.up()
    dragged = transform(page)
    assert dragged != whole
    page.focus("#map")
    page.evaluate("() => window.scrollTo(0, 0)")
    page.mouse.wheel(0, -300)
    page.wait_for_function(
        "(before) => document.getElementById('world').getAttribute('transform') !== before", arg=dragged
    )
    page.click("#whole")
    assert transform(page) == whole
    assert str(page.text_content("#bar-text")).endswith("km")


def test_names_can_be_looked_for(opened: Opened, report: Path) -> None:
    page = opened.open(report)
    page.fill("#find", "medical range")
    assert page.locator("tr.finding:visible").count() == 1
    assert page.inner_text("#shown") == "1 shown"
    page.fill("#find", "")
    assert page.locator("tr.finding:visible").count() == 9


def test_a_hostile_name_stays_a_name(clearline: CommandLine, opened: Opened, tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.geojson", circle(HOSTILE), circle("\u202eevil"), circle("حريق"), circle(HOSTILE, end=HOSTILE)
    )
    clearline("check", file, "--html", tmp_path / "r.html")
    page = opened.open(tmp_path / "r.html")
    assert page.evaluate("() => window.owned") is None
    assert page.locator("img").count() == 0
    assert HOSTILE[:20] in page.inner_text("#f0")
    page.click("#f1")


def test_without_a_script_everything_can_be_read(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#map .place").count() == 9
    assert page.locator("tr.detail:visible .strip").count() == 9
    assert not page.locator("#detail").is_visible()
    assert not page.locator(".tools button").first.is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser: Browser, report: Path, scheme: str) -> None:
    """WCAG AA: 4.5 to 1 for every text of the page, the map's labels apart."""
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto(report.as_uri())
    worst = page.evaluate(
        """() => {
          const part = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
          const light = (text) => {
            const [r, g, b] = text.match(/[\\d.]+/g).map(Number);
            return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
          };
          const ground = (node) => {
            for (let at = node; at; at = at.parentElement) {
              const colour = getComputedStyle(at).backgroundColor;
              if (!/, 0\\)$/.test(colour)) return colour;
            }
            return 'rgb(255, 255, 255)';
          };
          let worst = [99, ''];
          const named = 'h1, h2, p, th, td, div, span, bdi, button, dt, dd, li, strong, footer';
          for (const node of document.querySelectorAll(named)) {
            if (!node.innerText?.trim() || !node.checkVisibility()) continue;
            const [a, b] = [light(getComputedStyle(node).color), light(ground(node))];
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < worst[0]) worst = [contrast, node.outerHTML.slice(0, 120)];
          }
          return worst;
        }"""
    )
    assert worst[0] >= 4.5, worst
    context.close()


def test_it_prints_on_paper(browser: Browser, report: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    assert page.locator("#map").is_visible()
    assert page.locator("tr.detail:visible").count() == 9, "few findings are printed with their strips"
    assert not page.locator("#find").is_visible()
    context.close()


def test_a_phone_has_no_sideways_scroll(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    context.close()
