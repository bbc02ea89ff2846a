"""What a record says of itself as text under names: heights, times, lengths, class and priority.

Rules
 * The names and forms are those of our GeoJSON; a number is text that looks like one, as XML and CSV have nothing else.
 * A name that is missing, or whose text is empty, was not said. What was said and cannot be read is refused.
 * A refusal's field is the place of all the names, a dot, and the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, final

from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits, parse_altitude
from clearline.model.identity import AircraftClass
from clearline.model.instant import parse_instant
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode
from clearline.model.volume import Radius, Time

__all__ = ["Said", "number_of", "time_of"]

_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,3})?", re.ASCII)


def number_of(text: str) -> float | None:
    """Return the number that `text` writes in plain ASCII digits, or None; a huge one is infinite."""
    return float(text) if _NUMBER.fullmatch(text) else None


@final
class Said:
    """Texts by name, read as what they mean."""

    def __init__(self, texts: Mapping[str, str], place: str) -> None:
        self._texts = {name: text.strip() for name, text in texts.items() if text.strip()}
        self._place = place

    def field(self, name: str) -> str:
        """Return where `name` stands, for a refusal."""
        return f"{self._place}.{name}"

    def text(self, name: str) -> str | None:
        """Return what was said under `name`, or None."""
        return self._texts.get(name)

    def altitude(self, name: str, *, bare: AltitudeReference | None) -> Altitude | None:
        """Read a height; a bare number is metres in the reference `bare`, and refused without one (R13).

        Raises:
            Refusal: OUT_OF_RANGE, with the forms allowed.
        """
        text = self._texts.get(name)
        if text is None:
            return None
        number = number_of(text)
        try:
            if number is None:
                return parse_altitude(text)
            if bare is not None:
                return Altitude(number, bare, AltitudeUnits.M)
        except FieldRefusal as refusal:
            cause = refusal.refusal
            raise Refusal(cause.code, field=self.field(name), found=text, allowed=cause.allowed) from None
        raise Refusal(
            RefusalCode.OUT_OF_RANGE,
            field=self.field(name),
            found=text,
            allowed='text with unit and reference, such as "120 m AGL": the altitudeMode beside it could be meant too',
        )

    def time(self, name: str) -> Time | None:
        """Read an instant.

        Raises:
            Refusal: OUT_OF_RANGE.
        """
        text = self._texts.get(name)
        return None if text is None else time_of(text, self.field(name))

    def radius(self, name: str, *, scale: float) -> Radius | None:
        """Read a length in metres, times `scale`.

        Raises:
            Refusal: OUT_OF_RANGE.
        """
        text = self._texts.get(name)
        if text is None:
            return None
        number = number_of(text)
        try:
            if number is not None:
                return Radius(number * scale)
        except FieldRefusal:
            pass  # told below, in the words of the file
        allowed = f"metres, more than 0, at most {limits.RADIUS_M_MAX / scale:g}"
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=self.field(name), found=text, allowed=allowed)

    def buffer(self, name: str, *, most: float) -> float:
        """Read a buffer in metres, 0 where it was not said.

        Raises:
            Refusal: OUT_OF_RANGE.
        """
        text = self._texts.get(name)
        number = 0.0 if text is None else number_of(text)
        if number is None or not 0.0 <= number <= most:
            allowed = f"metres, 0 to {most:g}"
            raise Refusal(RefusalCode.OUT_OF_RANGE, field=self.field(name), found=text, allowed=allowed)
        return number

    def aircraft_class(self) -> AircraftClass | None:
        """Read `aircraft_class`.

        Raises:
            Refusal: OUT_OF_RANGE.
        """
        text = self._texts.get("aircraft_class")
        if text is None or text in set(AircraftClass):
            return None if text is None else AircraftClass(text)
        allowed = ", ".join(AircraftClass)
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=self.field("aircraft_class"), found=text, allowed=allowed)

    def priority(self) -> int | None:
        """Read `priority`.

        Raises:
            Refusal: OUT_OF_RANGE.
        """
        text = self._texts.get("priority")
        number = None if text is None else number_of(text)
        if text is None:
            return None
        if number is None or not 0.0 <= number <= limits.PRIORITY_MAX or not number.is_integer():
            allowed = f"a whole number from 0 to {limits.PRIORITY_MAX}"
            raise Refusal(RefusalCode.OUT_OF_RANGE, field=self.field("priority"), found=text, allowed=allowed)
        return int(number)


def time_of(text: str, field: str) -> Time:
    """Read an instant that stands at `field`.

    Raises:
        Refusal: OUT_OF_RANGE.
    """
    try:
        parse_instant(text)
        return Time(text)
    except FieldRefusal as refusal:
        cause = refusal.refusal
        raise Refusal(cause.code, field=field, found=text, allowed=cause.allowed) from None
