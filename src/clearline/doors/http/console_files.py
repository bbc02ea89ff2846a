"""The console's files, read once and sent with the headers that `doors.console` names."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.types import ASGIApp

from clearline.doors.console import CONSOLE_FILES, CONSOLE_HEADERS
from clearline.doors.http.answers import Answer, answer_refusal
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["console_file"]

_GZIP_BYTES_MIN: Final = 1_024
_GZIP_LEVEL: Final = 6


class _Loaded(msgspec.Struct, frozen=True):
    content_type: str
    etag: str
    plain: bytes
    packed: bytes | None


@cache
def _loaded(path: str) -> _Loaded:
    """Read one of `CONSOLE_FILES`; there are some dozens, and they do not change while the node runs."""
    file = CONSOLE_FILES[path]
    plain = file.location.read_bytes()
    packed = gzip.compress(plain, _GZIP_LEVEL, mtime=0) if len(plain) >= _GZIP_BYTES_MIN else None
    etag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'
    return _Loaded(file.content_type, etag, plain, packed)


async def console_file(request: Request[Any, Any, Any]) -> ASGIApp:
    """Answer with the file at the request's path."""
    path = request.scope["path"]
    if path not in CONSOLE_FILES:
        return answer_refusal(Refusal(RefusalCode.NOT_FOUND, field="path", found=path, allowed="a file of the console"))
    file = _loaded(path)
    headers = {**CONSOLE_HEADERS, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Answer(304, content_type=None, headers=headers)
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Answer(200, file.packed, content_type=file.content_type, headers={**headers, "Content-Encoding": "gzip"})
    return Answer(200, file.plain, content_type=file.content_type, headers=headers)
