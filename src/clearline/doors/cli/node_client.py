"""The commands' way to a running node: its HTTP API, with a token.

Rules
 * Where the node is and what token is used: first the options, then what stands in `--dir`, then CLEARLINE_NODE and
   CLEARLINE_TOKEN. The token is never printed. A file `token` that others can read is refused, like a key.
 * A refusal of the node is handed on as `Refusal`; that it cannot be reached, is not ready, or breaks off is
   `NodeTrouble`. Nothing is tried twice here: a command says what happened, and may be given again.
 * Answers are bounded. Proxies of the environment are not used: a token goes to the node and nowhere else.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, final
from urllib.parse import urlsplit

import click
import msgspec

from clearline.doors.cli.trouble import NodeTrouble
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport, shown

if TYPE_CHECKING:
    import httpx2

__all__ = ["NodeClient", "on_node", "open_client"]

ANSWER_BYTES_MAX: Final = 256 << 20
"""The longest answer in one piece: 5,000 notices of 8,000 vertices would be more, and no table could hold them."""
TIMEOUT_S: Final = 30.0
CONNECT_S: Final = 5.0
_TOKEN_BYTES_MAX: Final = 4_096
_CONFIGURATION_BYTES_MAX: Final = 1 << 20
_TOKEN_FILE: Final = "token"  # noqa: S105  a file's name
_WHERE: Final = "--node http://…, CLEARLINE_NODE, or --dir with the node's directory"

T = TypeVar("T")


@final
class NodeClient:
    """One node's API. `address` is without a slash at its end."""

    def __init__(self, address: str, client: httpx2.Client) -> None:
        self.address = address
        self._client = client

    def get(self, wanted: type[T], path: str, **query: str | int | None) -> T:
        """Return what is at `path`, read as `wanted`.

        Raises:
            Refusal: what the node says no to; MALFORMED for an answer that is none.
            NodeTrouble: it was not reached, is not ready, or broke off.
        """
        return self.read(wanted, self.get_bytes(path, **query))

    def get_bytes(self, path: str, **query: str | int | None) -> bytes:
        """Return the JSON at `path` as it came. Raises as `get`."""
        given = {name.rstrip("_"): value for name, value in query.items() if value is not None}
        return self._asked("GET", path, params=given)

    def post_bytes(self, path: str, body: object) -> bytes:
        """Send JSON and return the answer as it came. Raises as `get`."""
        headers = {"Content-Type": "application/json"}
        return self._asked("POST", path, content=msgspec.json.encode(body), headers=headers)

    def post(self, wanted: type[T], path: str, body: object) -> T:
        """Send JSON and return the answer, read as `wanted`. Raises as `get`."""
        return self.read(wanted, self.post_bytes(path, body))

    def read(self, wanted: type[T], source: bytes) -> T:
        """Read an answer. Raises as `get`."""
        try:
            return msgspec.json.decode(source, type=wanted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NodeTrouble(
                f"{self.address} gave an answer that cannot be read: {shown(str(error))}",
                advice="Is this address a Clearline node, and of this version?",
            ) from None

    @contextmanager
    def stream(
        self, path: str, *, headers: Mapping[str, str] | None = None, **query: str | int | None
    ) -> Iterator[httpx2.Response]:
        """Open a stream; its parts are read from the response. Raises as `get`."""
        given = {name.rstrip("_"): value for name, value in query.items() if value is not None}
        with (
            self._troubles(),
            self._client.stream("GET", self.address + path, params=given, headers=dict(headers or {})) as response,
        ):
            if response.status_code >= 400:
                self._refuse(response.status_code, _bounded(response))
            yield response

    def _asked(self, method: str, path: str, **given: Any) -> bytes:
        with self._troubles(), self._client.stream(method, self.address + path, **given) as response:
            body = _bounded(response)
        if response.status_code >= 300:
            self._refuse(response.status_code, body)
        return body

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        import httpx2

        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            said = shown(str(error)) or type(error).__name__
            raise NodeTrouble(
                f"{self.address} cannot be reached: {said}",
                advice="Does the node run there (`clearline serve DIR`), and is the address right?",
            ) from None

    def _refuse(self, status: int, body: bytes) -> None:
        try:
            report = msgspec.json.decode(body, type=RefusalReport)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise NodeTrouble(
                f"{self.address} answered {status}, and not as a node of this version does",
                advice="Is this address a Clearline node? The node's log says more where it broke off.",
            ) from None
        refusal = Refusal(report.code, field=report.field, found=report.found, allowed=shown(report.allowed))
        if status == 429 or status >= 500:
            raise NodeTrouble(
                f"{self.address} does not take it now: {refusal}",
                advice="Nothing was done. Try again in a moment; `clearline status` says how the node fares.",
            )
        raise refusal


def _bounded(response: httpx2.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise Refusal(RefusalCode.OVER_LIMIT, found="more", allowed=f"an answer of {ANSWER_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)


# --- where the node is


@contextmanager
def open_client(address: str, token: str, *, ca_file: str | None = None) -> Iterator[NodeClient]:
    """Open a client of the node at `address`."""
    import ssl

    import httpx2

    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise Refusal(
            RefusalCode.OUT_OF_RANGE, field="--node", found=address, allowed="http://HOST:PORT or https://HOST:PORT"
        )
    if not token.isascii() or not token.isprintable():
        raise Refusal(RefusalCode.NOT_AUTHENTICATED, field="token", found="other characters", allowed="plain ASCII")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise Refusal(
            RefusalCode.UNREADABLE_FILE, field="--ca-file", found=str(error), allowed="a file of certificates in PEM"
        ) from None
    with httpx2.Client(
        headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity", "User-Agent": "clearline"},
        timeout=httpx2.Timeout(TIMEOUT_S, connect=CONNECT_S),
        verify=context,
        trust_env=False,
        follow_redirects=False,
    ) as client:
        yield NodeClient(address.rstrip("/"), client)


def on_node(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that name a node, and its function a `NodeClient` first."""

    @click.option("--node", metavar="URL", help="The node's address.  [env: CLEARLINE_NODE]")
    @click.option("--token", metavar="TOKEN", help="Who asks. Better in the environment: CLEARLINE_TOKEN.")
    @click.option(
        "--dir", "directory", metavar="DIR", help="Take the address from DIR/node.toml, the token from DIR/token."
    )
    @click.option("--ca-file", metavar="PEM", help="Whose certificates are accepted, where the node serves https.")
    @functools.wraps(function)
    def called(*, node: str | None, token: str | None, directory: str | None, ca_file: str | None, **given: Any) -> int:
        place = Path(directory) if directory is not None else None
        address = node or (_address_in(place) if place else None) or os.environ.get("CLEARLINE_NODE")
        secret = token or (_token_in(place) if place else None) or os.environ.get("CLEARLINE_TOKEN")
        if not address:
            raise click.UsageError(f"no node is named: give {_WHERE}")
        if not secret:
            raise Refusal(RefusalCode.NOT_AUTHENTICATED, field="token", found="none", allowed="a token of the node")
        _warn_of_open_ways(address)
        with open_client(address, secret, ca_file=ca_file) as client:
            return function(client, **given)

    return called


def _warn_of_open_ways(address: str) -> None:
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if parts.scheme == "http" and not here:
        click.echo(f"warning: the token goes to {shown(host)} unencrypted; use https or a tunnel.", err=True)


def _address_in(directory: Path) -> str:
    """Return where the node of a directory listens. Only this is read: an operator may have no right to the key."""
    path = directory / "node.toml"
    try:
        with path.open("rb") as file:
            read = tomllib.loads(file.read(_CONFIGURATION_BYTES_MAX).decode())
        node = read["node"]
        listen = node["listen"]
    except OSError as error:
        raise Refusal(
            RefusalCode.UNREADABLE_FILE, field=str(path), found=error.strerror or "", allowed="a node's directory"
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise Refusal(
            RefusalCode.CONFIGURATION_INVALID, field=str(path), found=str(error), allowed="[node] with listen"
        ) from None
    if not isinstance(listen, str):
        raise Refusal(RefusalCode.CONFIGURATION_INVALID, field="node.listen", found=listen, allowed="host:port")
    host, _, port = listen.rpartition(":")
    # What listens everywhere is called here, at home.
    reached = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104  compared, not bound
    return f"{'https' if 'tls_certificate' in node else 'http'}://{reached}:{port}"


def _token_in(directory: Path) -> str | None:
    path = directory / _TOKEN_FILE
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            source = file.read(_TOKEN_BYTES_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refusal(
            RefusalCode.UNREADABLE_FILE, field=str(path), found=error.strerror or "", allowed="a file that can be read"
        ) from None
    if mode & 0o077:
        raise Refusal(
            RefusalCode.CONFIGURATION_INVALID,
            field=str(path),
            found=f"mode {mode:04o}",
            allowed="mode 0600: chmod 600 it",
        )
    return source.decode("utf-8", "replace").strip()
