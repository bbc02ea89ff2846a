"""The tree is tidy (style.md rule 20, R7), and each rule of `tools/tidy.py` can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import tidy

ROOT = Path(__file__).resolve().parent.parent
PY = "src/clearline/line/example.py"
TEST = "tests/line/test_example.py"
LATER = "TO" + "DO"


def rules_broken(path: str, text: str) -> set[str]:
    return {slip.rule for slip in tidy.check(path, text)}


def test_the_tree_is_tidy() -> None:
    """R7 and the house rules hold in every tracked file."""
    slips = tidy.check_tree(ROOT)
    assert not slips, "\n" + "\n".join(map(str, slips))


def test_exceptions_are_needed() -> None:
    """A table that has become short again is no exception any more."""
    for path in tidy.TABLES:
        assert (ROOT / path).read_text(encoding="utf-8").count("\n") > tidy.MODULE_LINES_MAX, path


LONG_FUNCTION = "def long():\n" + "    x = 1\n" * tidy.FUNCTION_LINES_MAX

BAD = [
    ("long module", PY, "x = 1\n" * 401),
    ("long module", TEST, "x = 1\n" * 601),
    ("long function", PY, LONG_FUNCTION),
    ("long function", TEST, "async " + LONG_FUNCTION),
    ("module name", "src/clearline/line/utils.py", ""),
    ("module name", "src/clearline/helpers/shape.py", ""),
    ("refused word", PY, "target = 1"),
    ("refused word", PY, "class WeaponRelease: ..."),
    ("refused word", PY, "def strike_at(): ..."),
    ("refused word", PY, "def f(*, missionNumber): ..."),
    ("refused word", PY, "self.engaged_at_ms = 1"),
    ("refused word", PY, 'message = {"target_id": 1}'),
    ("refused word", PY, 'message["mission"]'),
    ("refused word", PY, 'class Kind(StrEnum):\n    OTHER = "STRIKE"'),
    ("refused word", PY, "class Notice(Struct):\n    unit_id: str"),
    ("refused word", PY, 'SCHEMA = "CREATE ' + 'TABLE entry (seq INTEGER, weapon TEXT)"'),
    ("refused word", PY, "from somewhere import thing as sensor"),
    ("refused word", "src/clearline/data/rules.json", '{"rules": [{"target": 1}]}'),
    ("refused word", "src/clearline/doors/console/static/desk.js", "const strikeArea = 1;"),
    ("broken JSON", "src/clearline/data/rules.json", "{"),
    ("left for later", PY, f"x = 1  # {LATER}: the rest"),
    ("left for later", "README.md", f"{LATER} write this"),
    ("bare except", PY, "try:\n    f()\nexcept:\n    raise"),
    ("bare except", PY, "try:\n    f()\nexcept Exception:\n    pass"),
    ("bare except", PY, "try:\n    f()\nexcept Exception:  # noqa: BLE001\n    pass"),
    ("naive time", PY, "datetime.now()"),
    ("naive time", PY, "datetime.datetime.utcnow()"),
    ("naive time", PY, "datetime.fromtimestamp(0)"),
    ("test sleeps", TEST, "time.sleep(0.01)"),
    ("test sleeps", TEST, "await asyncio.sleep(1.5)"),
    ("test sleeps", TEST, "from clearline.testing.virtual_loop import run_virtual\ntime.sleep(1)"),
    ("test not run", TEST, "@pytest.mark.skip\ndef test_x(): ..."),
    ("test not run", TEST, "@pytest.mark.xfail(reason='')\ndef test_x(): ..."),
    ("test not run", TEST, "pytest.importorskip('numpy')"),
    ("machine path", "docs/tutorial.md", "cd " + "/" + "root/clearline"),
    ("machine path", PY, "KEYS = '" + "/" + "home/anna/keys'"),
    ("registry address", "requirements/run.txt", "--" + "index-url https://mirror.example/"),
    ("registry address", "Makefile", "pip install -i https://py" + "pi.org/simple x"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_each_rule_can_fail(rule: str, path: str, text: str) -> None:
    assert rules_broken(path, text) == {rule}


GOOD = [
    (PY, "class Kind(StrEnum):\n    MANNED = 'MANNED'"),
    (PY, '"""No message carries a mission, a target or a weapon (R7)."""'),
    (PY, "# a strike of lightning is weather\npermission = granted_emissions = transmission = 1"),
    (PY, "Thread(target=run, daemon=True)"),
    (PY, "unit: Unit\nunits = 'M'\naltitude_units = units"),
    (PY, "try:\n    f()\nexcept Exception:\n    log()\n    raise"),
    (PY, "try:\n    f()\nexcept Exception:  # noqa: BLE001  one worker's fault must not end the others\n    stop()"),
    (PY, "datetime.now(UTC)\nclock.now()\ndatetime.fromtimestamp(0, UTC)"),
    (TEST, "await asyncio.sleep(0)\nx = 'time.sleep'"),
    (TEST, "from clearline.testing.virtual_loop import run_virtual\nawait asyncio.sleep(3600)"),
    (TEST, "x = 1\n" * 600),
    ("docs/threat-model.md", "No field exists for a target or a mission."),
    ("docs/tutorial.md", "cd ~/clearline && ls run/demo; see https://example.org/work/root/x and /var/lib/clearline"),
    ("src/clearline/doors/console/static/desk.js", 'event.target.closest("a"); const notices = {};'),
    ("src/clearline/doors/console/static/vendor/map.js", f"// {LATER}\nconst target = 1;"),
]


@pytest.mark.parametrize(("path", "text"), GOOD)
def test_what_is_allowed_passes(path: str, text: str) -> None:
    assert tidy.check(path, text) == []


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("target", "target"),
        ("TargetList", "target"),
        ("XMLTarget", "target"),
        ("last_strike_ms", "strike"),
        ("MISSION", "mission"),
        ("unitName", "unit name"),
        ("retarget", None),
        ("stricken", None),
        ("PERMISSION", None),
        ("StrEnum", None),
        ("unit_m", None),
        ("engagingly_plain", None),
    ],
)
def test_words_are_found_whole(name: str, word: str | None) -> None:
    assert tidy.refused_word_in(name) == word


def test_tracked_files_are_this_tree() -> None:
    files = tidy.tracked_files(ROOT)
    assert "pyproject.toml" in files
    assert "tools/tidy.py" in files
    assert not any(name.startswith(".venv") for name in files)
