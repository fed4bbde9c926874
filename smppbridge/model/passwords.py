"""Password hashes, and comparisons whose duration tells nothing about the secret.

A hash is one line, ``scrypt$N$r$p$salt$hash`` (parameters of RFC 7914, base64). Hashing takes a quarter of a
second and 32 MiB on purpose: call it from a thread.
"""

import base64
import binascii
import hashlib
import hmac
import os
from typing import NamedTuple

# OWASP's Password Storage Cheat Sheet (2024) calls N=2^17 p=1 and N=2^15 p=3 equal. The latter takes 32 MiB
# instead of 128 MiB, so that two at once fit a small machine. Hashes of other costs stay valid.
_COST, _BLOCK, _PARALLEL = 2**15, 8, 3
_SALT_OCTETS, _HASH_OCTETS = 16, 32
_MAX_MEMORY = 256 * 1024 * 1024
_MAX_PARALLEL = 16
_FIELDS = 6  # scrypt, N, r, p, salt, hash
_REMEDY = "make one with `smppbridge hash-password`"
_SHAPE = f"must look like scrypt$N$r$p$<salt>$<hash>; {_REMEDY}"
_RANGE = (
    "must have an N that is a power of two from 1024 on, a p from 1 to 16, N and r that take 256 MiB at most,"
    f" a salt of 8 to 64 octets and a hash of 16 to 64; {_REMEDY}"
)


class PasswordHash(NamedTuple):
    """A parsed ``password_hash``."""

    cost: int  # N: a power of two
    block: int  # r
    parallel: int  # p
    salt: bytes
    digest: bytes


def hash_password(password: str | bytes) -> str:
    """The ``password_hash`` of a password, with a new salt. Slow: 250 ms, 32 MiB."""
    salt = os.urandom(_SALT_OCTETS)
    fresh = PasswordHash(_COST, _BLOCK, _PARALLEL, salt, bytes(_HASH_OCTETS))
    digest = _scrypt(_octets(password), fresh)
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${_base64(salt)}${_base64(digest)}"


def verify_hash(password: str | bytes, encoded: str) -> bool:
    """Whether ``encoded`` is a hash of ``password``. Slow, too. Raises ValueError when it is malformed."""
    known = parse_hash(encoded)
    return hmac.compare_digest(_scrypt(_octets(password), known), known.digest)


def parse_hash(encoded: str) -> PasswordHash:
    """Parse a ``password_hash``. Raises ValueError, which does not quote it."""
    parts = encoded.split("$")
    if len(parts) != _FIELDS or parts[0] != "scrypt":
        raise ValueError(_SHAPE)
    try:
        cost, block, parallel = (int(part) for part in parts[1:4])
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[4:])
    except (ValueError, binascii.Error):
        raise ValueError(_SHAPE) from None
    if not (_sane(cost, block, parallel) and 8 <= len(salt) <= 64 and 16 <= len(digest) <= 64):
        raise ValueError(_RANGE)
    return PasswordHash(cost, block, parallel, salt, digest)


def same(a: str | bytes, b: str | bytes) -> bool:
    """Whether two plain secrets are equal. The time does not depend on their content."""
    # Digests have equal lengths, so the time does not depend on the length of the secret either.
    return hmac.compare_digest(hashlib.sha256(_octets(a)).digest(), hashlib.sha256(_octets(b)).digest())


def work_of(encoded: str) -> int:
    """How dear it is to verify this hash, in a unit of its own. Raises ValueError when it is malformed."""
    known = parse_hash(encoded)
    return known.cost * known.block * known.parallel


def memory_of(encoded: str) -> int:
    """How many octets it takes to verify this hash (RFC 7914 §5). Raises ValueError when it is malformed."""
    known = parse_hash(encoded)
    return 128 * known.cost * known.block


def _sane(cost: int, block: int, parallel: int) -> bool:
    """Whether the parameters are strong enough, and small enough to be computed at every bind."""
    if cost < 2**10 or cost & (cost - 1) or block < 1 or not 1 <= parallel <= _MAX_PARALLEL:
        return False
    return 128 * cost * block <= _MAX_MEMORY


def _scrypt(password: bytes, known: PasswordHash) -> bytes:
    return hashlib.scrypt(
        password,
        salt=known.salt,
        n=known.cost,
        r=known.block,
        p=known.parallel,
        maxmem=2 * _MAX_MEMORY,
        dklen=len(known.digest),
    )


def _octets(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
