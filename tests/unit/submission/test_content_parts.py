"""Parts of long messages: what each is, and what they make together."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smppbridge.smpp.concat import Concat, header, split_octets
from smppbridge.smpp.constants import SILENT, Status, Tag
from smppbridge.smpp.gsm import decode_gsm, encode_gsm, pack_septets
from smppbridge.smpp.tlv import tlv
from smppbridge.submission.content import Content, concat_of, joined_text
from tests.support.builders.accounts import account
from tests.support.esme.esme import submit
from tests.unit.submission.contents import PLAIN, SAR, UDH, content, refusal

# --- parts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "changes", "concat"),
    [
        (UDH + b"x", {"esm_class": 0x40}, Concat(1, 8, 2, 1)),
        (UDH + b"x", {"esm_class": 0x43, "tlvs": SAR}, Concat(1, 8, 2, 1)),  # the header counts more
        (header(0x1234, 3, 2, width=16) + b"x", {"esm_class": 0x40}, Concat(0x1234, 16, 3, 2)),
        (b"x", {"tlvs": SAR}, Concat(7, 0, 2, 1)),
    ],
)
def test_a_part_keeps_its_octets(octets: bytes, changes: dict[str, Any], concat: Concat) -> None:
    kept = octets if changes.get("esm_class") else b"\0" + octets
    assert content(submit(octets, **changes)) == Content("", kept, False, concat)


@pytest.mark.parametrize(
    ("octets", "changes", "text"),
    [
        (header(1, 1, 1) + b"alone", {"esm_class": 0x40}, "alone"),
        (b"\5\0\3\1\2\0no part", {"esm_class": 0x40}, "no part"),
        (b"\0no header", {"esm_class": 0x40}, "no header"),
        (b"\x7flong", {"esm_class": 0x40}, "\x7flong"),  # it reaches past the message, which is text then
        (b"alone", {"tlvs": (tlv(Tag.SAR_TOTAL_SEGMENTS, 2),)}, "alone"),
    ],
)
def test_what_is_no_part(octets: bytes, changes: dict[str, Any], text: str) -> None:
    assert content(submit(octets, **changes)) == Content(text, None, False)


PORT = tlv(Tag.DESTINATION_PORT, 5555)


@pytest.mark.parametrize(
    ("octets", "changes", "kept"),
    [
        (UDH + b"ab", {"esm_class": 0x40, "tlvs": (PORT,)}, UDH + b"ab"),
        (b"ab", {"tlvs": (*SAR, PORT)}, bytes.fromhex("050003070201") + b"ab"),
    ],
)
def test_a_part_for_a_port_is_not_joined(octets: bytes, changes: dict[str, Any], kept: bytes) -> None:
    assert content(submit(octets, **changes)) == Content("", kept, False)


def test_a_part_that_no_phone_shows_is_not_joined() -> None:
    assert content(submit(UDH + b"ab", esm_class=0x40, protocol_id=SILENT)) == Content("", UDH + b"ab", False)


def test_a_text_for_a_port_stays_a_text() -> None:
    assert content(submit(b"ab", tlvs=(PORT,))) == Content("ab", None, False)


def test_a_text_for_an_application_keeps_its_header() -> None:
    ports = bytes.fromhex("0b 05040b8423f0 0003010201") + b"x"
    assert content(submit(ports, esm_class=0x40)) == Content("", ports, False)


@pytest.mark.parametrize("octets", [UDH + b"x" * 249])
def test_a_part_that_no_short_message_holds(octets: bytes) -> None:
    pdu = submit(b"", esm_class=0x40, tlvs=(tlv(Tag.MESSAGE_PAYLOAD, octets),))
    reason = "binary content and parts must have 1 to 254 octets"
    assert refusal(content, pdu) == (Status.ESME_RINVTEXT, reason)


def test_the_longest_part() -> None:
    octets = UDH + b"x" * 248
    assert content(submit(octets, esm_class=0x40)).octets == octets
    sar = submit(b"", tlvs=(*SAR, tlv(Tag.MESSAGE_PAYLOAD, b"x" * 254)))  # its empty header is not counted
    assert content(sar).octets == b"\0" + b"x" * 254


def test_parts_without_a_text() -> None:
    assert refusal(joined_text, PLAIN, 0, [b"\0", b"\0"])[1] == "the text is empty"


def test_parts_are_joined_before_they_are_decoded() -> None:
    gsm = account(default_encoding="gsm")
    assert joined_text(gsm, 0, [UDH + b"10 \x1b", header(1, 2, 2) + b"e"]) == "10 €"
    assert joined_text(PLAIN, 8, [b"\0\xd8\x3d\xde", b"\0\x00"]) == "😀"


@pytest.mark.parametrize(
    ("keys", "data_coding", "text"),
    [
        ({"default_encoding": "gsm"}, 0, "8 before@more"),
        ({"default_encoding": "gsm", "septets": "packed"}, 3, "8 before\0more"),
        ({"default_encoding": "gsm", "septets": "packed"}, 0, "8 beforemore"),  # they are likelier there
    ],
)
def test_only_packed_septets_may_be_spare_bits(keys: dict[str, Any], data_coding: int, text: str) -> None:
    parts = [UDH + b"8 before\0", header(1, 2, 2) + b"more"]
    assert joined_text(account(**keys), data_coding, parts) == text


@pytest.mark.parametrize(
    ("coding", "parts", "status"),
    [
        (0, [b"\0", b"\0"], Status.ESME_RINVTEXT),
        (8, [b"\0\4", b"\0\x10\4"], Status.ESME_RINVTEXT),
        (1, [b"\0a", b"\0\xe9"], Status.ESME_RINVENCODING),
    ],
)
def test_parts_that_make_no_text(coding: int, parts: list[bytes], status: Status) -> None:
    assert refusal(joined_text, PLAIN, coding, parts)[0] == status


def test_packed_septets_are_unpacked_part_by_part() -> None:
    """Each begins at a septet border behind its header (3GPP 23.040 §9.2.3.24)."""
    packed = account(default_encoding="gsm", septets="packed")
    octets = encode_gsm("Hello, {world}")
    assert octets is not None
    assert content(submit(pack_septets(octets), data_coding=0), owner=packed).text == "Hello, {world}"
    pieces = [octets[:9], octets[9:]]
    parts = []
    for number, piece in enumerate(pieces, 1):
        head = header(1, 2, number)
        pdu = submit(head + pack_septets(piece, len(head)), data_coding=0, esm_class=0x40)
        found = content(pdu, owner=packed).octets
        assert found == head + piece
        parts.append(found)
    assert joined_text(packed, 0, parts) == "Hello, {world}"
    assert content(submit(b"caf\xe9"), owner=packed).text == "café"  # data_coding 3 is never packed


PACKED = account(default_encoding="gsm", septets="packed")


def packed(septets: bytes, head: bytes, spare: int) -> bytes:
    """As a plain sender packs them: behind fill bits, ``spare`` (0 or CR) in seven spare bits."""
    fill = -8 * len(head) % 7
    if (fill + 7 * len(septets)) % 8 == 1:
        septets += bytes((spare,))
    bits = sum(septet << fill + 7 * at for at, septet in enumerate(septets))
    return bits.to_bytes(-(-(fill + 7 * len(septets)) // 8), "little")


def through(pieces: list[bytes], heads: list[bytes], spare: int) -> str:
    """What packed pieces come to; without headers they have sar_* TLVs."""
    parts = []
    for number, (piece, head) in enumerate(zip(pieces, heads, strict=True), 1):
        sar = () if head else (*SAR[:1], tlv(SAR[1][0], len(pieces)), tlv(SAR[2][0], number))
        octets = packed(piece, head, spare)
        pdu = submit(head + octets, data_coding=0, esm_class=0x40 if head else 0, tlvs=sar)
        found = content(pdu, owner=PACKED)
        assert found.octets is not None
        assert found.concat is not None
        parts.append(found.octets)
    return joined_text(PACKED, 0, parts)


def heads_of(width: int, count: int) -> list[bytes]:
    return [header(1, count, number, width=width) if width else b"" for number in range(1, count + 1)]


@pytest.mark.parametrize("spare", [0, 0x0D])
@pytest.mark.parametrize(("width", "full"), [(8, 153), (16, 152), (0, 152), (0, 160)])
def test_packed_parts_end_where_they_end(width: int, full: int, spare: int) -> None:
    for first, second in (
        (b"x" * (full - 1) + b"\0", b"at"),  # full, an "@" last
        (b"x" * (full - 1) + b"\r", b"\nline"),
        (b"x" * (full - 1), b"\x1be 10"),  # the escape is not cut from what follows
        (b"x" * (full - 2) + b"\0", b"\x1be 10"),
        (b"x" * (full - 16 - 1), b"word"),  # cut between words, seven spare bits
        (b"x" * full, b"y" * (full - 1)),  # the last one has seven spare bits
    ):
        joined = through([first, second], heads_of(width, 2), spare)
        assert joined == decode_gsm(first + second)


def test_a_part_ends_the_text_where_those_behind_it_never_came() -> None:
    full = header(1, 2, 1) + b"x" * 152
    assert joined_text(PACKED, 0, [full + b"\0"]) == "x" * 152
    assert joined_text(PACKED, 0, [full + b"\0", header(1, 2, 2) + b"y"]) == "x" * 152 + "@y"


@given(
    st.text(st.sampled_from("ab@\r€{"), min_size=161, max_size=480),
    st.sampled_from([8, 16]),
    st.sampled_from([0, 0x0D]),
)
def test_packed_texts_arrive_as_they_were(text: str, width: int, spare: int) -> None:
    octets = encode_gsm(text) or b""
    pieces = split_octets(octets, wide=False, width=width)
    full = 153 if width == 8 else 152
    assume(octets[-1] not in b"\0\r")
    for piece, behind in pairwise(pieces):  # nobody can tell these: "@" or CR, right before an escape
        assume(len(piece) < full or piece[-1] not in b"\0\r" or behind[0] != 0x1B)
    assert through(pieces, heads_of(width, len(pieces)), spare) == text


def test_a_packed_part_for_an_application_keeps_its_last_character() -> None:
    head = bytes.fromhex("0b 05040b8423f0 0003010201")  # 146 septets behind it
    octets = head + packed(b"x" * 145 + b"\0", head, 0)
    assert content(submit(octets, data_coding=0, esm_class=0x40), owner=PACKED).octets == (
        head + b"x" * 145 + b"\0"
    )


@pytest.mark.parametrize(
    ("keys", "data_coding", "text"),
    [
        ({"encodings": {1: "gsm"}}, 1, "Hello, {world}"),
        ({"encodings": {4: "gsm"}}, 4, "Hello, {world}"),
        ({"default_encoding": "gsm", "encodings": {0x10: "latin-1"}}, 0x10, None),
    ],
)
def test_septets_are_packed_where_the_account_means_gsm(
    keys: dict[str, Any], data_coding: int, text: str | None
) -> None:
    octets = pack_septets(encode_gsm("Hello, {world}") or b"")
    found = content(submit(octets, data_coding=data_coding), owner=account(septets="packed", **keys))
    assert found.text == (octets.decode("latin-1") if text is None else text)


def test_a_header_with_a_language_and_the_part_in_tlvs() -> None:
    single = bytes.fromhex("03 240101")
    gsm = account(default_encoding="gsm")
    pdu = submit(single + b"\x1b", data_coding=0, esm_class=0x40, tlvs=SAR)
    assert content(pdu, owner=gsm) == Content("", single + b"\x1b", False, Concat(7, 0, 2, 1))
    assert concat_of(pdu) == Concat(7, 0, 2, 1)
    assert joined_text(gsm, 0, [single + b"\x1b", single + b"S"]) == "Ş"
    ports = submit(bytes.fromhex("06 05040b8423f0") + b"x", esm_class=0x40, tlvs=SAR)
    assert concat_of(ports) is None
    assert content(ports).concat is None


@pytest.mark.parametrize(
    ("octets", "esm_class", "tlvs", "expected"),
    [
        (b"", 0x40, (tlv(Tag.MESSAGE_PAYLOAD, UDH + b"x"),), Concat(1, 8, 2, 1)),
        (bytes.fromhex("0b 05040b8423f0 0003010201"), 0x40, (), Concat(1, 8, 2, 1)),  # told, not joined
        (UDH + b"x", 0, (), None),
        (b"\x7fx", 0x40, SAR, Concat(7, 0, 2, 1)),
    ],
)
def test_which_part_it_says_it_is(octets: bytes, esm_class: int, tlvs: Any, expected: Concat | None) -> None:
    assert concat_of(submit(octets, esm_class=esm_class, tlvs=tlvs)) == expected
