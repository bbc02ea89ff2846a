"""Reading the XML of untrusted files, one record at a time: strict with a bad file, bounded in everything.

Rules
 * Size first. UTF-8, UTF-16 with a byte order mark, ASCII, ISO-8859-1 and windows-1252 are read; no other encoding.
 * A document type is refused before anything in it counts: without one there are no entities of the file's own, so
   nothing can grow while it is read and nothing outside the file is asked for.
 * Depth, elements and text of a record are bounded. What is not well-formed is refused whole, with line and column.
 * Only elements that the reader names are walked through; every other one is handed over with all it holds, and then
   forgotten. Prefixes of names are dropped: files in the field use them undeclared.

Source: XML 1.0 §2.8, §4; CVE-2023-52425 (long tokens in pieces), which XML_BYTES_MAX bounds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, Protocol, final
from xml.parsers import expat

from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["Element", "Receiver", "walk_xml"]

_XML = "well-formed XML 1.0 in UTF-8"
_DECLARED = re.compile(rb"""<\?xml[^>]{0,100}?\sencoding\s{0,9}=\s{0,9}["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
}


@final
class Element:
    """One element with what it holds: other elements, or else text (beside elements it means nothing in data).

    `cut` says that it held more than the limits allow, and the rest was dropped.
    """

    __slots__ = ("attributes", "children", "cut", "line", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str], line: int) -> None:
        self.name = name
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.text = ""
        self.cut = False

    def every(self, *names: str) -> Iterator[Element]:
        """Yield the children of these names, in the order of the file."""
        return (child for child in self.children if child.name in names)

    def only(self, *names: str) -> Element | None:
        """Return the one child of these names, or None.

        Raises:
            Refusal: DUPLICATE_FIELD where there are two: two readers could take different ones.
        """
        found = list(self.every(*names))
        if len(found) > 1:
            raise Refusal(
                RefusalCode.DUPLICATE_FIELD, field=f"{self.name}.{found[1].name}", found="twice", allowed="once"
            )
        return found[0] if found else None

    def said(self, name: str) -> str | None:
        """Return the text of the one child of this name without blanks around it; None where there is none.

        Raises:
            Refusal: DUPLICATE_FIELD, OVER_LIMIT.
        """
        child = self.only(name)
        return None if child is None else child.whole_text() or None

    def whole_text(self) -> str:
        """Return its text without blanks around it.

        Raises:
            Refusal: OVER_LIMIT where it was cut.
        """
        if self.cut:
            raise Refusal(
                RefusalCode.OVER_LIMIT,
                field=self.name,
                found="more text",
                allowed=f"at most {limits.XML_TEXT_CHARACTERS_MAX} characters",
            )
        return self.text.strip()


class Receiver(Protocol):
    """Who is told of what is read."""

    def opened(self, element: Element) -> None:
        """Tell that an element begins that is walked through."""

    def closed(self) -> None:
        """Tell that the last one opened ends."""

    def whole(self, element: Element) -> None:
        """Hand over an element with all it holds."""


def walk_xml(source: bytes, receiver: Receiver, *, walked: Collection[str], bytes_max: int) -> None:
    """Read an XML document, walking through the elements named `walked` as long as they stand in such.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, and what the receiver raises.
    """
    if len(source) > bytes_max:
        raise Refusal(RefusalCode.OVER_LIMIT, found=f"{len(source)} bytes", allowed=f"at most {bytes_max} bytes")
    body = _utf8(source)
    walk = _Walk(receiver, walked)
    parser = walk.parser
    try:
        parser.Parse(body, True)  # noqa: FBT003 - a flag of the standard library: the document ends here
    except expat.ExpatError as error:
        where = f"{expat.ErrorString(error.code)} at line {error.lineno}, column {error.offset + 1}"
        raise Refusal(RefusalCode.MALFORMED, found=where, allowed=_XML) from None


def _utf8(source: bytes) -> bytes:
    """Return the document in UTF-8, whatever it says of itself."""
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        declared = _DECLARED.match(source.removeprefix(b"\xef\xbb\xbf").lstrip()[:200])
        name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
        encoding = _ENCODINGS.get(name, "")
        if not encoding:
            raise Refusal(
                RefusalCode.MALFORMED,
                field="encoding",
                found=name,
                allowed="UTF-8, UTF-16 with a byte order mark, US-ASCII, ISO-8859-1 or windows-1252",
            )
    if encoding == "utf-8":
        return source
    try:
        return source.decode(encoding).encode()
    except UnicodeError as error:
        raise Refusal(RefusalCode.MALFORMED, found=f"{error}", allowed=f"text in {encoding}") from None


@final
class _Walk:
    """The handlers of one parse, with what they have to remember."""

    def __init__(self, receiver: Receiver, walked: Collection[str]) -> None:
        self._receiver = receiver
        self._walked = walked
        self._depth = 0
        self._open = 0
        """How many of the open elements are walked through; they are the outermost ones."""
        self._held: list[Element] = []
        """The open elements of the record that is being gathered."""
        self._parts: list[str] = []
        self._characters = 0
        self._elements = 0
        # The encoding given here goes before the one that the document names.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype
        self.parser.UnparsedEntityDeclHandler = self._doctype
        self.parser.ExternalEntityRefHandler = self._doctype

    def _doctype(self, *_said: object) -> int:
        raise Refusal(
            RefusalCode.MALFORMED,
            field=f"line {self.parser.CurrentLineNumber}",
            found="a document type (DOCTYPE)",
            allowed="XML without one: it could name entities that grow, or files elsewhere",
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > limits.XML_DEPTH_MAX:
            raise Refusal(
                RefusalCode.OVER_LIMIT,
                field=f"line {self.parser.CurrentLineNumber}",
                found=f"{self._depth} levels",
                allowed=f"at most {limits.XML_DEPTH_MAX} levels",
            )
        element = Element(name.rpartition(":")[2], attributes, self.parser.CurrentLineNumber)
        if not self._held and self._open == self._depth - 1 and (not self._open or element.name in self._walked):
            self._open += 1
            self._receiver.opened(element)
            return
        if self._held:
            self._elements += 1
            if self._elements > limits.XML_ELEMENTS_MAX:
                self._held[0].cut = True
            else:
                self._held[-1].children.append(element)
        else:
            self._elements = 1
        self._held.append(element)
        self._parts, self._characters = [], 0

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if not self._held:
            self._open -= 1
            self._receiver.closed()
            return
        element = self._held.pop()
        if not element.children:
            element.text = "".join(self._parts)
        self._parts = []
        if not self._held:
            self._receiver.whole(element)

    def _text(self, text: str) -> None:
        if not self._held or self._held[-1].cut:
            return
        self._characters += len(text)
        if self._characters > limits.XML_TEXT_CHARACTERS_MAX:
            self._held[-1].cut = True
            return
        self._parts.append(text)
