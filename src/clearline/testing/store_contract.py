"""The store contract as tests: subclass `StoreContract`, give it a bench, and any engine answers for each rule.

    class TestMyEngine(StoreContract):
        @pytest.fixture
        def bench(self) -> StoreBench: ...

Rules: those of clearline.store.port, one test or more for each. A bench keeps what survives the store: its file, its
database or its disk. `store_machine` does the same with random calls against a model.
"""

from __future__ import annotations

import threading

import pytest

from clearline.model.limits import (
    BATCH_ENTRIES_MAX,
    STORE_ENTRY_BYTES_MAX,
    STORE_NAME_CHARACTERS_MAX,
    STORE_READ_BYTES_MAX,
)
from clearline.model.refusal import RefusalCode
from clearline.store.port import (
    NewEntry,
    Store,
    StoreConflict,
    StoredEntry,
    StoreDuplicate,
    entries_from,
)
from clearline.testing.store_bench import ALPHA, BETA, StoreBench, entries, entry, refuses, stored
from clearline.testing.store_survival import SurvivalContract

__all__ = ["StoreContract"]


class StoreContract(SurvivalContract):
    """Every rule of the port. A subclass provides the fixture `bench`."""

    # --- append, head, conflict

    def test_a_new_partition_is_empty(self, store: Store) -> None:
        """Asking does not make anything."""
        assert store.head(ALPHA) == 0
        assert store.read(ALPHA, 0, 10) == []
        assert store.find(ALPHA, "r0") is None
        assert store.latest_snapshot(ALPHA) is None

    def test_append_returns_the_new_head_and_read_gives_the_entries_back(self, store: Store) -> None:
        """Bodies are bytes: every value of a byte comes back."""
        every_byte = NewEntry("r0", bytes(range(256)))
        assert store.append(ALPHA, 0, [every_byte]) == 1
        assert store.append(ALPHA, 1, entries(1, 3)) == 4
        assert store.head(ALPHA) == 4
        assert store.read(ALPHA, 0, 10) == [StoredEntry(0, "r0", bytes(range(256))), *stored(1, 3)]

    @pytest.mark.parametrize("expected", [0, 1, 3, 100])
    def test_another_head_is_a_conflict_and_writes_nothing(self, store: Store, expected: int) -> None:
        """Both a head that moved and one that was never reached."""
        store.append(ALPHA, 0, entries(0, 2))
        with pytest.raises(StoreConflict) as caught:
            store.append(ALPHA, expected, entries(50, 2))
        assert (caught.value.partition, caught.value.expected, caught.value.head) == (ALPHA, expected, 2)
        assert store.read(ALPHA, 0, 10) == stored(0, 2)
        assert store.find(ALPHA, "r50") is None

    def test_a_conflict_on_a_new_partition_names_head_zero(self, store: Store) -> None:
        """And the partition is still usable from 0."""
        with pytest.raises(StoreConflict) as caught:
            store.append(ALPHA, 1, entries(0, 1))
        assert caught.value.head == 0
        assert store.append(ALPHA, 0, entries(0, 1)) == 1

    def test_partitions_do_not_know_each_other(self, store: Store) -> None:
        """The same request id may stand in two partitions, at two places."""
        store.append(ALPHA, 0, entries(0, 3))
        store.append(BETA, 0, [entry(2)])
        assert (store.head(ALPHA), store.head(BETA)) == (3, 1)
        assert (store.find(ALPHA, "r2"), store.find(BETA, "r2")) == (2, 0)

    def test_names_differ_by_letter_case_and_space(self, store: Store) -> None:
        """An engine that folds case would join two partitions or two requests."""
        store.append("a", 0, [NewEntry("x", b"1"), NewEntry("X", b"2"), NewEntry("x ", b"3")])
        assert store.head("A") == 0
        assert [store.find("a", name) for name in ("x", "X", "x ")] == [0, 1, 2]

    # --- request ids

    def test_a_request_id_is_taken_once(self, store: Store) -> None:
        """The second use refuses the whole append, also the entries before and after it."""
        store.append(ALPHA, 0, entries(0, 3))
        with pytest.raises(StoreDuplicate) as caught:
            store.append(ALPHA, 3, [entry(3), entry(1), entry(4)])
        assert (caught.value.request_id, caught.value.sequence) == ("r1", 1)
        assert store.head(ALPHA) == 3
        assert store.find(ALPHA, "r3") is None
        assert store.append(ALPHA, 3, entries(3, 1)) == 4

    def test_a_request_id_twice_in_one_append_is_refused_whole(self, store: Store) -> None:
        """Even with another body."""
        with pytest.raises(StoreDuplicate) as caught:
            store.append(ALPHA, 0, [entry(0), entry(1), NewEntry("r0", b"other")])
        assert (caught.value.request_id, caught.value.sequence) == ("r0", None)
        assert store.head(ALPHA) == 0

    def test_a_blind_repeat_is_a_conflict_and_a_repeat_at_the_new_head_a_duplicate(self, store: Store) -> None:
        """The two ways to repeat after a lost answer; neither writes twice."""
        store.append(ALPHA, 0, entries(0, 2))
        with pytest.raises(StoreConflict):
            store.append(ALPHA, 0, entries(0, 2))
        with pytest.raises(StoreDuplicate):
            store.append(ALPHA, 2, entries(0, 2))
        assert store.read(ALPHA, 0, 10) == stored(0, 2)

    # --- limits

    @pytest.mark.parametrize(
        ("partition", "expected", "batch", "code"),
        [
            (ALPHA, 0, [], RefusalCode.OVER_LIMIT),
            (ALPHA, 0, entries(0, BATCH_ENTRIES_MAX + 1), RefusalCode.OVER_LIMIT),
            (ALPHA, -1, entries(0, 1), RefusalCode.OUT_OF_RANGE),
            ("", 0, entries(0, 1), RefusalCode.OVER_LIMIT),
            ("p" * (STORE_NAME_CHARACTERS_MAX + 1), 0, entries(0, 1), RefusalCode.OVER_LIMIT),
            ("al\0pha", 0, entries(0, 1), RefusalCode.OUT_OF_RANGE),
            (ALPHA, 0, [NewEntry("", b"x")], RefusalCode.OVER_LIMIT),
            (ALPHA, 0, [NewEntry("r\n", b"x")], RefusalCode.OUT_OF_RANGE),
            (ALPHA, 0, [NewEntry("é", b"x")], RefusalCode.OUT_OF_RANGE),
            (ALPHA, 0, [NewEntry("r", b"")], RefusalCode.OVER_LIMIT),
            (ALPHA, 0, [entry(0), NewEntry("r", bytes(STORE_ENTRY_BYTES_MAX + 1))], RefusalCode.OVER_LIMIT),
        ],
        ids=lambda value: value[:12] if isinstance(value, str) else type(value).__name__,
    )
    def test_what_is_over_a_limit_is_refused_whole(
        self, store: Store, partition: str, expected: int, batch: list[NewEntry], code: RefusalCode
    ) -> None:
        """Before the engine sees it."""
        with refuses(code):
            store.append(partition, expected, batch)
        assert store.head(ALPHA) == 0

    @pytest.mark.parametrize(("start", "limit"), [(-1, 1), (0, 0), (0, -5)])
    def test_a_page_has_a_lawful_start_and_limit(self, store: Store, start: int, limit: int) -> None:
        """A wrong page is a refusal, not an empty one."""
        with refuses(RefusalCode.OUT_OF_RANGE):
            store.read(ALPHA, start, limit)

    def test_the_largest_append_and_the_largest_body_fit(self, store: Store) -> None:
        """Limits are what works, not what is hoped for."""
        assert store.append(ALPHA, 0, entries(0, BATCH_ENTRIES_MAX)) == BATCH_ENTRIES_MAX
        large = bytes([7]) * STORE_ENTRY_BYTES_MAX
        store.append(BETA, 0, [NewEntry("b" * STORE_NAME_CHARACTERS_MAX, large)])
        assert store.read(BETA, 0, 1)[0].body == large

    # --- reading

    def test_pages_join_without_gap_or_overlap(self, store: Store) -> None:
        """In every page size, from every start."""
        store.append(ALPHA, 0, entries(0, 23))
        for size in (1, 7, 22, 23, 24):
            assert list(entries_from(store, ALPHA, 0, page_entries=size)) == stored(0, 23)
        assert store.read(ALPHA, 20, 10) == stored(20, 3)
        assert store.read(ALPHA, 23, 10) == []
        assert store.read(ALPHA, 1_000, 10) == []

    def test_a_page_of_large_bodies_ends_early_but_never_empty(self, store: Store) -> None:
        """Memory stays bounded; the reader just asks again."""
        count = STORE_READ_BYTES_MAX // STORE_ENTRY_BYTES_MAX + 4
        for number in range(count):
            store.append(ALPHA, number, [NewEntry(f"r{number}", bytes([number]) * STORE_ENTRY_BYTES_MAX)])
        page = store.read(ALPHA, 0, count)
        assert 0 < len(page) < count
        assert [e.body[0] for e in entries_from(store, ALPHA, 0)] == list(range(count))

    def test_many_partitions(self, store: Store) -> None:
        """Each keeps its own head and entries."""
        names = [f"line-{number}" for number in range(100)]
        for number, name in enumerate(names):
            store.append(name, 0, entries(0, 1 + number % 3))
        assert [store.head(name) for name in names] == [1 + number % 3 for number in range(100)]
        assert store.read(names[2], 0, 10) == stored(0, 3)

    # --- at the same time

    def test_of_two_writers_at_one_head_exactly_one_wins(self, store: Store) -> None:
        """Six threads, one line of entries: every win is one entry, every loss a conflict, nothing else."""
        wins: list[tuple[int, str]] = []
        losses: list[StoreConflict] = []
        faults: list[BaseException] = []
        start = threading.Barrier(6)

        def write(writer: int) -> None:
            start.wait()
            for number in range(30):
                expected = store.head(ALPHA)
                name = f"w{writer}-{number}"
                try:
                    store.append(ALPHA, expected, [NewEntry(name, name.encode())])
                    wins.append((expected, name))
                except StoreConflict as conflict:
                    losses.append(conflict)

        def run(writer: int) -> None:
            try:
                write(writer)
            except BaseException as fault:  # noqa: BLE001  (a thread's failure must reach the test)
                faults.append(fault)

        threads = [threading.Thread(target=run, args=(writer,)) for writer in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert faults == []
        assert all(conflict.head > conflict.expected for conflict in losses)
        assert len(wins) + len(losses) == 6 * 30
        kept = [(e.sequence, e.request_id) for e in entries_from(store, ALPHA, 0)]
        assert kept == sorted(wins)
        assert [sequence for sequence, _ in kept] == list(range(len(wins)))

    def test_a_reader_beside_a_writer_sees_whole_appends_only(self, store: Store) -> None:
        """Appends of four: every head seen is a multiple of four, and never falls."""
        stop = threading.Event()
        seen: list[int] = []

        def read() -> None:
            while not stop.is_set():
                seen.append(store.head(ALPHA))
                seen.append(max(seen[-1], len(store.read(ALPHA, 0, 1_000))))

        reader = threading.Thread(target=read)
        reader.start()
        for start in range(0, 200, 4):
            store.append(ALPHA, start, entries(start, 4))
        stop.set()
        reader.join(30)
        assert all(head % 4 == 0 for head in seen)
        assert seen == sorted(seen)

    def test_a_second_opening_is_refused_until_the_first_is_closed(self, bench: StoreBench) -> None:
        """An engine that many processes may share overrides this with one that shows what it does instead."""
        first = bench.open()
        with refuses(RefusalCode.STORE_IN_USE):
            bench.open()
        first.append(ALPHA, 0, entries(0, 1))
        first.close()
        second = bench.open()
        assert second.head(ALPHA) == 1
        second.close()
