"""A message centre that runs as a process of its own, and talks to the test in lines of JSON.

The process gets its options as one JSON object in the command line: ``password`` (null: any), ``port``
(0: any), ``answer_delay``, ``receipt_delay``, ``stat``. It writes events, one object in a line:

- ``{"event": "listening", "port"}``
- ``{"event": "submitted", ...}`` with the fields of Submitted, octets in hex
- ``{"event": "receipted", "message_id", "status"}``
- ``{"event": "delivered", "token", "status"}``

It reads ``{"token", "source", "destination", "octets", "data_coding"}``: a message to deliver. It ends when
its standard input does.

Must not know: the program under test.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import asdict
from itertools import count
from typing import Any, Self

from tests.support.foreign.shape import PATIENCE, Conduct, Submitted, octets_of

MAX_LINE = 1_000_000  # octets: a message_payload of 64 KB in hex, and more


class ProcessCentre(ABC):
    """Runs while the `async with` lasts; a subclass says what is run. Leaving raises when it has failed."""

    def __init__(self, conduct: Conduct | None = None, *, password: str | None = None, port: int = 0) -> None:
        self.port = port
        self.submitted: list[Submitted] = []
        self.receipted: dict[str, int] = {}
        self.conduct = conduct or Conduct()
        self.password = password
        self._tokens = count(1)
        self._asked: dict[int, asyncio.Future[int]] = {}
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @abstractmethod
    async def command(self) -> tuple[Sequence[str], dict[str, str] | None]:
        """Program and its first arguments, and its environment (None: ours)."""

    async def __aenter__(self) -> Self:
        program, environment = await self.command()
        options = {**asdict(self.conduct), "password": self.password, "port": self.port}
        self._process = await asyncio.create_subprocess_exec(
            *program, json.dumps(options), stdin=PIPE, stdout=PIPE, env=environment, limit=MAX_LINE
        )
        try:
            async with asyncio.timeout(PATIENCE):
                self.port = (await self._line(self._process))["port"]
        except BaseException:
            await self._end(self._process)
            raise
        self._reading = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._process is not None
        assert self._reading is not None
        status = await self._end(self._process)
        await self._reading
        if status and error[0] is None:
            raise RuntimeError(f"the centre ended with {status}")

    async def deliver(self, source: str, destination: str, text: str) -> int:
        """Bring a message to an ESME, as soon as one is bound that can receive; the status that it answers.

        Raises TimeoutError when that takes longer than PATIENCE."""
        assert self._process is not None
        assert self._process.stdin is not None
        octets, data_coding = octets_of(text)
        order = {
            "token": (token := next(self._tokens)),
            "source": source,
            "destination": destination,
            "octets": octets.hex(),
            "data_coding": data_coding,
        }
        self._asked[token] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            return await self._asked[token]

    async def _read(self, process: Process) -> None:
        while True:
            try:
                event = await self._line(process)
            except EOFError:
                return
            match event.pop("event"):
                case "submitted":
                    self.submitted.append(_submitted(event))
                case "receipted":
                    self.receipted[event["message_id"]] = event["status"]
                case "delivered":
                    self._asked.pop(event["token"]).set_result(event["status"])

    async def _line(self, process: Process) -> dict[str, Any]:
        assert process.stdout is not None
        if not (line := await process.stdout.readline()):
            raise EOFError("the centre has ended")
        event: dict[str, Any] = json.loads(line)
        return event

    async def _end(self, process: Process) -> int:
        assert process.stdin is not None
        process.stdin.close()
        try:
            return await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            process.kill()
            return await process.wait()


def line_of(message: Submitted) -> dict[str, Any]:
    """A message as it is told in a line."""
    octets = {"short_message": message["short_message"].hex()}
    return {**message, **octets, "tlvs": {str(tag): value.hex() for tag, value in message["tlvs"].items()}}


def _submitted(event: dict[str, Any]) -> Submitted:
    return Submitted(
        sequence=event["sequence"],
        message_id=event["message_id"],
        source=event["source"],
        source_ton=event["source_ton"],
        source_npi=event["source_npi"],
        destination=event["destination"],
        destination_ton=event["destination_ton"],
        destination_npi=event["destination_npi"],
        esm_class=event["esm_class"],
        data_coding=event["data_coding"],
        registered_delivery=event["registered_delivery"],
        short_message=bytes.fromhex(event["short_message"]),
        tlvs={int(tag): bytes.fromhex(value) for tag, value in event["tlvs"].items()},
    )
