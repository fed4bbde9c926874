"""An event loop that looks up host names in threads of their own.

A resolver that does not answer holds a thread for up to half a minute, and nothing can end it. On the threads
of asyncio (`loop.run_in_executor`) a few such names would hold up everything else that runs there: queries of
the store, the hashes of passwords, the names of other hosts, and the end of the process.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any

Address = tuple[Any, Any, int, str, Any]  # (family, type, protocol, canonical name, socket address)
_Question = tuple[Any, ...]


class NameLoop(asyncio.SelectorEventLoop):
    """Questions for the same name share a thread for as long as it has no answer: there are never more such
    threads than names in the configuration."""

    def __init__(self) -> None:
        super().__init__()
        self._questions: dict[_Question, asyncio.Future[list[Address]]] = {}

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Address]:
        """See `socket.getaddrinfo`. Raises OSError."""
        question = (host, port, family, type, proto, flags)
        answer = self._questions.get(question)
        if answer is None:
            answer = self._questions[question] = self.create_future()
            answer.add_done_callback(lambda _: self._questions.pop(question))
            # A daemon: the end of the process does not wait for it.
            threading.Thread(target=self._ask, args=(question, answer), name="names", daemon=True).start()
        return await asyncio.shield(answer)

    def _ask(self, question: _Question, answer: "asyncio.Future[list[Address]]") -> None:
        """In the thread."""
        try:
            found = socket.getaddrinfo(*question)
        except Exception as error:
            self._tell(_fail, answer, error)
        else:
            self._tell(_succeed, answer, found)

    def _tell(self, *call: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.call_soon_threadsafe(*call)


def _succeed(answer: "asyncio.Future[list[Address]]", found: list[Address]) -> None:
    if not answer.done():
        answer.set_result(found)


def _fail(answer: "asyncio.Future[list[Address]]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # whoever asked may have given up
