"""A node's directory: made once, read strictly, refused by the field."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from clearline.model.agreement import agreement_digest
from clearline.model.identity import Role
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.config import CONFIGURATION_FILE, Listen, parse_listen, read_configuration
from clearline.node.founding import Founded, found_node, party_block
from clearline.node.tokens import TOKEN_PREFIX, TokenTable, read_tokens, token_digest, tokens_text

OTHER_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
"""The public key of RFC 8032's first test vector."""


def founded(root: Path, party: str = "north") -> Founded:
    return found_node(root / party, party=party, listen="127.0.0.1:8701")


def add(one: Founded, text: str) -> Path:
    """Add to a node's configuration."""
    path = Path(one.directory) / CONFIGURATION_FILE
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return Path(one.directory)


def with_lines(root: Path, text: str) -> Path:
    """Make a node and add lines to its configuration."""
    return add(founded(root), text)


def line(party: str = f'party_id = "south"\npublic_key = "{OTHER_KEY}"', head: str = 'line_id = "demo"') -> str:
    return f"\n[[line]]\n{head}\n\n[[line.party]]\n{party}\n"


def refusal_of(directory: Path) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_configuration(directory)
    assert caught.value.code is RefusalCode.CONFIGURATION_INVALID
    return caught.value


def test_a_new_directory_is_private_and_complete(tmp_path: Path) -> None:
    one = founded(tmp_path)
    directory = Path(one.directory)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert modes == {"node.toml": 0o644, "node.key": 0o600, "tokens.toml": 0o600, "data": 0o700}
    read = read_configuration(directory)
    assert (read.party, read.listen, read.lines) == ("north", Listen("127.0.0.1", 8701), ())
    assert read.signer.public_key.hex() == one.public_key
    text = (directory / "tokens.toml").read_text(encoding="utf-8")
    assert not any(token in text for token in one.tokens.values())


def test_tokens_open_their_role_and_nothing_else_does(tmp_path: Path) -> None:
    one = founded(tmp_path)
    table = read_tokens(Path(one.directory) / "tokens.toml")
    assert set(one.tokens) == {"WATCH", "PLANNER", "OBSERVER"}
    for role, token in one.tokens.items():
        assert token.startswith(TOKEN_PREFIX)
        holder = table.holder(token)
        assert holder is not None
        assert holder.role == role
    for wrong in ("", "x", one.tokens["WATCH"][:-1], one.tokens["WATCH"] + " ", "\udcff"):
        assert table.holder(wrong) is None
    assert TokenTable(()).holder(one.tokens["WATCH"]) is None


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Each file that a node consists of is enough to refuse; what is there stays byte for byte."""
    one = founded(tmp_path)
    before = {path.name: path.read_bytes() for path in Path(one.directory).iterdir() if path.is_file()}
    with pytest.raises(Refusal) as caught:
        founded(tmp_path)
    assert caught.value.field == "directory"
    assert {name: (Path(one.directory) / name).read_bytes() for name in before} == before
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "node.key").write_bytes(b"mine")
    with pytest.raises(Refusal):
        found_node(tmp_path / "half", party="half", listen="127.0.0.1:1")
    assert (tmp_path / "half" / "node.key").read_bytes() == b"mine"


def test_what_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        found_node(tmp_path / "x", party="North", listen="127.0.0.1:1")
    assert caught.value.field == "party"
    with pytest.raises(Refusal) as caught:
        found_node(tmp_path / "x", party="north", listen="nowhere")
    assert caught.value.field == "node.listen"
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Refusal) as caught:
        found_node(tmp_path / "file" / "x", party="north", listen="127.0.0.1:1")
    assert caught.value.code is RefusalCode.UNREADABLE_FILE
    assert not (tmp_path / "x").exists()


def test_both_sides_come_to_the_same_agreement(tmp_path: Path) -> None:
    """Each writes the other's block; the own party is added by itself, whether or not it is listed."""
    north, south = founded(tmp_path, "north"), founded(tmp_path, "south")
    blocks = {one.party: party_block(one, address="http://127.0.0.1:8701") for one in (north, south)}
    add(north, f'[[line]]\nline_id = "demo"\n{blocks["south"]}')
    both = f'[[line]]\nline_id = "demo"\nrules = "threes"\n{blocks["south"]}{blocks["north"]}'
    add(south, both.replace(blocks["south"] + blocks["north"], blocks["north"] + blocks["south"]))
    (ours,) = read_configuration(tmp_path / "north").lines
    (theirs,) = read_configuration(tmp_path / "south").lines
    assert agreement_digest(ours.agreement) == agreement_digest(theirs.agreement)
    assert ours.agreement.parties == ("north", "south")
    assert ours.addresses == {"south": ("http://127.0.0.1:8701",)}


def test_rules_come_by_name_or_from_a_file(tmp_path: Path) -> None:
    directory = with_lines(tmp_path, line(head='line_id = "demo"\nrules = "own.json"'))
    rules = b'{"rule_id":"own","version":3,"separation_lateral_m":100,"separation_vertical_m":50,"closer_ms_max":null}'
    (directory / "own.json").write_bytes(rules)
    (read,) = read_configuration(directory).lines
    assert (read.agreement.rules.rule_id, read.agreement.rules.version) == ("own", 3)
    (directory / "own.json").write_bytes(rules.replace(b"100", b"-1"))
    assert refusal_of(directory).field == "line[0].rules: separation_lateral_m"
    (directory / "own.json").unlink()
    assert refusal_of(directory).field == "line[0].rules"


def test_a_path_may_have_several_addresses(tmp_path: Path) -> None:
    two = f'party_id = "south"\npublic_key = "{OTHER_KEY}"\naddress = ["http://a.example", "https://b.example/line"]'
    (read,) = read_configuration(with_lines(tmp_path, line(two))).lines
    assert read.addresses["south"] == ("http://a.example", "https://b.example/line")


BAD_LINES = [
    ("[[line]]\n", "line[0].line_id"),
    (line(head='line_id = "Demo"'), "line[0].line_id"),
    (line(head='line_id = "journal"'), "line[0].line_id"),
    (line(head='line_id = "demo"\nrules = "fours"'), "line[0].rules"),
    (line(head='line_id = "demo"\ntimers = 3'), "line[0].timers"),
    (line('party_id = "south"'), "line[0].party[0].public_key"),
    (line('party_id = "south"\npublic_key = "00"'), "line[0].party[0].public_key"),
    (line(f'party_id = "south"\npublic_key = "{"0" * 64}"'), "line[0].party[0].public_key"),
    (line(f'party_id = "north"\npublic_key = "{OTHER_KEY}"'), "line[0].party[0].public_key"),
    (line(f'party_id = "south"\npublic_key = "{OTHER_KEY}"\naddress = "ftp://x"'), "line[0].party[0].address"),
    (line(f'party_id = "south"\npublic_key = "{OTHER_KEY}"\naddress = "http://u:p@x"'), "line[0].party[0].address"),
    ('\n[[line]]\nline_id = "demo"\nparty = []\n', "line[0].members"),
    (line() + line(), "line.line_id"),
    (line() + f'\n[[line.party]]\nparty_id = "south"\npublic_key = "{OTHER_KEY}"\n', "line[0].party[1].party_id"),
    ("\n[other]\n", "other"),
]


@pytest.mark.parametrize(("text", "field"), BAD_LINES)
def test_what_is_wrong_in_a_line_is_named(tmp_path: Path, text: str, field: str) -> None:
    assert refusal_of(with_lines(tmp_path, text)).field == field


BAD_NODES = [
    ('party = "north"', 'party = "N"', "node.party"),
    ('party = "north"', "", "node.party"),
    ('listen = "127.0.0.1:8701"', 'listen = "127.0.0.1"', "node.listen"),
    ('data = "data"', "data = 3", "node.data"),
    ("[node]", "[node", CONFIGURATION_FILE),
    ('key = "node.key"', 'key = "other.key"', "node.key"),
    ('# ca_file = "peers.pem"', 'ca_file = "peers.pem"', "node.ca_file"),
    ('# tls_key = "server.key"', 'tls_key = "server.key"', "node.tls_key"),
    ('# public_url = "https://line.example.org"', 'public_url = "line"', "node.public_url"),
]


@pytest.mark.parametrize(("old", "new", "field"), BAD_NODES)
def test_what_is_wrong_in_the_node_is_named(tmp_path: Path, old: str, new: str, field: str) -> None:
    directory = Path(founded(tmp_path).directory)
    path = directory / CONFIGURATION_FILE
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert refusal_of(directory).field == field


def test_a_directory_without_a_node(tmp_path: Path) -> None:
    assert refusal_of(tmp_path).field == CONFIGURATION_FILE
    (tmp_path / CONFIGURATION_FILE).write_bytes(b"\xff\xfe")
    assert refusal_of(tmp_path).field == CONFIGURATION_FILE
    (tmp_path / CONFIGURATION_FILE).write_bytes(b"#" * ((1 << 20) + 1))
    assert "at most" in refusal_of(tmp_path).allowed


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """It is not mended: whoever could read it may have read it."""
    directory = Path(founded(tmp_path).directory)
    (directory / "node.key").chmod(mode)
    refusal = refusal_of(directory)
    assert (refusal.field, f"{mode:04o}" in refusal.found) == ("node.key", True)


def test_a_key_file_with_something_else_says_nothing_of_it(tmp_path: Path) -> None:
    directory = Path(founded(tmp_path).directory)
    (directory / "node.key").write_bytes(b"-----BEGIN SECRET-----")
    assert "SECRET" not in str(refusal_of(directory))


@pytest.mark.parametrize(
    ("text", "listen", "url"),
    [
        ("127.0.0.1:0", Listen("127.0.0.1", 0), "http://127.0.0.1:0"),
        ("[::1]:8701", Listen("::1", 8701), "http://[::1]:8701"),
        ("localhost:1", Listen("localhost", 1), "http://localhost:1"),
        ("0.0.0.0:65535", Listen("0.0.0.0", 65_535), "http://0.0.0.0:65535"),
        ("line.example.org:443", Listen("line.example.org", 443), "http://line.example.org:443"),
    ],
)
def test_addresses_to_listen_on(text: str, listen: Listen, url: str) -> None:
    assert parse_listen(text) == listen
    assert listen.url == url
    assert listen.loopback is (listen.host in {"127.0.0.1", "::1", "localhost"})


@pytest.mark.parametrize(
    "text", ["", "x", ":1", "127.0.0.1:", "127.0.0.1:65536", "a b:1", "::1:8701", "[::1]", "h:1\n"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_listen(text)
    assert caught.value.field == "node.listen"


BAD_TOKENS = [
    ("x", "tokens.toml"),
    ('[[token]]\nname = "a"', "tokens.toml: token[0].role"),
    (f'[[token]]\nname = "a"\nrole = "NODE"\nsha256 = "{"0" * 64}"', "tokens.toml: token[0].role"),
    (f'[[token]]\nname = "a"\nrole = "BOSS"\nsha256 = "{"0" * 64}"', "tokens.toml: token[0].role"),
    ('[[token]]\nname = "a"\nrole = "WATCH"\nsha256 = "0"', "tokens.toml: token[0].sha256"),
    (f'[[token]]\nname = "a"\nrole = "WATCH"\nsha256 = "{"0" * 64}"\n' * 2, "tokens.toml: token.name"),
]


@pytest.mark.parametrize(("text", "field"), BAD_TOKENS)
def test_token_files_that_will_not_do(tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal) as caught:
        read_tokens(path)
    assert (caught.value.code, caught.value.field) == (RefusalCode.CONFIGURATION_INVALID, field)


def test_a_missing_token_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal):
        read_tokens(tmp_path / "tokens.toml")


def test_token_files_are_toml_with_digests_only(tmp_path: Path) -> None:
    one = founded(tmp_path)
    table = tomllib.loads((Path(one.directory) / "tokens.toml").read_text(encoding="utf-8"))
    assert {entry["sha256"] for entry in table["token"]} == {token_digest(token) for token in one.tokens.values()}
    assert {entry["role"] for entry in table["token"]} == {Role.WATCH, Role.PLANNER, Role.OBSERVER}
    assert tokens_text(()).startswith("#")
