"""A whole provider of one's own: a message is a request, statuses are asked for one by one.

Tests copy this file away from the project, install it, and run a bridge with it.
"""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlencode

from pydantic import SecretStr

from smppbridge.errors import ProviderError, Refused, Uncertain
from smppbridge.model.message import Draft, Message, Poll, State, StatusReport
from smppbridge.providers.base import Callback, News, SendResult, Taken
from smppbridge.providers.error_table import Kind, Rule, to_error
from smppbridge.providers.http.provider import HttpProvider
from smppbridge.providers.http.sending import SENDING_TIME, SubBatch
from smppbridge.providers.kind import ProviderKind, without_callbacks
from smppbridge.providers.options import HttpOptions
from smppbridge.smpp.constants import Status

# --- options ---------------------------------------------------------------------------------------


class TinyOptions(HttpOptions):
    """`providers.<name>` with `kind: tiny`."""

    kind: Literal["tiny"]
    key: SecretStr


# --- wire: forms there, "OK <id>", "ERROR <code>" or a word back -----------------------------------

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def encode(**fields: str) -> bytes:
    """A request."""
    return urlencode(fields).encode()


def decode(body: bytes) -> tuple[str, str]:
    """A word and what follows it. Raises ValueError for anything else."""
    word, _, rest = body.decode("ascii").partition(" ")
    if not word.isalpha():
        raise ValueError("not an answer")
    return word, rest


# --- codes -----------------------------------------------------------------------------------------

ERRORS = {
    1: Rule(Kind.ACCOUNT, Status.ESME_RSYSERR),  # a wrong key
    2: Rule(Kind.PERM, Status.ESME_RINVDSTADR),  # a wrong number
}
STATES = {"SENT": (State.ENROUTE, False, 0), "DONE": (State.DELIVERED, True, 0)}


def error_of(code: int, reason: str) -> ProviderError:
    """What an error code means; one that no list holds is tried again."""
    return to_error(ERRORS.get(code, Rule(Kind.RETRY, Status.ESME_RSYSERR)), code, reason)


# --- provider --------------------------------------------------------------------------------------


class Tiny(HttpProvider):
    """One account."""

    def __init__(self, name: str, options: TinyOptions) -> None:
        self._key = options.key.get_secret_value()
        self._url = options.url
        limits = options.limits(poll_batch=10, lease=SENDING_TIME + 2 * options.timeout, balance_interval=0)
        super().__init__(name, options, limits, secrets=[self._key])

    def check(self, draft: Draft) -> None:
        """Raise Refused for binary content."""
        if draft.octets is not None:
            raise Refused(Status.ESME_RINVENCODING, "texts only")

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        """One request for each message, one after the other."""
        run, fit = self.start_run(messages, now)

        async def hand_over(alone: SubBatch) -> bool:
            (message,) = alone.messages
            run.note({message.id: await self._hand_over(message)})
            return False

        await run.send((SubBatch([message]) for message in fit), hand_over)
        return run.in_order(messages)

    async def _hand_over(self, message: Message) -> SendResult:
        try:
            word, rest = await self._ask("/send", to=message.recipient, text=message.text)
        except ProviderError as error:
            return error
        if word == "ERROR" and rest.isdigit():
            return error_of(int(rest), self.reason("tiny", rest, ""))
        return Taken(rest) if word == "OK" and rest else Uncertain("the answer says nothing")

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        """Ask one after the other. Raises ProviderError."""
        reports = []
        for poll in polls:
            word, _ = await self._ask("/status", id=poll.provider_ref)
            if word in STATES:
                reports.append(StatusReport(poll.provider_ref, *STATES[word], word))
        return reports

    def parse_callback(self, callback: Callback) -> Sequence[News]:
        """Nobody calls back. Raises ValueError."""
        raise ValueError("there are no callbacks")

    async def balance(self) -> float | None:
        """Nobody tells."""
        return None

    async def _ask(self, path: str, **fields: str) -> tuple[str, str]:
        return await self.call(self._url + path, encode(key=self._key, **fields), FORM, decode)


KIND = ProviderKind(TinyOptions, without_callbacks(Tiny))
