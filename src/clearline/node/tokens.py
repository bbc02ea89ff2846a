"""Tokens of people and programs: what they may do at this party's own node.

Rules
 * A token is 256 random bits, shown once when it is made; kept is its SHA-256 and nothing else.
 * A token has a name, for the log, and a role, for the rules (R1: roles act, not persons).
 * Every comparison takes the same time, whichever token is right.
"""

from __future__ import annotations

import hashlib
import hmac
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, final

import msgspec

from clearline.model import limits
from clearline.model.decode import convert
from clearline.model.identity import Digest, PartyId, Role
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["TOKEN_PREFIX", "Holder", "TokenTable", "read_tokens", "token_digest", "tokens_text"]

TOKEN_PREFIX = "clearline-"  # noqa: S105  what every token begins with, so that a leaked one can be searched for
_TOKEN_ROLES = (Role.WATCH, Role.PLANNER, Role.OBSERVER)


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who holds a token: a name, a role, and the digest of the token."""

    name: PartyId
    role: Role
    sha256: Digest


class _TokenFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    token: Annotated[tuple[Holder, ...], msgspec.Meta(max_length=limits.TOKENS_MAX)] = ()


@final
class TokenTable:
    """All tokens of one node."""

    def __init__(self, holders: Sequence[Holder]) -> None:
        self._holders = tuple(holders)

    def holder(self, token: str) -> Holder | None:
        """Return who holds this token, or None."""
        presented = token_digest(token)
        found: Holder | None = None
        for holder in self._holders:
            # No early end: how long it takes must not tell which one came near.
            if hmac.compare_digest(holder.sha256, presented):
                found = holder
        return found


def token_digest(token: str) -> str:
    """Return what is kept of a token. It has 256 random bits, so one hash without salt is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read_tokens(path: Path) -> TokenTable:
    """Read the token file.

    Raises:
        Refusal: CONFIGURATION_INVALID.
    """
    try:
        source = tomllib.loads(path.read_bytes().decode())
        read = convert(_TokenFile, source)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refusal(
            RefusalCode.CONFIGURATION_INVALID, field=path.name, found=str(error), allowed="a readable TOML file"
        ) from None
    except Refusal as refusal:
        raise Refusal(
            RefusalCode.CONFIGURATION_INVALID,
            field=f"{path.name}: {refusal.field}",
            found=refusal.found,
            allowed=refusal.allowed,
        ) from None
    for place, holder in enumerate(read.token):
        if holder.role not in _TOKEN_ROLES:
            raise Refusal(
                RefusalCode.CONFIGURATION_INVALID,
                field=f"{path.name}: token[{place}].role",
                found=holder.role,
                allowed=", ".join(_TOKEN_ROLES),
            )
    if len({holder.name for holder in read.token}) != len(read.token):
        raise Refusal(
            RefusalCode.CONFIGURATION_INVALID,
            field=f"{path.name}: token.name",
            found=", ".join(sorted(holder.name for holder in read.token)),
            allowed="each name once",
        )
    return TokenTable(read.token)


def tokens_text(holders: Sequence[Holder]) -> str:
    """Return the text of a token file."""
    parts = [
        "# Who may use this node. A token itself is kept nowhere: this is its SHA-256. Take a block out to revoke it.\n"
    ]
    parts += [
        f'\n[[token]]\nname = "{holder.name}"\nrole = "{holder.role}"\nsha256 = "{holder.sha256}"\n'
        for holder in holders
    ]
    return "".join(parts)
