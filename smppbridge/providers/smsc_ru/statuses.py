"""What smsc.ru tells about a message, in an answer or a callback: its state, why it failed, what it cost."""

from collections.abc import Mapping
from typing import NamedTuple

from smppbridge.model.message import Particulars, State, StatusReport
from smppbridge.providers.error_table import OPERATOR, details_of, safe_reason
from smppbridge.providers.http.lenient import millionths
from smppbridge.providers.smsc_ru import codes

_WITHOUT_SENDER = frozenset({"4", "5", "8"})  # `type` of HLR, PING and MAIL, which ask for none
_HLR = ("imsi", "msc", "mcc", "mnc", "cn", "net", "rcn", "rnet")


class StatusReader(NamedTuple):
    """Reads statuses of one account. ``fields`` are by their names in the API."""

    currency: str  # of prices
    secrets: tuple[str, ...]  # never told

    def report(
        self, ref: str, status: int | None, err: int, fields: Mapping[str, str]
    ) -> StatusReport | None:
        """The status of the message ``ref``; None for one that no list names."""
        found = None if status is None else codes.state_of(status, err)
        if status is None or found is None:
            return None
        state, final, receipt_err = found
        failed = status == codes.NOT_FOUND or (final and state is not State.DELIVERED)
        return StatusReport(
            ref,
            state,
            final,
            receipt_err,
            codes.word_of(status, err),
            details_of(fields, _HLR),
            reason=self.reason(status, err, fields) if failed else "",
            told=self.told(fields),
        )

    def reason(self, status: int, err: int, fields: Mapping[str, str]) -> str:
        """Our words for a status and its err, and smsc.ru's, where it adds them (``all``)."""
        told = filter(None, (codes.words_of_status(status, err), fields.get("status_name", "")))
        return safe_reason(f"smsc.ru status {codes.word_of(status, err)}: {': '.join(told)}", *self.secrets)

    def told(self, fields: Mapping[str, str], cost: int = 0, parts: int = 0) -> Particulars:
        """What is told besides, by callbacks, by statuses with ``all``, and by the rows of ``op``.

        ``cost`` (in millionths) and ``parts``: what the answer to a send request says above its rows.
        """
        price, operator = cost or millionths(fields.get("cost")), details_of(fields, OPERATOR)
        sender = "" if fields.get("type") in _WITHOUT_SENDER else fields.get("sender_id", "")
        return Particulars(price, self.currency if price else "", parts, operator, sender.removeprefix("+"))
