"""Tables and texts of the commands that speak to a node.

Rules
 * Whatever came from the network passes `shown` on its way to the terminal.
 * Times are UTC and end in Z. Heights stand as they were declared, places in degrees.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from clearline.doors.cli.told import FindingTold, Hindrance, NoticeTold, finding_reference, reference_of
from clearline.model.altitude import Altitude, altitude_text
from clearline.model.instant import instant_text
from clearline.model.refusal import shown
from clearline.model.volume import LatLngPoint, Volume4D

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = [
    "acknowledged_text",
    "band_text",
    "finding_rows",
    "findings_table",
    "notices_table",
    "place_text",
    "table_text",
    "terms_text",
    "time_text",
    "volumes_window",
    "why_text",
    "window_text",
]

_WIDTH: Final = 160
"""Where nobody looks on: wide enough for a file that is not wrapped."""
_PAIRS_LISTED: Final = 3


def table_text(headings: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> str:
    """Return a table as text. Cells may have several lines; their content is shown as it is."""
    from rich import box
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return _rendered(table)


def _rendered(what: RenderableType) -> str:
    from rich.console import Console

    text = io.StringIO()
    width = os.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
    console = Console(file=text, width=width, highlight=False, emoji=False, markup=False, color_system=None)
    console.print(what)
    # rich fills every row with blanks to the table's width; nobody wants them in a file.
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines() if line.strip())


# --- words


def time_text(at_ms: int | None) -> str:
    """Return an instant to the second, or a dash."""
    if at_ms is None:
        return "-"
    return instant_text(at_ms // 1_000 * 1_000).replace("T", " ")


def window_text(from_ms: int, until_ms: int) -> str:
    """Return a window; the day is said once where both ends are on it."""
    first, last = time_text(from_ms), time_text(until_ms)
    return f"{first} to {last[11:] if first[:10] == last[:10] else last}"


def volumes_window(volumes: Sequence[Volume4D]) -> tuple[int, int] | None:
    """Return from when until when, over all volumes; none where there are none."""
    windows = [volume.window_ms for volume in volumes]
    return (min(start for start, _ in windows), max(end for _, end in windows)) if windows else None


def band_text(volumes: Sequence[Volume4D]) -> str:
    """Return the outermost limits; of each reference that is used, where there are several."""
    if not volumes:
        return "-"
    lower = _outermost([volume.volume.altitude_lower for volume in volumes], min)
    upper = _outermost([volume.volume.altitude_upper for volume in volumes], max)
    return f"{lower} to {upper}"


def _outermost(altitudes: Sequence[Altitude], pick: Callable[..., Altitude]) -> str:
    references = sorted({altitude.reference for altitude in altitudes})
    return " / ".join(
        altitude_text(pick((each for each in altitudes if each.reference is reference), key=_value_m))
        for reference in references
    )


def _value_m(altitude: Altitude) -> float:
    return altitude.value_m


def place_text(area: Sequence[LatLngPoint]) -> str:
    """Return a box around an area, in degrees."""
    if not area:
        return "-"
    lats, lngs = [point.lat for point in area], [point.lng for point in area]
    south, north, west, east = min(lats), max(lats), min(lngs), max(lngs)
    return f"{_degrees(south, 'NS')} to {_degrees(north, 'NS')}\n{_degrees(west, 'EW')} to {_degrees(east, 'EW')}"


def _degrees(value: float, letters: str) -> str:
    return f"{abs(value):.2f}{letters[0] if value >= 0 else letters[1]}"


def why_text(because: Iterable[Hindrance]) -> str:
    """Return why a notice is not cleared, one reason a line."""
    lines = []
    for each in because:
        if each.code == "RECEIPT_MISSING":
            lines.append(f"no receipt of {shown(each.party)}")
        elif each.code == "FINDING_OPEN" and each.finding_id is not None:
            lines.append(f"finding {finding_reference(each.finding_id)} with {shown(each.party)}")
        elif each.refusal is not None:
            lines.append(
                f"{shown(each.party)} could not take it: {shown(each.refusal.code)} {shown(each.refusal.field)}"
            )
        else:
            lines.append(f"{shown(each.code)} {shown(each.party)}")
    return "\n".join(lines)


def acknowledged_text(notice: NoticeTold) -> str:
    """Return what each other party has said of the current version: delivered, read back, noted (R4)."""
    lines = []
    for each in notice.acknowledgements:
        said = ["delivered" if each.delivered_at_ms is not None else "not delivered"]
        if each.read_back == "WRONG":
            said.append(f"read back WRONG ({shown(each.wrong_field or '')})")
        elif each.read_back == "OK":
            said.append("read back")
        if each.noted_at_ms is not None:
            said.append("noted")
        lines.append(f"{shown(each.party)}: {', '.join(said)}")
    return "\n".join(lines)


def terms_text(terms: dict[str, str | int]) -> str:
    """Return terms in one line."""
    rest = ", ".join(f"{name} {shown(str(value))}" for name, value in terms.items() if name != "code")
    return f"{shown(str(terms['code']))}{f' ({rest})' if rest else ''}"


# --- tables


def notices_table(notices: Iterable[NoticeTold]) -> str:
    """Return notices as a table."""
    rows = []
    for notice in notices:
        window = volumes_window(notice.volumes)
        rows.append(
            (
                reference_of(notice.notice_id),
                f"{shown(notice.owner)}{' (own)' if notice.own else ''}",
                f"{shown(notice.state)} v{notice.version}",
                shown(notice.status),
                why_text(notice.uncleared_because),
                band_text(notice.volumes),
                window_text(*window) if window else "-",
                acknowledged_text(notice),
            )
        )
    headings = ("Notice", "Owner", "State", "Status", "Not cleared because", "Height", "Window (UTC)", "Acknowledged")
    return table_text(headings, rows)


def finding_rows(finding: FindingTold) -> tuple[str, ...]:
    """Return one finding as the cells of `findings_table`."""
    signed = "\n".join(f"{shown(each.party)}: {terms_text(each.terms)}" for each in finding.resolutions)
    return (
        finding_reference(finding.finding_id),
        f"{shown(finding.state)}{'' if finding.certain in {True, None} else chr(10) + '(possible)'}",
        (
            f"{shown(finding.key.owner_a)} {reference_of(finding.key.notice_a)}\n"
            f"{shown(finding.key.owner_b)} {reference_of(finding.key.notice_b)}"
        ),
        place_text(finding.area),
        _bands_text(finding.band_text) if finding.band_text else "-",
        window_text(finding.from_ms, finding.until_ms),
        f"{shown(finding.rule_id)} v{finding.rule_version}",
        signed or "-",
    )


def _bands_text(text: str) -> str:
    """Return the bands of the two, one under the other; of many pairs of volumes the first ones."""
    pairs = text.split("; ")
    if len(pairs) == 1:
        return shown(text).replace(" / ", "\n")
    lines = [shown(pair) for pair in pairs[:_PAIRS_LISTED]]
    return "\n".join([*lines, "…"] if len(pairs) > _PAIRS_LISTED else lines)


def findings_table(findings: Iterable[FindingTold], *, title: str = "") -> str:
    """Return findings as a table: who with whom, where, how high, when, by which rule, and who has signed what."""
    headings = ("Finding", "State", "Who with whom", "Where", "Height band", "Window (UTC)", "Rule", "Signed")
    return table_text(headings, (finding_rows(finding) for finding in findings), title=title)
