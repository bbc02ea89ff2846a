"""The map draws, under the policy, and what is pressed on it is chosen; without WebGL nothing else is missing."""

from __future__ import annotations

import struct
import zlib

import pytest

from clearline.model.volume import Circle, Corridor, Polygon
from tests.console.conftest import WAIT_MS, Desk
from tests.console.fake_node import FakeNode
from tests.console.scene import OWN, PEER, Flight, View, circle, corridor, polygon

pytestmark = pytest.mark.console

DRAWN = ".map[data-map=drawn]"


def colours_of(png: bytes) -> set[bytes]:
    """Return the different pixels of a PNG with 8 bits a channel (RFC 2083)."""
    width, _, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    channels = {2: 3, 6: 4}[kind]
    data, place = b"", 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += length + 12
    raw = zlib.decompress(data)
    stride = width * channels + 1
    found: set[bytes] = set()
    above = bytes(stride - 1)
    for start in range(0, len(raw), stride):
        above = _unfiltered(raw[start], raw[start + 1 : start + stride], above, channels)
        found.update(above[i : i + channels] for i in range(0, len(above), channels * 3))
    return found


def _unfiltered(kind: int, line: bytes, above: bytes, channels: int) -> bytes:
    out = bytearray(line)
    for i in range(len(out)):
        left = out[i - channels] if i >= channels else 0
        corner = above[i - channels] if i >= channels else 0
        up = above[i]
        if kind == 1:
            out[i] = (out[i] + left) & 255
        elif kind == 2:
            out[i] = (out[i] + up) & 255
        elif kind == 3:
            out[i] = (out[i] + (left + up) // 2) & 255
        elif kind == 4:
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
            out[i] = (out[i] + near[2]) & 255
    return bytes(out)


def test_map_draws_land_notices_and_conflict(conflict: View, map_desk: Desk) -> None:
    desk = map_desk.open()
    desk.page.locator(DRAWN).wait_for(timeout=4 * WAIT_MS)
    box = desk.see(".map").bounding_box()
    assert box is not None
    middle = {"x": box["x"] + box["width"] / 3, "y": box["y"] + 40.0, "width": 260.0, "height": 160.0}
    assert len(colours_of(desk.page.screenshot(clip=middle))) > 20  # type: ignore[arg-type]
    assert desk.page.locator(".no-map").count() == 0
    # what is shown on the map lies in its middle, and a press there leads to its detail
    desk.press("f", "Enter")
    desk.page.get_by_role("button", name="Show on map").click()
    desk.page.locator("button.close").click()
    desk.see(".detail .empty")
    for _ in range(200):  # the map glides there: press until it has arrived
        desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if desk.page.locator(".detail .title").count():
            break
        desk.page.evaluate("() => new Promise(requestAnimationFrame)")
    desk.see(".detail .title")


def test_shapes_over_the_antimeridian_and_the_pole_are_drawn(map_desk: Desk, node: FakeNode) -> None:
    shapes: tuple[Circle | Corridor | Polygon, ...] = (
        polygon((-17.0, 179.5), (-17.0, -179.0), (-18.5, -179.0), (-18.5, 179.5)),
        circle(-16.0, 179.9, 90_000),
        corridor(8_000, (-20.0, 179.0), (-19.0, -178.5)),
        circle(89.0, 10.0, 300_000),
    )
    for number, shape in enumerate(shapes):
        node.add_notice(Flight(number=0xE0000000 + number, owner=PEER, outline=shape, lower="FL100", upper="FL200",
                               from_min=5, until_min=50, status="RECEIVED"))  # fmt: skip
    desk = map_desk.open()
    desk.page.locator(DRAWN).wait_for(timeout=4 * WAIT_MS)
    widths = desk.page.evaluate(
        """async (volumes) => {
          const { volumeShape } = await import('./js/shape.js');
          return volumes.map((volume) => {
            const { type, coordinates } = volumeShape(volume).geometry;
            const all = (type === 'Polygon' ? coordinates[0] : coordinates).map((at) => at[0]);
            return Math.max(...all) - Math.min(...all);
          });
        }""",
        [node.notice(PEER, 4 + i)["volumes"][0] for i in range(4)],
    )
    assert all(width < 5 for width in widths[:3])
    assert widths[3] > 355


def test_without_webgl_table_and_strip_carry_the_work(conflict: View, desk: Desk) -> None:
    desk.see("#banner-map", text="No map: this browser gives no WebGL")
    desk.see(".strip rect.own")
    desk.see(".strip rect.received")
    desk.see(".strip rect.finding").click(force=True)
    desk.see(".detail .title", text="Conflict open")
    strip = desk.see(".strip").bounding_box()
    assert strip is not None
    assert strip["height"] > 250
    assert desk.page.locator("canvas").count() == 0
    assert not any("maplibre-gl.mjs" in request for request in desk.node.requests)


def test_live_changes_reach_the_map_by_difference(map_desk: Desk) -> None:
    desk = map_desk.open()
    desk.page.locator(DRAWN).wait_for(timeout=4 * WAIT_MS)
    desk.page.evaluate("() => document.querySelector('.map').removeAttribute('data-map')")
    desk.node.add_finding(desk.node.notice(OWN, 0), desk.node.notice(PEER, 0))
    desk.page.locator(DRAWN).wait_for(timeout=2 * WAIT_MS)


def test_watch_over_the_policy_sees_a_breach(desk: Desk) -> None:
    """The check that every other test ends with can fail."""
    desk.page.evaluate("() => document.querySelector('h1').setAttribute('style', 'color: red')")
    desk.wait("() => window.breaches.length === 1")
    desk.page.evaluate("() => window.breaches.splice(0)")
    desk.problems = [problem for problem in desk.problems if "Content Security Policy" not in problem]
