"""A real Chromium and a fixture node for the console's tests.

Rules
 * Where there is no Chromium the tests fail and say how to get one: a console that nobody has looked at is not tested.
 * Every page is watched: an error on its console, an uncaught exception or a breach of the policy fails the test,
   except where the test says that it takes the node away.
 * Nothing sleeps: every wait is for a condition.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Playwright, sync_playwright

from tests.console import scene
from tests.console.fake_node import TOKEN, FakeNode
from tools.make_screenshot import CHROMIUM_ARGUMENTS

WAIT_MS = 15_000
NO_WEBGL = """
const drawing = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return String(kind).startsWith('webgl') ? null : drawing.call(this, kind, ...more);
};
"""
WATCH_POLICY = """
window.breaches = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.breaches.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""
LOST_CONNECTION = ("Failed to load resource", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY")
HELP = (
    "The console's tests need Chromium, and none was found. Debian: apt-get install --no-install-recommends chromium; "
    "elsewhere install one and set PLAYWRIGHT_CHROMIUM=/path/to/chromium."
)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


def _launched(playwright: Playwright, arguments: tuple[str, ...]) -> Browser:
    executable = shutil.which(os.environ.get("PLAYWRIGHT_CHROMIUM") or "chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.fail(HELP)
    return playwright.chromium.launch(executable_path=executable, args=[*arguments])


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser that draws no map: half the work on a machine without a graphics card."""
    running = _launched(playwright, ("--no-sandbox", "--disable-gpu", "--disable-background-networking"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def map_browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser that draws maps in software."""
    running = _launched(playwright, CHROMIUM_ARGUMENTS)
    yield running
    running.close()


@dataclass
class Desk:
    """An open console, its node, and what the browser complained of."""

    page: Page
    node: FakeNode
    problems: list[str] = field(default_factory=list)
    may_lose_connection: bool = False

    def watch(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        if self.may_lose_connection and any(part in message.text for part in LOST_CONNECTION):
            return
        self.problems.append(f"console: {message.text}")

    def open(self, *, token: str = TOKEN) -> Desk:
        self.page.goto(f"{self.node.url}#token={token}")
        self.page.wait_for_selector(".live[data-live=yes]")
        return self

    def see(self, selector: str, *, text: str | None = None) -> Locator:
        """Wait until something is there (with this text), and return it."""
        found = self.page.locator(selector, has_text=text) if text else self.page.locator(selector)
        found.first.wait_for(state="visible")
        return found.first

    def wait(self, expression: str, argument: Any = None) -> None:
        """Wait until an expression of the page is true."""
        self.page.wait_for_function(expression, arg=argument)

    def reads(self, selector: str, text: str) -> None:
        """Wait until the element reads exactly so."""
        self.wait("([s, t]) => document.querySelector(s)?.textContent.trim() === t", [selector, text])

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> str:
        """Return the id or data-field of what has the focus."""
        found: str = self.page.evaluate("() => document.activeElement?.id || document.activeElement?.className || ''")
        return found

    def clean(self) -> None:
        """Fail on anything the browser complained of."""
        breaches = self.page.evaluate("() => window.breaches")
        assert breaches == []
        assert self.problems == []


def _context(browser: Browser, **options: Any) -> BrowserContext:
    settings: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
    context = browser.new_context(**settings)
    context.set_default_timeout(WAIT_MS)
    context.add_init_script(WATCH_POLICY)
    return context


def _desk(context: BrowserContext, node: FakeNode) -> Desk:
    page = context.new_page()
    desk = Desk(page, node)
    desk.watch(page)
    return desk


@pytest.fixture
def node() -> Iterator[FakeNode]:
    running = FakeNode()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def conflict(node: FakeNode) -> scene.View:
    """A conflict that stands before the desk is opened."""
    return node.add_finding(node.notice(scene.OWN, 0), node.notice(scene.PEER, 0))


@pytest.fixture
def closed_desk(browser: Browser, node: FakeNode) -> Iterator[Desk]:
    """A desk without WebGL (quick), not opened yet."""
    context = _context(browser)
    context.add_init_script(NO_WEBGL)
    desk = _desk(context, node)
    yield desk
    desk.clean()
    context.close()


@pytest.fixture
def desk(closed_desk: Desk) -> Desk:
    """An open desk without WebGL: what the table, the strip and the panes do."""
    return closed_desk.open()


@pytest.fixture
def map_desk(map_browser: Browser, node: FakeNode) -> Iterator[Desk]:
    """A desk with WebGL, not opened yet."""
    context = _context(map_browser)
    desk = _desk(context, node)
    yield desk
    desk.clean()
    context.close()


PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def phone(browser: Browser, node: FakeNode) -> Iterator[Desk]:
    """A phone without WebGL, not opened yet."""
    context = _context(browser, **PHONE)
    context.add_init_script(NO_WEBGL)
    desk = _desk(context, node)
    yield desk
    desk.clean()
    context.close()


@pytest.fixture
def map_phone(map_browser: Browser, node: FakeNode) -> Iterator[Desk]:
    """A phone with WebGL, not opened yet."""
    context = _context(map_browser, **PHONE)
    desk = _desk(context, node)
    yield desk
    desk.clean()
    context.close()
