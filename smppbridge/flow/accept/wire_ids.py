"""The message_id that equipment gets for a message: decimal, hexadecimal or a UUID, as long as it can take.

1. Our own ids have up to 19 digits, are in order of time, and never come again.
2. Short ids are for equipment that takes no more: `message_id_length`, or the 8 characters of
   interface_version 3.3. They are counted by the store and reserved in ranges. The count goes on after a
   restart, and begins anew at its end.
"""

import asyncio
import logging
from collections import deque
from uuid import uuid4

from smppbridge.errors import Refused, StoreError
from smppbridge.logs import Complaints
from smppbridge.model.account import ID_LENGTHS, Account
from smppbridge.smpp.constants import Status
from smppbridge.store.base import Accepting

log = logging.getLogger(__name__)

_BASES = {"decimal": 10, "hex": 16}
_AT_ONCE = 10_000  # numbers of one reservation; the next one begins when half of them are used


class WireIds:
    """Makes message_ids for all accounts."""

    def __init__(self, store: Accepting) -> None:
        self._store = store
        self._numbers: deque[int] = deque()
        self._reserving: asyncio.Task[None] | None = None
        self._complain = Complaints(log)
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        """Reserve short ids, so that the first message of an old client need not wait for them."""
        await self._reserve()

    def next(self, account: Account, message_id: int, takes_tlvs: bool) -> str:
        """What the message ``message_id`` (ours) is called towards the equipment; ``takes_tlvs``: whether its
        session speaks SMPP 3.4. Raises Refused (0x58) while short ids are being reserved."""
        if not takes_tlvs:  # interface_version 3.3: 8 characters, hexadecimal
            return f"{self._number():08X}"
        form, length = account.message_id, account.message_id_length
        if form == "uuid":
            return str(uuid4())
        if length is not None and length < ID_LENGTHS[form]:
            message_id = 1 + (self._number() - 1) % (_BASES[form] ** length - 1)
        if form == "decimal":
            return str(message_id)
        return f"{message_id:X}" if account.message_id_upper else f"{message_id:x}"

    def _number(self) -> int:
        if len(self._numbers) < _AT_ONCE // 2 and self._reserving is None:
            self._reserving = self._loop.create_task(self._reserve())
        if not self._numbers:
            raise Refused(Status.ESME_RTHROTTLED, "short ids are being reserved; try again")
        return self._numbers.popleft()

    async def _reserve(self) -> None:
        try:
            first = await self._store.take_short_ids(_AT_ONCE)
            self._numbers.extend(range(first, first + _AT_ONCE))
        except StoreError as error:
            self._complain(self._loop.time(), "cannot reserve short ids", "", error=str(error))
        finally:
            self._reserving = None
