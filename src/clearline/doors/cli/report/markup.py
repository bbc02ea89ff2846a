"""Writing HTML and SVG so that no text of a file can become markup.

Rules
 * Text and attribute values are escaped here and nowhere else; only `Markup` made by `element` goes in as it is.
 * Text is bounded, and control and direction characters in it are made visible.
 * Names of elements and attributes are ours; an underscore in a keyword is a hyphen, one at its end is dropped.
"""

from __future__ import annotations

from html import escape
from typing import Final, NewType

__all__ = ["Markup", "element", "joined", "named", "text"]

Markup = NewType("Markup", str)

TEXT_CHARACTERS_MAX: Final = 300
"""Longer than any title, place or refusal of ours; a hostile one is cut."""

_EMPTY: Final = frozenset({"br", "col", "input", "meta", "path", "rect", "circle", "line", "use"})
"""Elements without content: HTML's void ones, and SVG's shapes that carry no title."""
_VOID: Final = frozenset({"br", "col", "input", "meta"})


def text(value: object) -> Markup:
    """Return a value as text of a page."""
    plain = str(value)
    if len(plain) > TEXT_CHARACTERS_MAX:
        plain = plain[: TEXT_CHARACTERS_MAX - 1] + "…"
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in plain)
    return Markup(escape(visible, quote=True))


def named(value: object) -> Markup:
    """Return text of a file: kept apart from its neighbours whichever way it is written."""
    return Markup(f'<bdi dir="auto">{text(value)}</bdi>')


def element(name: str, /, *children: Markup, **attributes: object) -> Markup:
    """Return an element; an attribute that is None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children and name in _EMPTY:
        return Markup(f"<{name}{said}>" if name in _VOID else f"<{name}{said}/>")
    return Markup(f"<{name}{said}>{''.join(children)}</{name}>")


def joined(*parts: Markup, by: str = "") -> Markup:
    """Return several pieces in a row."""
    return Markup(by.join(parts))
