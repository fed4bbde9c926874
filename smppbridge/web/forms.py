"""Forms in the body of a request, in either of their two encodings.

PHP sends `multipart/form-data` as soon as a script hands curl an array of fields.
"""

import re

from smppbridge.web.charsets import fields_of, parameter_of

URL_ENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
MAX_PARTS = 200  # of a multipart body; others are left out

_NAME = re.compile(rb'^content-disposition:[^\r\n]*?[;\s]name="?([^";\r\n]*)', re.IGNORECASE | re.MULTILINE)


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form, each character an octet: see `charsets.in_charset`. {} for another body.

    Of fields with the same name the last counts.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == URL_ENCODED:
        return dict(fields_of(body))
    boundary = parameter_of(content_type, "boundary") if kind == MULTIPART else ""
    return _parts(boundary.encode("utf-8", "replace"), body) if boundary else {}


def _parts(boundary: bytes, body: bytes) -> dict[str, str]:
    """RFC 7578; each part has a head, an empty line and a value."""
    fields: dict[str, str] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary, MAX_PARTS + 1)[1 : MAX_PARTS + 1]:
        head, blank, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if blank and name is not None:
            fields[name[1].decode("latin-1")] = value.decode("latin-1")
    return fields
