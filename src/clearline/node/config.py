"""The configuration of a node: one directory with node.toml, its key, its tokens and its data.

Rules
 * A field that is not known, missing or wrong is refused by name (CONFIGURATION_INVALID); nothing is guessed.
 * The private key is a file that nobody else may read; a key that others can read is refused, not mended.
 * Parties, keys and rules make the line's agreement, which both sides must hold alike; addresses do not belong to it.
 * The own party belongs to every line by itself. Listed all the same, it must have its own key.
 * Names of files are relative to the directory.

docs/tutorial.md shows one being written.
"""

from __future__ import annotations

import ipaddress
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, final

import msgspec

from clearline.ledger.keys import Ed25519Signer, check_public_key
from clearline.model import limits
from clearline.model.agreement import AGREEMENT_SCHEMA, LineAgreement, Member
from clearline.model.decode import convert, decode
from clearline.model.identity import LineId, PartyId
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode
from clearline.model.rules import RuleSet
from clearline.sky import load_rules

__all__ = ["CONFIGURATION_FILE", "Configuration", "LineConfiguration", "Listen", "parse_listen", "read_configuration"]

CONFIGURATION_FILE = "node.toml"
_FILE_BYTES_MAX = 1 << 20
"""Configuration, key and rule set files: the largest lawful one (64 lines of 16 parties) has some 200 kB."""
_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(?P<port>\d{1,5})\Z")
_ADDRESS = r"^https?://[A-Za-z0-9.\-\[\]:]+(?:/[A-Za-z0-9._~/\-]*)?\Z"

_Address = Annotated[str, msgspec.Meta(pattern=_ADDRESS, max_length=200)]
_FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=4_096)]


class _Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    party_id: PartyId
    public_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    address: _Address | Annotated[tuple[_Address, ...], msgspec.Meta(max_length=limits.PEER_PATHS_MAX)] = ()


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    line_id: LineId
    party: Annotated[tuple[_Party, ...], msgspec.Meta(max_length=limits.PARTIES_PER_LINE_MAX)]
    rules: _FileName = "threes"


class _Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    party: PartyId
    listen: Annotated[str, msgspec.Meta(max_length=260)]
    data: _FileName = "data"
    key: _FileName = "node.key"
    tokens: _FileName = "tokens.toml"
    public_url: _Address | None = None
    ca_file: _FileName | None = None
    tls_certificate: _FileName | None = None
    tls_key: _FileName | None = None


class _NodeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    node: _Node
    line: Annotated[tuple[_Line, ...], msgspec.Meta(max_length=limits.LINES_MAX)] = ()


@final
class Listen(msgspec.Struct, frozen=True):
    """Where the node answers."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """True where only this machine can call."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@final
class LineConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what is agreed, and how each other party is reached, in the order in which paths are tried."""

    agreement: LineAgreement
    addresses: dict[str, tuple[str, ...]]


@final
class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a node is told. Paths are absolute."""

    directory: Path
    party: str
    listen: Listen
    data: Path
    tokens: Path
    signer: Ed25519Signer
    public_url: str | None
    ca_file: Path | None
    tls_certificate: Path | None
    tls_key: Path | None
    lines: tuple[LineConfiguration, ...]


def read_configuration(directory: Path) -> Configuration:
    """Read `node.toml` in `directory`, the key and the rule sets that it names.

    Raises:
        Refusal: CONFIGURATION_INVALID, with the field.
    """
    directory = directory.absolute()
    source = _bytes_of(directory / CONFIGURATION_FILE, field=CONFIGURATION_FILE)
    try:
        read = convert(_NodeFile, tomllib.loads(source.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _invalid(CONFIGURATION_FILE, found=str(error), allowed="TOML in UTF-8") from None
    except Refusal as refusal:
        raise _invalid(refusal.field, found=refusal.found, allowed=refusal.allowed) from None
    node = read.node
    if (node.tls_certificate is None) != (node.tls_key is None):
        raise _invalid("node.tls_key", found="one of the two", allowed="tls_certificate and tls_key, or neither")
    signer = _signer(directory / node.key)
    lines = tuple(_line(directory, node.party, signer, line, place) for place, line in enumerate(read.line))
    names = [line.agreement.line_id for line in lines]
    if len(set(names)) != len(names):
        raise _invalid("line.line_id", found=", ".join(names), allowed="each name once")
    return Configuration(
        directory=directory,
        party=node.party,
        listen=parse_listen(node.listen),
        data=directory / node.data,
        tokens=directory / node.tokens,
        signer=signer,
        public_url=node.public_url,
        ca_file=_existing(directory, node.ca_file, field="node.ca_file"),
        tls_certificate=_existing(directory, node.tls_certificate, field="node.tls_certificate"),
        tls_key=_existing(directory, node.tls_key, field="node.tls_key"),
        lines=lines,
    )


def parse_listen(text: str) -> Listen:
    """Read `host:port`; port 0 takes any free one.

    Raises:
        Refusal: CONFIGURATION_INVALID.
    """
    match = _LISTEN.fullmatch(text)
    port = int(match.group("port")) if match else -1
    if match is None or not 0 <= port <= 65_535:
        raise _invalid("node.listen", found=text, allowed="host:port, such as 127.0.0.1:8701 or [::1]:8701")
    return Listen(match.group("host").strip("[]"), port)


def _line(directory: Path, own: str, signer: Ed25519Signer, line: _Line, place: int) -> LineConfiguration:
    field = f"line[{place}]"
    keys = {own: signer.public_key.hex()}
    addresses: dict[str, tuple[str, ...]] = {}
    for at, party in enumerate(line.party):
        here = f"{field}.party[{at}]"
        if party.party_id == own:
            if party.public_key != keys[own]:
                raise _invalid(f"{here}.public_key", found=party.public_key, allowed=f"our own key {keys[own]}")
            continue
        if party.party_id in keys:
            raise _invalid(f"{here}.party_id", found=party.party_id, allowed="each party once")
        _check_key(party.public_key, field=f"{here}.public_key")
        keys[party.party_id] = party.public_key
        addresses[party.party_id] = (party.address,) if isinstance(party.address, str) else party.address
    try:
        agreement = LineAgreement(
            schema=AGREEMENT_SCHEMA,
            line_id=line.line_id,
            members=tuple(Member(party_id=name, public_key=keys[name]) for name in sorted(keys)),
            rules=_rules(directory, line.rules, field=f"{field}.rules"),
        )
    except FieldRefusal as error:
        refusal = error.refusal.within(field)
        raise _invalid(refusal.field, found=refusal.found, allowed=refusal.allowed) from None
    return LineConfiguration(agreement=agreement, addresses=addresses)


def _rules(directory: Path, name: str, *, field: str) -> RuleSet:
    try:
        if name.endswith(".json"):
            return decode(RuleSet, _bytes_of(directory / name, field=field), bytes_max=_FILE_BYTES_MAX)
        return load_rules(name)
    except Refusal as refusal:
        inner = f"{field}: {refusal.field}" if refusal.field not in {"", "rules", field} else field
        raise _invalid(
            inner, found=refusal.found, allowed=f"{refusal.allowed}, or a rule set in a file *.json"
        ) from None


def _check_key(public_key: str, *, field: str) -> None:
    try:
        check_public_key(bytes.fromhex(public_key))
    except Refusal as refusal:
        raise _invalid(field, found=refusal.found, allowed=refusal.allowed) from None


def _signer(path: Path) -> Ed25519Signer:
    pem = _bytes_of(path, field="node.key")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise _invalid("node.key", found=f"{path.name} with mode {mode:04o}", allowed="mode 0600: chmod 600 it")
    try:
        return Ed25519Signer.from_pem(pem)
    except Refusal as refusal:
        raise _invalid("node.key", found=refusal.found, allowed=refusal.allowed) from None


def _existing(directory: Path, name: str | None, *, field: str) -> Path | None:
    if name is None:
        return None
    path = directory / name
    if not path.is_file():
        raise _invalid(field, found=name, allowed="an existing file")
    return path


def _bytes_of(path: Path, *, field: str) -> bytes:
    try:
        with path.open("rb") as file:
            source = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _invalid(field, found=f"{path.name}: {error.strerror}", allowed="a readable file") from None
    if len(source) > _FILE_BYTES_MAX:
        raise _invalid(field, found=f"{path.name}: more", allowed=f"at most {_FILE_BYTES_MAX} bytes")
    return source


def _invalid(field: str, *, found: object, allowed: str) -> Refusal:
    return Refusal(RefusalCode.CONFIGURATION_INVALID, field=field, found=found, allowed=allowed)
