"""Several threads at one sky: any number ask while one changes it, and every answer is that of some moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event

from clearline.sky import Columns, Sky, prepare
from clearline.sky.guard import Guard
from tests.sky.shapes import INTERSECT, THREES, anywhere, circle, moved, random_outline, seeded, volume

SEED = 77_001


def test_askers_beside_one_that_changes() -> None:
    """R16: while notices come and go, an answer holds every notice that was there all along, and no other."""
    seeded(SEED)
    random = Random(SEED)
    place = (47.0, 8.0)
    steady = [
        prepare([volume(circle(*moved(place, random.uniform(0.0, 360.0), random.uniform(0.0, 900.0)), 1_000.0))])
        for _ in range(40)
    ]
    guests = [prepare([volume(random_outline(random, place, 3_000.0))]) for _ in range(400)]
    asked = prepare([volume(circle(*place, 1_000.0))])
    sky = Sky(INTERSECT)
    sky.add_many((handle, prepared, 0) for handle, prepared in enumerate(steady))
    always = {finding.handle for finding in sky.findings(asked)}
    assert len(always) == 40
    done = Event()

    def ask() -> int:
        turns = 0
        while not done.is_set() or turns < 20:
            found = {finding.handle for finding in sky.findings(asked)}
            assert always <= found
            assert all(handle < 40 or 1_000 <= handle < 1_400 for handle in found)
            turns += 1
        return turns

    def change() -> None:
        try:
            for turn in range(6):
                sky.add_many((1_000 + n, prepared, 1) for n, prepared in enumerate(guests))
                for n in range(0, 400, 2):
                    sky.replace(1_000 + n, guests[(n + turn) % 400], group=1)
                sky.remove_many(range(1_000, 1_400))
        finally:
            done.set()

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        pool.submit(change).result()
        assert all(each.result() >= 20 for each in asking)
    assert {finding.handle for finding in sky.findings(asked)} == always
    assert len(sky) == 40


def test_all_pairs_by_threads_are_all_pairs() -> None:
    """R16: how the work is shared out says nothing about the answer."""
    seeded(SEED)
    random = Random(SEED)
    middle = anywhere(random)
    outlines = [
        random_outline(random, moved(middle, random.uniform(0.0, 360.0), random.uniform(0.0, 60_000.0)), 4_000.0)
        for _ in range(500)
    ]
    columns = Columns.from_volumes([volume(outline) for outline in outlines])
    sky = Sky(THREES)
    sky.add_columns(columns, range(len(columns)))
    alone = sky.pairs()
    with ThreadPoolExecutor(2) as pool:
        shared = sky.pairs(in_turn=pool.map)
    one_by_one = sky.findings_of(columns, whole=True)
    upper = one_by_one.query < one_by_one.handle
    assert len(alone) > 500
    for name in ("query", "handle", "from_ms", "until_ms", "closer_ms", "conflict", "certain"):
        assert (getattr(alone, name) == getattr(shared, name)).all()
        assert (getattr(alone, name) == getattr(one_by_one, name)[upper]).all(), name


def test_a_waiting_writer_comes_before_later_readers() -> None:
    """No stream of askers keeps a change out."""
    guard = Guard()
    order: list[str] = []
    guard.read_in()
    waiting = Event()

    def write() -> None:
        waiting.set()
        guard.write_in()
        order.append("writer")
        guard.write_out()

    def read() -> None:
        guard.read_in()
        order.append("reader")
        guard.read_out()

    with ThreadPoolExecutor(2) as pool:
        writer = pool.submit(write)
        waiting.wait()
        while not guard._door.locked():
            pass
        reader = pool.submit(read)
        guard.read_out()
        writer.result()
        reader.result()
    assert order == ["writer", "reader"]
