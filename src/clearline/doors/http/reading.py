"""From a request's parts to typed values, or a `Refusal` with the field.

Rules
 * A body is read within a limit of bytes and of time, and only as far as it is wanted.
 * Query and path are text: numbers are digits without sign, space or leading zeros; nothing is repaired.
 * Unknown and repeated query fields are refused, as in a body.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar.types import Receive

from clearline.doors.http.answers import JSON
from clearline.model import limits
from clearline.model.decode import convert, decode
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["check_content_type", "read_body", "read_json", "read_path", "read_query"]

T = TypeVar("T")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_QUERY_FIELDS_MAX = 32


async def read_body(
    receive: Receive,
    headers: dict[str, str],
    *,
    bytes_max: int,
    look_early: Callable[[bytes], None] = lambda _: None,
) -> bytes:
    """Return the whole body. One over BODY_EARLY_BYTES is shown to `look_early` before more of it is taken.

    Raises:
        Refusal: OVER_LIMIT; MALFORMED where it ends early or takes too long; what `look_early` raises.
    """
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > bytes_max:
        raise _too_long(f"{announced} bytes", bytes_max)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.BODY_TIMEOUT_MS / 1_000):
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refusal(
                        RefusalCode.MALFORMED, field="body", found=f"the end after {size} bytes", allowed="all of it"
                    )
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > bytes_max:
                    raise _too_long(f"more than {bytes_max} bytes", bytes_max)
                chunks.append(chunk)
                more = message.get("more_body", False)
                if more and size > limits.BODY_EARLY_BYTES >= size - len(chunk):
                    look_early(b"".join(chunks))
    except TimeoutError:
        raise Refusal(
            RefusalCode.MALFORMED,
            field="body",
            found=f"{size} bytes in {limits.BODY_TIMEOUT_MS} ms",
            allowed=f"all of it within {limits.BODY_TIMEOUT_MS} ms",
        ) from None
    return b"".join(chunks)


def _too_long(found: str, bytes_max: int) -> Refusal:
    return Refusal(RefusalCode.OVER_LIMIT, field="body", found=found, allowed=f"at most {bytes_max} bytes")


def check_content_type(headers: dict[str, str], wanted: str) -> None:
    """Refuse a body of another kind. Another site's form can send none of ours without being asked (CORS).

    Raises:
        Refusal: MALFORMED.
    """
    given = headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != wanted:
        raise Refusal(RefusalCode.MALFORMED, field="Content-Type", found=given or "nothing", allowed=wanted)


async def read_json(wanted: type[T], receive: Receive, headers: dict[str, str]) -> T:
    """Read a JSON body as `wanted`.

    Raises:
        Refusal: as `read_body`, `check_content_type` and `decode`.
    """
    check_content_type(headers, JSON)
    source = await read_body(receive, headers, bytes_max=limits.COMMAND_BYTES_MAX)
    return decode(wanted, source, bytes_max=limits.COMMAND_BYTES_MAX)


def read_query(wanted: type[T], source: bytes) -> T:
    """Read the query of an address as `wanted`, whose fields are whole numbers, texts or enums.

    Raises:
        Refusal: MALFORMED, UNKNOWN_FIELD, DUPLICATE_FIELD, OUT_OF_RANGE, OVER_LIMIT.
    """
    if not source:
        return wanted()
    if len(source) > limits.QUERY_BYTES_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field="query",
            found=f"{len(source)} bytes",
            allowed=f"at most {limits.QUERY_BYTES_MAX} bytes",
        )
    try:
        pairs = parse_qsl(
            source.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_QUERY_FIELDS_MAX,
        )
    except ValueError as error:
        raise Refusal(
            RefusalCode.MALFORMED, field="query", found=str(error), allowed="name=value&name=value in UTF-8"
        ) from None
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise Refusal(RefusalCode.DUPLICATE_FIELD, field=name, found="twice", allowed="once")
        values[name] = value
    query: Any = wanted  # a class is hashable, whatever it is the class of
    for name in values.keys() & _number_fields(query):
        values[name] = _number(str(values[name]), field=name)
    return convert(wanted, values)


@cache
def _number_fields(wanted: type) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(wanted) if _is_number(field.type))


def read_path(wanted: type[T], value: str, *, field: str) -> T:
    """Read one part of a path as `wanted`.

    Raises:
        Refusal: MALFORMED, OUT_OF_RANGE.
    """
    try:
        kind: Any = wanted
        return convert(wanted, _number(value, field=field) if _is_number(kind) else value)
    except Refusal as refusal:
        raise refusal if refusal.field else refusal.within(field) from None


@cache
def _is_number(kind: object) -> bool:
    described = msgspec.inspect.type_info(kind)
    kinds = described.types if isinstance(described, msgspec.inspect.UnionType) else (described,)
    return any(isinstance(one, msgspec.inspect.IntType) for one in kinds)


def _number(text: str, *, field: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=field, found=text, allowed="a whole number, 0 or more")
    return int(text)
