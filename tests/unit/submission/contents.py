"""What the tests of content ask again and again: what a submit_sm holds, or why it is refused."""

from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.tlv import tlv
from smppbridge.submission.content import Content, content_of
from tests.support.builders.accounts import account

UDH = bytes.fromhex("0500 0301 0201")
SAR = (tlv(Tag.SAR_MSG_REF_NUM, 7), tlv(Tag.SAR_TOTAL_SEGMENTS, 2), tlv(Tag.SAR_SEGMENT_SEQNUM, 1))
PLAIN = account()
RICH = account(services=["HLR", "CALL", "FLSHC", "MAIL", "BOT"], country="BY")


def content(pdu: SubmitSm, service: str = "", owner: Account = PLAIN) -> Content:
    return content_of(owner, pdu, service)


def refusal(call: Any, *arguments: Any) -> tuple[int, str]:
    """The status and reason with which ``call`` refuses."""
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.status, caught.value.reason
