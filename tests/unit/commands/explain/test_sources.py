"""A message that a person names."""

from typing import Any

import pytest

from smppbridge.commands.explain.sources import Fields, from_fields
from tests.unit.commands.explain.told import told_of


async def test_fields() -> None:
    def one(**fields: Any) -> Any:
        return lambda: from_fields(Fields(**{"to": "375291234567", "source": "ALARM", **fields}))

    (said,) = (await told_of(one(text="Привет"))).pdus
    assert said["message"]["text"] == "Привет"
    assert said["parameters"]["data_coding"]["value"] == "0x08"
    (said,) = (await told_of(one(text="x" * 500))).pdus
    assert said["message"]["short_messages"] == 4
    assert said["tlvs"][0]["name"] == "message_payload"
    (said,) = (await told_of(one(octets=b"\x05\x00", data_coding=4, others={"esm_class": 3}))).pdus
    assert said["message"]["data"]["hex"] == "0500"
    with pytest.raises(ValueError, match="destination_addr"):
        from_fields(Fields("1" * 30, text="x"))


def test_a_parameter_that_cannot_be_written_is_named_once() -> None:
    with pytest.raises(ValueError, match=r"^destination_addr: only Latin-1"):
        from_fields(Fields("номер", text="x"))
