"""Playing real flights: each party says through its own node what its flights then said by flying.

Rules
 * What was said before the moment at which a run begins is said at once: the first page already shows traffic.
 * Each party speaks in the order of time. While its node is away it waits, and then catches up.
 * What the node refuses is printed and left: somebody at a console has changed that notice, and keeps it.
 * Notices of a run that was cut off are ended before the next one begins.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Final, final

import msgspec

from clearline.doors.cli.demo_desk import DemoDesk, Teller
from clearline.doors.cli.tables import band_text, time_text, volumes_window
from clearline.doors.cli.told import NoticesTold, NoticeTold, reference_of
from clearline.formats.scenario import Action, ActionKind, Scenario
from clearline.model import limits
from clearline.model.refusal import Refusal

__all__ = ["PRIORITY", "Pace", "Player", "lead_ms"]

PRIORITY: Final = 50
_HOUR_MS: Final = 3_600_000
_WORDS: Final = {
    ActionKind.DECLARE: "declares",
    ActionKind.AMEND: "amends",
    ActionKind.CANCEL: "cancels",
    ActionKind.ACTIVATE: "activates",
    ActionKind.RELEASE: "releases",
}
_PATHS: Final = {
    ActionKind.AMEND: "amend",
    ActionKind.CANCEL: "cancel",
    ActionKind.ACTIVATE: "activate",
    ActionKind.RELEASE: "release",
}


@final
class Pace:
    """The run's own time: `begin_ms` is now, and it goes `speed` times as fast as the clock."""

    def __init__(self, begin_ms: int, speed: float) -> None:
        self.begin_ms = begin_ms
        self._speed = speed
        self._begun = time.monotonic()

    def due_s(self, at_ms: int) -> float:
        """Return in how many seconds an instant of the run comes; negative where it is over."""
        return (at_ms - self.begin_ms) / 1_000 / self._speed - (time.monotonic() - self._begun)


def lead_ms(scenario: Scenario) -> int:
    """Return how much of a scenario is over when its run begins: a third, at most two and a half hours."""
    return min((scenario.end_ms - scenario.start_ms) // 3, 5 * _HOUR_MS // 2)


@final
class Player:
    """Plays scenarios into nodes."""

    def __init__(self, desks: Sequence[DemoDesk], tell: Teller) -> None:
        self._desks = desks
        self._tell = tell

    async def end_left_over(self, notice_ids: Iterable[str]) -> None:
        """End what a run that was cut off has left standing."""
        known = set(notice_ids)
        for desk in self._desks:
            told = await desk.get(NoticesTold, "/v1/notices", owner=desk.party, limit=limits.PICTURE_NOTICES_MAX)
            left = [notice for notice in told.notices if not notice.ended and notice.notice_id in known]
            for notice in left:
                await self._end(desk, notice)
            if left:
                count = f"{len(left)} notice{'' if len(left) == 1 else 's'}"
                self._tell.event(desk.party, f"ends {count} of an earlier run")

    async def _end(self, desk: DemoDesk, notice: NoticeTold) -> None:
        how = "release" if notice.state == "Activated" else "cancel"
        try:
            await desk.post(f"/v1/notices/{notice.notice_id}/{how}", {"version": notice.version + 1})
        except Refusal as refusal:
            self._tell.event(desk.party, f"{reference_of(notice.notice_id)} stays: {refusal}")

    async def play(self, scenario: Scenario, pace: Pace) -> None:
        """Say everything that the scenario says, each thing at its time."""
        actions = list(scenario.actions())
        async with asyncio.TaskGroup() as group:
            for desk in self._desks:
                own = [action for action in actions if action.party == desk.party]
                group.create_task(self._play_party(desk, own, pace), name=f"play {desk.party}")

    async def _play_party(self, desk: DemoDesk, actions: Sequence[Action], pace: Pace) -> None:
        before = [action for action in actions if action.at_ms < pace.begin_ms]
        left: set[str] = set()
        for action in before:
            await self._say(desk, action, left)
        if before:
            self._tell.event(desk.party, f"has said {len(before)} messages about flights up to now")
        for action in actions[len(before) :]:
            due_s = pace.due_s(action.at_ms)
            if due_s > 0:
                await asyncio.sleep(due_s)
            if await self._say(desk, action, left):
                self._tell.event(desk.party, _action_text(action))

    async def _say(self, desk: DemoDesk, action: Action, left: set[str]) -> bool:
        """Say one thing; False where that notice is left to whoever changed it."""
        if action.notice_id in left:
            return False
        path, body = _request(action)
        try:
            await desk.post(path, body)
        except Refusal as refusal:
            left.add(action.notice_id)
            self._tell.event(desk.party, f"{reference_of(action.notice_id)} is left as it is: {refusal}")
            return False
        return True


def _request(action: Action) -> tuple[str, dict[str, object]]:
    if action.kind is ActionKind.DECLARE:
        return "/v1/notices", {
            "notice_id": action.notice_id,
            "aircraft_class": action.aircraft_class,
            "priority": PRIORITY,
            "volumes": msgspec.to_builtins(action.volumes),
        }
    body: dict[str, object] = {"version": action.version}
    if action.kind is ActionKind.AMEND:
        body["volumes"] = msgspec.to_builtins(action.volumes)
    if action.reason is not None and action.kind in {ActionKind.AMEND, ActionKind.CANCEL}:
        body["reason"] = action.reason
    return f"/v1/notices/{action.notice_id}/{_PATHS[action.kind]}", body


def _action_text(action: Action) -> str:
    text = f"{_WORDS[action.kind]} {reference_of(action.notice_id)}"
    window = volumes_window(action.volumes)
    if window is None:
        return text
    count = len(action.volumes)
    start, end = time_text(window[0])[11:16], time_text(window[1])[11:16]
    return f"{text}: {count} volume{'' if count == 1 else 's'}, {band_text(action.volumes)}, {start} to {end}Z"
