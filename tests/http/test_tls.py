"""TLS as a fence: nodes that serve https and accept each other's certificate from a file."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from clearline.doors.http.server import listening_socket
from clearline.line.clearance import NoticeStatus
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.config import Listen
from clearline.node.founding import found_node
from tests.http.parties import LINE, declaration, join, run, served

_BEGINS = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_ENDS = dt.datetime(2090, 1, 1, tzinfo=dt.UTC)


def write_certificate(directory: Path) -> None:
    """Write a certificate for 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, directory.name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "server.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (directory / "server.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_a_certificate_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    """Not found out by the first peer that calls."""

    async def story() -> None:
        one = found_node(tmp_path / "north", party="north", listen="127.0.0.1:0")
        path = tmp_path / "north" / "node.toml"
        text = path.read_text(encoding="utf-8")
        for field in ("tls_certificate", "tls_key"):
            text = text.replace(f"# {field} =", f"{field} =")
        path.write_text(text, encoding="utf-8")
        for name in ("server.pem", "server.key"):
            (tmp_path / "north" / name).write_bytes(b"no certificate")
        with pytest.raises(Refusal) as caught:
            async with served(tmp_path / "north", one.tokens):
                pass
        assert (caught.value.code, caught.value.field) == (RefusalCode.CONFIGURATION_INVALID, "node.tls_certificate")

    run(story())


def test_two_nodes_over_https(tmp_path: Path) -> None:
    """Each accepts the other's certificate from its file; the watch's cookie is then for https only."""

    async def story() -> None:
        sockets = {name: listening_socket(Listen("127.0.0.1", 0)) for name in ("north", "south")}
        founded = []
        for name, opened in sockets.items():
            founded.append(found_node(tmp_path / name, party=name, listen=f"127.0.0.1:{opened.getsockname()[1]}"))
            write_certificate(tmp_path / name)
        join(lines=[LINE], parties=[(one, f"https://{one.listen}") for one in founded])
        for name, other in (("north", "south"), ("south", "north")):
            path = tmp_path / name / "node.toml"
            text = path.read_text(encoding="utf-8")
            for field in ("tls_certificate", "tls_key", "ca_file"):
                text = text.replace(f"# {field} =", f"{field} =")
            path.write_text(text, encoding="utf-8")
            (tmp_path / name / "peers.pem").write_bytes((tmp_path / other / "server.pem").read_bytes())
        north, south = founded
        async with (
            served(tmp_path / "north", north.tokens, sockets["north"]) as ours,
            served(tmp_path / "south", south.tokens, sockets["south"]),
        ):
            trusted = ssl.create_default_context(cafile=str(tmp_path / "north" / "server.pem"))
            async with httpx2.AsyncClient(base_url=ours.url, verify=trusted, trust_env=False) as client:
                answer = await client.post("/v1/session", json={"token": ours.tokens["WATCH"]})
                assert "; Secure" in answer.headers["set-cookie"]
                assert "strict-transport-security" in answer.headers
                answer = await client.post("/v1/notices", json=declaration(), headers={"Clearline-Console": "1"})
                assert answer.status_code == 201, answer.text
            await ours.until_status(answer.json()["notices"][0]["notice_id"], NoticeStatus.CLEARED)

    run(story())
