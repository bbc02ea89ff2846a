"""Making a node's directory: key, tokens, configuration, data. Done once, and never over something that is there.

Rules
 * Nothing is overwritten. Either the directory is complete at the end, or what was begun is named.
 * Key and tokens are readable by their owner only, from their first byte on.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from clearline.ledger.keys import Ed25519Signer
from clearline.model.decode import convert
from clearline.model.identity import PartyId, Role
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.chance import SystemChance
from clearline.node.config import CONFIGURATION_FILE, parse_listen
from clearline.node.tokens import TOKEN_PREFIX, Holder, token_digest, tokens_text

__all__ = ["Founded", "found_node", "party_block"]

_KEY_FILE = "node.key"
_TOKEN_FILE = "tokens.toml"  # noqa: S105  a file's name
_DATA = "data"
_ROLES = (Role.WATCH, Role.PLANNER, Role.OBSERVER)

_TEMPLATE = """\
# A Clearline node. `clearline serve` on this directory starts it; docs/tutorial.md explains each field.

[node]
party = "{party}"          # who you are on every line: a-z, 0-9 and hyphens
listen = "{listen}"        # where this node answers its own people, and its peers
data = "data"              # the log: back it up, and never put an older copy in its place
key = "node.key"           # your private key: whoever has it speaks for you
# public_url = "https://line.example.org"   # what a browser calls this node, where that is not the address above
# tls_certificate = "server.pem"            # to serve https directly
# tls_key = "server.key"
# ca_file = "peers.pem"                     # whose certificates you accept from peers; identity is their key below

# One block for each line that you share with others. All parties write the same rules and the same keys; your own
# party is added by itself. Take the [[line.party]] block from the other side, by a way on which you can trust it.
#
# [[line]]
# line_id = "demo"
# rules = "threes"         # 3 NM, 3,000 ft, 3 min; "intersect"; or a file such as "rules.json"
#
# [[line.party]]
# party_id = "south"
# public_key = "0000000000000000000000000000000000000000000000000000000000000000"
# address = "http://192.0.2.7:8701"          # or two paths: ["https://a.example.org", "https://b.example.net"]
"""


class Founded(msgspec.Struct, frozen=True, kw_only=True):
    """A new node's directory, and the tokens, which are shown once."""

    directory: str
    party: str
    listen: str
    public_key: str
    tokens: dict[str, str]


def found_node(directory: Path, *, party: str, listen: str) -> Founded:
    """Make a node in `directory`, which may be new or empty of a node.

    Raises:
        Refusal: CONFIGURATION_INVALID for a bad name or address, or where a node is there already;
            UNREADABLE_FILE where it cannot be written.
    """
    try:
        convert(PartyId, party)
    except Refusal as refusal:
        raise Refusal(
            RefusalCode.CONFIGURATION_INVALID,
            field="party",
            found=party,
            allowed="1 to 32 of a-z, 0-9 and inner hyphens",
        ) from refusal
    parse_listen(listen)
    signer_key = Ed25519PrivateKey.generate()
    pem = signer_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_key = Ed25519Signer.from_pem(pem).public_key.hex()
    chance = SystemChance()
    tokens = {role.value: TOKEN_PREFIX + chance.new_secret() for role in _ROLES}
    holders = [Holder(name=role.lower(), role=Role(role), sha256=token_digest(token)) for role, token in tokens.items()]
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        taken = [name for name in (CONFIGURATION_FILE, _KEY_FILE, _TOKEN_FILE, _DATA) if (directory / name).exists()]
        if taken:
            raise Refusal(
                RefusalCode.CONFIGURATION_INVALID,
                field="directory",
                found=f"{directory} holds {', '.join(taken)}",
                allowed="a directory without a node: nothing is overwritten",
            )
        (directory / _DATA).mkdir(mode=0o700)
        _write_new(directory / _KEY_FILE, pem, mode=0o600)
        _write_new(directory / _TOKEN_FILE, tokens_text(holders).encode(), mode=0o600)
        _write_new(directory / CONFIGURATION_FILE, _TEMPLATE.format(party=party, listen=listen).encode(), mode=0o644)
    except OSError as error:
        raise Refusal(
            RefusalCode.UNREADABLE_FILE,
            field="directory",
            found=f"{directory}: {error.strerror}",
            allowed="a directory that can be written",
        ) from None
    return Founded(directory=str(directory), party=party, listen=listen, public_key=public_key, tokens=tokens)


def party_block(founded: Founded, *, address: str) -> str:
    """Return the block that the other side puts under its `[[line]]`."""
    return f'[[line.party]]\nparty_id = "{founded.party}"\npublic_key = "{founded.public_key}"\naddress = "{address}"\n'


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
