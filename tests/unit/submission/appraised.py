"""One submit_sm, appraised or examined by an appraiser with these checkers."""

from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.route import Route
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.times import format_relative
from smppbridge.submission.appraisal import Appraisal, Examination
from tests.support.builders.accounts import account
from tests.unit.submission.checkers import NOW, FakeChecker, appraiser
from tests.unit.submission.contents import PLAIN, UDH

LATER = format_relative(3600)
PART = UDH + b"Door"
STRICT = account(senders=["ALARM"])
BELARUS = (Route(destination=("375",), to=("lab",)),)
FAULTS: list[tuple[str, dict[str, Any], int]] = [
    ("fields", {"priority_flag": 4}, Status.ESME_RINVPRTFLG),
    ("service", {"service_type": "HLR"}, Status.ESME_RINVSERTYP),
    ("recipient", {"destination_addr": "G777"}, Status.ESME_RINVDSTADR),
    ("content", {"short_message": b""}, Status.ESME_RINVTEXT),
    ("sender", {"source_addr": "OTHER"}, Status.ESME_RINVSRCADR),
    ("path", {"destination_addr": "33612345678"}, Status.ESME_RNOROUTE),
    ("times", {"validity_period": "xx"}, Status.ESME_RINVEXPIRY),
]


def appraise(pdu: SubmitSm, *checkers: FakeChecker, owner: Account = PLAIN, **how: Any) -> Appraisal:
    made = appraiser(*checkers or (FakeChecker(),), **how)
    return made.appraise(owner, pdu, NOW, made.paths())


def refused(pdu: SubmitSm, *checkers: FakeChecker, **how: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        appraise(pdu, *checkers, **how)
    return caught.value.status, caught.value.reason


def status(pdu: SubmitSm, *checkers: FakeChecker, **how: Any) -> int:
    return refused(pdu, *checkers, **how)[0]


def examine(pdu: SubmitSm, *checkers: FakeChecker, owner: Account = PLAIN, **how: Any) -> Examination:
    made = appraiser(*checkers or (FakeChecker(),), **how)
    return made.examine(owner, pdu, NOW, made.paths())
