"""Fields of forms, however they are encoded."""

import time

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.web.charsets import in_charset
from smppbridge.web.forms import MAX_PARTS, form_fields

FIELDS = {
    "server_id": "10005",
    "status": "-1",
    "error_ru": "Невозможно доставить",
    "empty": "",
    "a b": "&=\r\nx",
}


def multipart(fields: dict[str, str]) -> httpx2.Request:
    return httpx2.Request("POST", "http://a/", files={name: (None, value) for name, value in fields.items()})


def test_both_encodings_of_one_form() -> None:
    plain = httpx2.Request("POST", "http://a/", data=FIELDS)
    for request in (plain, multipart(FIELDS)):
        found = form_fields(request.headers["content-type"], request.read())
        assert in_charset(found, "utf-8") == FIELDS


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        'multipart/form-data; boundary=""',
        "multipart/mixed; boundary=b",
        "multipart/form-data; boundary*=idna''b",
        "multipart/form-data; boundary*0=b; boundary*=b",
        f"multipart/form-data; boundary*{'9' * 5000}=b",
        "ж",
    ],
)
def test_other_bodies_have_no_fields(content_type: str) -> None:
    assert (
        form_fields(content_type, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--') == {}
    )


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'--b\r\ncontent-disposition:form-data;name="a"\r\n\r\n1\r\n--b--\r\n', {"a": "1"}),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\nX: y\r\n\r\n1\r\n--b--", {"a": "1"}),
        (b'intro\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--after', {"a": "1"}),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut', {"a": "cut"}),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n--b--', {}),
        (b"--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--", {}),
        (b"", {}),
    ],
)
def test_what_is_a_part(body: bytes, fields: dict[str, str]) -> None:
    assert form_fields("Multipart/Form-Data; boundary=b", body) == fields


def test_a_boundary_in_quotes() -> None:
    body = b'--b c\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b c--'
    assert form_fields('multipart/form-data; charset=utf-8; Boundary="b c" ; x', body) == {"a": "1"}


def test_only_so_many_parts_are_read() -> None:
    request = multipart({str(n): "" for n in range(MAX_PARTS + 50)})
    assert len(form_fields(request.headers["content-type"], request.read())) == MAX_PARTS


@given(st.text(), st.binary())
def test_nothing_fails(content_type: str, body: bytes) -> None:
    form_fields(content_type, body)
    form_fields(f"multipart/form-data; {content_type}", body)
    form_fields("multipart/form-data; boundary=b", b"--b\r\n" + body)


def test_a_large_body_without_sense_takes_no_time() -> None:
    began = time.process_time()
    form_fields("multipart/form-data; boundary=b", b"\r\n--b" * 250_000)
    form_fields("multipart/form-data; boundary=b", b"--b\r\n" + b"content-disposition:" * 50_000)
    assert time.process_time() - began < 1.0
