"""Message ids in every notation."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smppbridge.providers.upstream.message_ids import receipt_reference, stored_id

RULES = ["as-is", "hex", "decimal", "auto"]
UUID = "577e505a-dbd7-46ab-a04c-5a927ffb85b1"


@pytest.mark.parametrize(
    ("rule", "answer", "stored"),
    [
        ("as-is", " 00AB\0", "00AB"),
        ("as-is", "", ""),
        ("hex", "1F", "31"),
        ("hex", "001f", "31"),
        ("hex", "0", "0"),
        ("hex", UUID, UUID),
        ("hex", "0x1f", "0x1f"),
        ("hex", "1_0", "1_0"),
        ("hex", "f" * 66, "f" * 66),
        ("decimal", "0031", "31"),
        ("decimal", "1F", "1F"),
        ("decimal", "٣", "٣"),
        ("auto", "00AbC", "abc"),
        ("auto", "0000", "0"),
        ("auto", " 7\0", "7"),
        ("auto", UUID.upper(), UUID),
        ("auto", "00xyZ", "00xyZ"),
        ("auto", "0" * 66, "0" * 66),
        ("auto", "", ""),
        ("as-is", "x" * 255, "x" * 255),
        *[(rule, "x" * 256, "") for rule in RULES],
        *[(rule, "0" * 256, "") for rule in RULES],
        ("as-is", f" {'x' * 255}\0", "x" * 255),
    ],
)
def test_the_form_in_which_an_id_is_stored(rule: str, answer: str, stored: str) -> None:
    assert stored_id(rule, answer) == stored


@pytest.mark.parametrize(
    ("rule", "written", "ref", "also"),
    [
        ("as-is", "00AB ", "00AB", ()),
        ("hex", "0031", "", ("31",)),
        ("hex", UUID, UUID, ()),
        ("hex", "1F", "1F", ()),
        ("decimal", "1F", "", ("31",)),
        ("decimal", "31", "", ("49",)),
        ("decimal", UUID, UUID, ()),
        ("auto", "0012345", "12345", ("3039", "74565")),
        ("auto", "16FEE0E525", "16fee0e525", ("98765432101",)),
        ("auto", "9", "9", ()),
        ("auto", UUID, UUID, ()),
        ("auto", "xyz", "xyz", ()),
    ],
)
def test_what_the_id_of_a_receipt_may_be(rule: str, written: str, ref: str, also: tuple[str, ...]) -> None:
    assert receipt_reference(rule, written) == (ref, also)


def found(rule: str, answer: str, written: str) -> bool:
    ref, also = receipt_reference(rule, written)
    return stored_id(rule, answer) in (ref, *also)


@given(st.integers(1, 10**30), st.sampled_from(["", "0", "000"]))
def test_one_number_in_two_notations_is_found(number: int, zeros: str) -> None:
    decimal, small, big = f"{zeros}{number}", f"{number:x}", f"{zeros}{number:X}"
    assert found("hex", big, decimal)
    assert found("decimal", decimal, small)
    for answer, written in [(decimal, big), (big, decimal), (small, big), (decimal, str(number))]:
        assert found("auto", answer, written)
    assert found("as-is", big, f" {big}\0")
    assert receipt_reference("auto", decimal).ref == stored_id("auto", str(number))


@given(st.sampled_from(RULES), st.text(max_size=300))
@example("hex", "9" * 5000)
@example("auto", "9" * 5000)
def test_no_id_is_a_problem(rule: str, text: str) -> None:
    assert stored_id(rule, stored_id("as-is", text)) == stored_id(rule, text)
    assert len(stored_id(rule, text)) <= 255
    assert found("as-is", text, text) or len(text) > 255
    ref, also = receipt_reference(rule, text)
    assert all(also)
    assert ref not in also
