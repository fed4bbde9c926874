"""Hashes of passwords: made, verified, refused; comparison of plain ones."""

import base64

import pytest

from smppbridge.model.passwords import hash_password, parse_hash, same, verify_hash, work_of

SALT = base64.b64encode(b"sixteen octets..").decode()
DIGEST = base64.b64encode(bytes(32)).decode()
SHAPE, RANGE = "must look like scrypt$N$r$p$", "must have an N that"


def test_a_hash_verifies_its_password_only() -> None:
    encoded = hash_password("secret12")
    assert encoded.startswith("scrypt$32768$8$3$")
    assert verify_hash("secret12", encoded)
    assert verify_hash(b"secret12", encoded)
    assert not verify_hash("secret13", encoded)
    assert not verify_hash("", encoded)
    assert hash_password("secret12") != encoded  # a salt of its own


def test_known_answer() -> None:
    # RFC 7914 §12, third vector, cut to 32 octets: the first block of PBKDF2 does not depend on dklen.
    salt = base64.b64encode(b"SodiumChloride").decode()
    digest = bytes.fromhex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
    assert verify_hash("pleaseletmein", f"scrypt$16384$8$1${salt}${base64.b64encode(digest).decode()}")


@pytest.mark.parametrize(
    ("encoded", "why"),
    [
        ("", SHAPE),
        ("secret12", SHAPE),
        (f"bcrypt$16384$8$1${SALT}${DIGEST}", SHAPE),
        (f"scrypt$16384$8$1${SALT}", SHAPE),
        (f"scrypt$x$8$1${SALT}${DIGEST}", SHAPE),
        (f"scrypt$16384$8$1$!!${DIGEST}", SHAPE),
        (f"scrypt$16385$8$1${SALT}${DIGEST}", RANGE),  # N is no power of two
        (f"scrypt$2$8$1${SALT}${DIGEST}", RANGE),  # too cheap
        (f"scrypt$1073741824$8$1${SALT}${DIGEST}", RANGE),  # too dear
        (f"scrypt$16384$0$1${SALT}${DIGEST}", RANGE),
        (f"scrypt$16384$8$99${SALT}${DIGEST}", RANGE),
        (f"scrypt$16384$8$1${SALT}$AAAA", RANGE),  # too short to mean anything
        (f"scrypt$16384$8$1$AAAA${DIGEST}", RANGE),
    ],
)
def test_refuses_what_is_no_hash(encoded: str, why: str) -> None:
    with pytest.raises(ValueError, match="smppbridge hash-password") as caught:
        parse_hash(encoded)
    assert why in str(caught.value)
    assert not encoded or encoded not in str(caught.value)


def test_what_a_hash_costs() -> None:
    """Whatever its password, salt and length."""
    costs = [work_of(f"scrypt${cost}$8$1${SALT}${DIGEST}") for cost in (1024, 16384)]
    assert costs == [8192, 131072]
    assert work_of(f"scrypt$16384$8$3$AAAAAAAAAAAAAAA=${DIGEST}") == 3 * costs[1]


def test_same() -> None:
    assert same("secret12", b"secret12")
    assert same("", "")
    assert not same("secret12", "secret1")
    assert not same("secret12", "Secret12")
