"""Key pairs and certificates of both sides: RSA of 2048 bits, as every one of the platforms has."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEARS: Final = timedelta(days=3650)
DAY: Final = timedelta(days=1)

NAMES: Final = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
}


@dataclass(frozen=True, slots=True)
class Certified:
    """A private key and its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


def new_key() -> rsa.RSAPrivateKey:
    """Return a key pair."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def forger() -> rsa.RSAPrivateKey:
    """Return the key of all forgers, who need no more than one that is nobody's else."""
    return new_key()


def authority(now: datetime, key: rsa.RSAPrivateKey, **names: str) -> Certified:
    """Return a root: a key whose certificate it signed itself."""
    name = _name(names)
    builder = _builder(name, name, key.public_key(), now)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Certified(key, builder.sign(key, hashes.SHA256()))


def certified(now: datetime, issuer: Certified, key: rsa.RSAPrivateKey, **names: str) -> Certified:
    """Return the key with a certificate of that root."""
    builder = _builder(_name(names), issuer.certificate.subject, key.public_key(), now)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
    )
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return Certified(key, builder.sign(issuer.key, hashes.SHA256()))


def serial(certificate: x509.Certificate) -> str:
    """Return the serial number as WeChat Pay writes it: hexadecimal, upper case."""
    return f"{certificate.serial_number:X}"


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """Return a private key as PKCS #8 text."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """Return the public half of a key as text."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def certificate_pem(certificate: x509.Certificate) -> str:
    """Return a certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def load_private(text: str) -> rsa.RSAPrivateKey:
    """Read back what `private_pem` wrote."""
    # Our own keys need no proof that they are prime, which takes 50 ms each.
    key = serialization.load_pem_private_key(
        text.encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    return key


def load_public(text: str) -> rsa.RSAPublicKey:
    """Read back what `public_pem` wrote."""
    key = serialization.load_pem_public_key(text.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA key")
    return key


def load_certificate(text: str) -> x509.Certificate:
    """Read back what `certificate_pem` wrote."""
    return x509.load_pem_x509_certificate(text.encode())


def key_of(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    """Return the key that a certificate is about."""
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA key")
    return key


def _name(names: dict[str, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, names[k]) for k, oid in NAMES.items() if k in names])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + YEARS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
