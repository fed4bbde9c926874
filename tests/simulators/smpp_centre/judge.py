"""Which binds and which submit_sm a simulated SMSC takes. Must not know: sockets, answers, receipts."""

import re

from smppbridge.smpp.constants import INTERFACE_VERSION, EsmClass, Npi, Status, Tag, Ton
from smppbridge.smpp.pdu import Bind, SubmitSm
from tests.simulators.smpp_centre.rules import Rules

# sms-assistent API v1 §5.3.8, and the characters of its §1.1.
_SENDERS: dict[tuple[int, int], re.Pattern[str]] = {
    (Ton.ALPHANUMERIC, Npi.UNKNOWN): re.compile(r"[a-zA-Z0-9_%#@!*().;?'&<>+=:-]{1,11}"),
    (Ton.INTERNATIONAL, Npi.UNKNOWN): re.compile(r"[0-9]{1,20}"),
}
_RECIPIENT = re.compile(r"375[0-9]{9}")


def status_of_bind(rules: Rules, bind: Bind, bound: int) -> int:
    """command_status of the answer to a bind; ``bound`` sessions has its system_id already."""
    if rules.bind_status is not None and (status := rules.bind_status(bind)):
        return status
    if rules.strict and bind.interface_version != INTERFACE_VERSION:
        return Status.ESME_RINVBNDSTS  # "wrong bind request" is the only code of API v1 §5.3.6 that fits
    if bind.system_id != rules.system_id:
        return Status.ESME_RINVPASWD if rules.strict else Status.ESME_RINVSYSID
    if bind.password != rules.password:
        return Status.ESME_RINVPASWD
    return Status.ESME_RBINDFAIL if 0 < rules.max_binds <= bound else Status.ESME_ROK


class Judge:
    """Looks at each submit_sm: first at how many there are, then at what it says."""

    def __init__(self) -> None:
        self._tokens = 0.0
        self._filled_at = float("-inf")

    def status(self, rules: Rules, pdu: SubmitSm, now: float, unfinished: int) -> int:
        """command_status of the answer; ``unfinished`` messages are taken and not final."""
        if rules.rate and not self._may_pass(rules.rate, now):
            return Status.ESME_RTHROTTLED
        return Status.ESME_RMSGQFUL if 0 < rules.queue <= unfinished else _look_at(rules, pdu)

    def _may_pass(self, rate: float, now: float) -> bool:
        room = max(1.0, rate)
        self._tokens = min(room, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _look_at(rules: Rules, pdu: SubmitSm) -> int:
    if rules.status_of is not None and (status := rules.status_of(pdu)):
        return status
    if rules.senders is not None and pdu.source_addr not in rules.senders:
        return Status.ESME_RINVSRCADR
    if rules.strict:
        return _strictly(pdu)
    if pdu.tlvs and pdu.short_message and pdu.tlv(Tag.MESSAGE_PAYLOAD):
        return Status.ESME_RINVMSGLEN  # never both (SMPP 3.4 §5.3.2.32)
    return Status.ESME_ROK


def _strictly(pdu: SubmitSm) -> int:
    """sms-assistent API v1 §5.3: nothing but what it lists."""
    recipient = (pdu.dest_addr_ton, pdu.dest_addr_npi) == (Ton.INTERNATIONAL, Npi.ISDN_E164)
    if not recipient or not _RECIPIENT.fullmatch(pdu.destination_addr):
        return Status.ESME_RINVDSTADR
    form = _SENDERS.get((pdu.source_addr_ton, pdu.source_addr_npi))
    if form is None or not form.fullmatch(pdu.source_addr):
        return Status.ESME_RINVSRCADR
    if pdu.data_coding not in (3, 8):
        return Status.ESME_RINVENCODING
    return Status.ESME_ROK if _is_text(pdu) else Status.ESME_RINVTEXT


def _is_text(pdu: SubmitSm) -> bool:
    text = pdu.short_message
    if text and pdu.esm_class & EsmClass.UDHI:
        text = text[1 + text[0] :]
    in_pairs = pdu.data_coding != 8 or len(text) % 2 == 0
    return bool(text) and in_pairs and pdu.tlv(Tag.MESSAGE_PAYLOAD) is None
