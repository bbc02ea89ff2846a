"""Take a picture of the console as it stands: for the README, and for looking at what was built.

Use: `python tools/make_screenshot.py URL_WITH_TOKEN WIDTH HEIGHT OUTPUT.png [SELECTOR_TO_CLICK …]`
It waits until the map is drawn (or the page says that there is none). Chromium: Debian's, or PLAYWRIGHT_CHROMIUM.
"""

from __future__ import annotations

import os
import shutil
import sys

from playwright.sync_api import sync_playwright

# Software drawing, so that the map is there on a machine without a graphics card too.
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


def take(url: str, width: int, height: int, output: str, clicks: list[str]) -> None:
    """Open the page, wait for the map, click what is asked, save the picture."""
    executable = os.environ.get("PLAYWRIGHT_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_ARGUMENTS))
        page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page.on("console", lambda message: print(f"{message.type}: {message.text}", file=sys.stderr))
        page.goto(url)
        page.wait_for_selector(".map[data-map=drawn], .no-map", state="attached", timeout=60_000)
        for selector in clicks:
            page.click(selector)
        page.wait_for_function("() => document.querySelector('.no-map') || document.querySelector('canvas')")
        page.screenshot(path=output)
        browser.close()


def main(arguments: list[str]) -> int:
    """Read the command line."""
    if len(arguments) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    url, width, height, output, *clicks = arguments
    take(url, int(width), int(height), output, clicks)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
