"""Changes inputs as a fuzzer does, always in the same way: what the suite runs without a fuzzer."""

from collections.abc import Iterator, Sequence
from random import Random

from tests.fuzz.reading import BREAK

MOST_CHANGES = 4
_WORDS = (
    *(
        b"\0",
        b"\xff",
        b"\x7f\xff\xff\xff",
        b"\x80",
        b"\0\0\0\x10",
        b"-1",
        b"0",
        b"99999999999999999999",
        b"1e999",
    ),
    *(b'"', b"'", b"\\", b"\\ud800", b"\xed\xa0\x80", b"{", b"}", b"[", b"]", b"<", b">", b"&", b"%", b"${"),
    *(b":", b",", b"\r\n", b"\t", b" ", b"*", b"null", b"id", b"error", "\u202e".encode(), BREAK),
)


def mutated(seeds: Sequence[bytes], count: int, seed: int = 1) -> Iterator[bytes]:
    """So many inputs, each made of one of ``seeds`` by a few changes."""
    random = Random(seed)
    for _ in range(count):
        data = bytearray(random.choice(seeds))
        for _ in range(random.randint(1, MOST_CHANGES)):
            _change(data, seeds, random)
        yield bytes(data)


def _change(data: bytearray, seeds: Sequence[bytes], random: Random) -> None:
    start = random.randint(0, len(data))
    end = min(len(data), start + random.choice((1, 1, 2, 4, 16, 100)))
    match random.randrange(6):
        case 0 if start < len(data):
            data[start] ^= 1 << random.randrange(8)
        case 1:
            del data[start:end]
        case 2:
            data[start:start] = data[start:end] * random.choice((1, 2, 30))
        case 3:
            data[start:start] = random.choice(_WORDS)
        case 4:
            data[start:end] = random.choice(_WORDS)
        case _:
            other = random.choice(seeds)
            at = random.randint(0, len(other))
            data[start:end] = other[at : at + 50]
