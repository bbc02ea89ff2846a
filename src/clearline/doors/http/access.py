"""Who is calling: a token in the header, or a console session in a cookie.

Rules
 * A session is 256 random bits kept at the node as a digest: it ends with the node, after SESSION_MS_MAX, or when
   it is signed out. The token itself is in no cookie.
 * A cookie alone changes nothing: a request that changes something needs the header `Clearline-Console: 1` beside it,
   which no other site's page can send (and the cookie is SameSite=Strict, HttpOnly).
 * The cookie's name holds the party: two nodes on one machine share the browser's cookies, whatever their ports.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol, final

import msgspec

from clearline.model import limits
from clearline.model.identity import Role
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.tokens import Holder, TokenTable

__all__ = ["CONSOLE_HEADER", "Access", "Caller", "SecretSource"]

CONSOLE_HEADER: Final = "clearline-console"
_BEARER: Final = "bearer "
_SECRET_CHARACTERS_MAX: Final = 512


class SecretSource(Protocol):
    """Where fresh secrets come from."""

    def new_secret(self) -> str:
        """Return text with 256 random bits."""
        ...


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, by name and role; `session` is the digest of the session, or None for a token."""

    name: str
    role: Role
    session: str | None = None


class _Session(msgspec.Struct, frozen=True, kw_only=True):
    caller: Caller
    until_ms: int


@final
class Access:
    """Tokens and sessions of one node."""

    def __init__(
        self, tokens: TokenTable, *, party: str, secure: bool, now_ms: Callable[[], int], secrets: SecretSource
    ) -> None:
        self._tokens = tokens
        self._secure = secure
        self._now_ms = now_ms
        self._secrets = secrets
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self.cookie_name = f"clearline-{party}"

    def caller(self, headers: dict[str, str], *, changes: bool) -> Caller:
        """Return who calls.

        Raises:
            Refusal: NOT_AUTHENTICATED; ROLE_FORBIDS where a cookie comes without the console's header.
        """
        authorization = headers.get("authorization")
        if authorization is not None:
            if authorization[: len(_BEARER)].lower() != _BEARER:
                raise _not_authenticated("another scheme than Bearer", field="Authorization")
            return self._by_token(authorization[len(_BEARER) :].strip(), field="Authorization")
        secret = _cookie(headers.get("cookie", ""), self.cookie_name)
        if secret is None:
            raise _not_authenticated("no token", field="Authorization")
        caller = self._by_session(secret)
        if changes and headers.get(CONSOLE_HEADER) != "1":
            raise Refusal(
                RefusalCode.ROLE_FORBIDS,
                field="Clearline-Console",
                found="a session cookie without this header",
                allowed="Clearline-Console: 1 with every request that changes something, or a token",
            )
        return caller

    def open_session(self, token: str) -> tuple[Caller, str]:
        """Open a session and return its caller and the Set-Cookie header.

        Raises:
            Refusal: NOT_AUTHENTICATED.
        """
        holder = self._by_token(token, field="token")
        secret = self._secrets.new_secret()
        caller = Caller(name=holder.name, role=holder.role, session=_digest(secret))
        self._sessions[_digest(secret)] = _Session(caller=caller, until_ms=self._now_ms() + limits.SESSION_MS_MAX)
        while len(self._sessions) > limits.SESSIONS_MAX:
            self._sessions.popitem(last=False)
        return caller, self._cookie_text(secret, age_s=limits.SESSION_MS_MAX // 1_000)

    def close_session(self, caller: Caller) -> str:
        """End the caller's session, if it has one, and return the Set-Cookie header that forgets it."""
        if caller.session is not None:
            self._sessions.pop(caller.session, None)
        return self._cookie_text("", age_s=0)

    def still_valid(self, caller: Caller) -> bool:
        """Say whether a long-lived stream may go on."""
        if caller.session is None:
            return True
        session = self._sessions.get(caller.session)
        return session is not None and self._now_ms() < session.until_ms

    def _by_token(self, token: str, *, field: str) -> Caller:
        holder: Holder | None = self._tokens.holder(token) if len(token) <= _SECRET_CHARACTERS_MAX else None
        if holder is None:
            raise _not_authenticated("a token that is not known", field=field)
        return Caller(name=holder.name, role=holder.role)

    def _by_session(self, secret: str) -> Caller:
        digest = _digest(secret)
        session = self._sessions.get(digest)
        if session is None or self._now_ms() >= session.until_ms:
            self._sessions.pop(digest, None)
            raise _not_authenticated("a session that has ended", field="Cookie")
        return session.caller

    def _cookie_text(self, secret: str, *, age_s: int) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{self.cookie_name}={secret}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}"


def _digest(secret: str) -> str:
    # Sessions are looked up by digest: a timing of the look-up tells nothing about a secret.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _cookie(header: str, name: str) -> str | None:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name and 0 < len(value) <= _SECRET_CHARACTERS_MAX:
            return value
    return None


def _not_authenticated(found: str, *, field: str) -> Refusal:
    return Refusal(
        RefusalCode.NOT_AUTHENTICATED,
        field=field,
        found=found,
        allowed="Authorization: Bearer <token>, or a session by POST /v1/session",
    )
