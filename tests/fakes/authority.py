"""A certificate authority of a test's own, and a folder for PARLEY_TLS that it signed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = ip_address("127.0.0.1")
NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(days=100)
SIGNS = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def made(cls) -> Self:
        key = ec.generate_private_key(ec.SECP256R1())
        who = _named("a test's authority")
        builder = _begun(who, who, key.public_key(), NOW + timedelta(days=90))
        signed = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(SIGNS, critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(key, signed)

    def folder(
        self,
        at: Path,
        names: tuple[x509.GeneralName, ...] = (x509.IPAddress(HERE),),
        ends: datetime = NOW + timedelta(days=90),
    ) -> Path:
        """`at`, with cert.pem, key.pem (its owner's alone) and ca.pem in it."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _begun(_named("parley"), self.certificate.subject, key.public_key(), ends)
        signed = (
            builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        at.mkdir(parents=True, exist_ok=True)
        (at / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        (at / "ca.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        (at / "key.pem").touch(mode=0o600)
        (at / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return at


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    who: x509.Name, by: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(by)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGAN)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
