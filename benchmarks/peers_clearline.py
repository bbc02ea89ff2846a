"""`clearline.sky` itself, by its Python API: one question a call, as an application asks."""

from __future__ import annotations

import numpy as np

from benchmarks.peers_exact import RULES_ID, Held, Mask, exact_pairs, held_of
from benchmarks.peers_port import Peer
from benchmarks.sky_workload import Ints, SkyArrays
from clearline import __version__
from clearline.sky import Sky, load_rules, warm_up


class Clearline(Peer):
    """Decides itself, by the exact phase that the others borrow."""

    name = "clearline"
    how = "Sky, findings / add / remove, pairs"
    decides = True

    def __init__(self, held: Held, asked: Held) -> None:
        super().__init__(held, asked)
        warm_up()
        self._sky = Sky(load_rules(RULES_ID))
        self._questions = [asked.columns.prepared(place) for place in range(len(asked))]

    def load(self) -> None:
        self._sky.add_columns(self.held.columns, np.arange(len(self.held)))

    def ask(self, question: int) -> Ints:
        found = self._sky.findings(self._questions[question])
        return np.array([each.handle for each in found], dtype=np.int64)

    def ask_all(self) -> tuple[Ints, Ints] | None:
        table = self._sky.findings_of(self.asked.columns)
        return table.query, table.handle

    def join(self, start: int, stop: int) -> tuple[Ints, Ints]:
        if (start, stop) != (0, len(self.held)):
            raise ValueError("all pairs are one call")
        table = self._sky.pairs()
        return table.query, table.handle

    def insert(self, question: int) -> None:
        self._sky.add(len(self.held) + question, self._questions[question], group=0)

    def delete(self, number: int) -> None:
        self._sky.remove(number)

    def judge(self, first: SkyArrays, second: SkyArrays) -> Mask:
        return exact_pairs(held_of(first), held_of(second))

    def version(self) -> str:
        return __version__
