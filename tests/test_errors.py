"""docs/errors.md and the refusal codes say the same (style.md rule 11): each code once, advice for three readers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from clearline.doors.http.statuses import STATUS_OF
from clearline.model.refusal import RefusalCode

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
HTTP_STATUSES = {"400", "401", "403", "404", "405", "409", "413", "429", "503", "–"}
EXIT_CODES = {"1", "2"}
ROW = re.compile(r"^\| `([A-Z_]+)` \|(.*)\|$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    code: str
    http: str
    exit_code: str
    advice: tuple[str, ...]


def rows(text: str) -> list[Row]:
    found = []
    for line in text.splitlines():
        if match := ROW.match(line):
            http, exit_code, *advice = (cell.strip() for cell in match.group(2).split("|"))
            found.append(Row(code=match.group(1), http=http, exit_code=exit_code, advice=tuple(advice)))
    return found


def differences(text: str, codes: set[str]) -> list[str]:
    """Return what the table lacks, has too much, or leaves unsaid."""
    table = rows(text)
    count = Counter(row.code for row in table)
    slips = [f"{code} is not in the table" for code in sorted(codes - set(count))]
    slips += [f"{code} is no code" for code in sorted(set(count) - codes)]
    slips += [f"{code} stands {times} times" for code, times in count.items() if times > 1]
    for row in table:
        if len(row.advice) != 3 or not all(row.advice):
            slips.append(f"{row.code} needs advice for three readers")
        if row.http not in HTTP_STATUSES:
            slips.append(f"{row.code}: HTTP {row.http} is none that a refusal may have")
        if row.exit_code not in EXIT_CODES:
            slips.append(f"{row.code}: exit code {row.exit_code} is not used")
    return slips


def test_table_and_codes_agree() -> None:
    assert differences(DOCUMENT.read_text(encoding="utf-8"), {code.value for code in RefusalCode}) == []


def test_table_and_http_door_agree() -> None:
    """A dash says that the code does not come over HTTP: it belongs to files, set-up and bundles."""
    table = {row.code: row.http for row in rows(DOCUMENT.read_text(encoding="utf-8"))}
    assert {code for code, http in table.items() if http == "–"} == {
        RefusalCode.UNKNOWN_FORMAT,
        RefusalCode.UNREADABLE_FILE,
        RefusalCode.CONFIGURATION_INVALID,
        RefusalCode.BUNDLE_BROKEN,
    }
    over_http = {code: http for code, http in table.items() if http != "–"}
    assert over_http == {code: str(STATUS_OF[RefusalCode(code)]) for code in over_http}


GOOD = "| `A_CODE` | 400 | 2 | Send it again. | Look. | Nothing to do. |\n"


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("", "A_CODE is not in the table"),
        (GOOD + GOOD.replace("A_CODE", "OTHER"), "OTHER is no code"),
        (GOOD + GOOD, "A_CODE stands 2 times"),
        (GOOD.replace("Look.", ""), "A_CODE needs advice for three readers"),
        (GOOD.replace(" Look. |", ""), "A_CODE needs advice for three readers"),
        (GOOD.replace("400", "500"), "A_CODE: HTTP 500 is none that a refusal may have"),
        (GOOD.replace("| 2 |", "| 70 |"), "A_CODE: exit code 70 is not used"),
    ],
)
def test_each_difference_is_found(text: str, slip: str) -> None:
    assert slip in differences(text, {"A_CODE"})


def test_no_difference() -> None:
    assert differences(GOOD, {"A_CODE"}) == []
