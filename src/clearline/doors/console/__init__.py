"""The watch desk: static files and the headers they are served with. Whoever serves them needs nothing else.

Rules
 * Everything comes from the own origin; nothing inline, nothing evaluated, nothing framed.
 * Only the files listed here are served: `CONSOLE_FILES` is the whole tree, found once at import.
 * The page holds no rule of the line: it shows what the API says and sends what the officer enters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

__all__ = ["CONSOLE_FILES", "CONSOLE_HEADERS", "CONSOLE_ROOT", "ConsoleFile"]

CONSOLE_ROOT: Final = Path(__file__).resolve().parent / "static"

_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self'",
    # data: and blob: are the small images of the map library's style sheet and its drawn symbols
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)

CONSOLE_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": "; ".join(_POLICY),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        # A token may stand in the address the page is opened with: never tell it to anybody.
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Revalidated each time: a desk must not run yesterday's page against today's node.
        "Cache-Control": "no-cache",
    }
)
"""Sent with every console file."""

_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""By suffix; a file of another kind (the README of a vendored library) is not served."""


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    """One served file: where it lies and what it is."""

    location: Path
    content_type: str


def _found() -> dict[str, ConsoleFile]:
    files = {
        "/" + path.relative_to(CONSOLE_ROOT).as_posix(): ConsoleFile(path, _CONTENT_TYPES[path.suffix])
        for path in sorted(CONSOLE_ROOT.rglob("*"))
        if path.is_file() and path.suffix in _CONTENT_TYPES
    }
    return {"/": files["/index.html"], **files}


CONSOLE_FILES: Final[Mapping[str, ConsoleFile]] = MappingProxyType(_found())
"""URL path to file. `/` is the page; the rest is asked for by relative names below it."""
