"""docs/sky.md, word for word: its Python blocks run in order as one program, and print what stands under them."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "sky.md"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_block_of_the_guide_runs_and_prints_what_it_says() -> None:
    blocks = [
        (found.group(1), found.group(2), found.start()) for found in BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))
    ]
    assert sum(kind == "python" for kind, _, _ in blocks) > 8
    names: dict[str, Any] = {"__name__": "guide"}
    printed = ""
    for kind, body, place in blocks:
        if kind == "text":
            assert printed == body
            printed = ""
            continue
        assert not printed, "what a block prints stands under it"
        said = io.StringIO()
        line = GUIDE.read_text(encoding="utf-8")[:place].count("\n") + 1
        with contextlib.redirect_stdout(said):
            exec(compile("\n" * line + body, str(GUIDE), "exec"), names)
        printed = said.getvalue()
    assert not printed
