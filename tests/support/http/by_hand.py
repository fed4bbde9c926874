"""Running a simulator by hand."""

import asyncio
import contextlib
from typing import Any, Protocol


class HttpSimulator(Protocol):
    """What listens while its context is entered."""

    @property
    def url(self) -> str: ...
    async def __aenter__(self) -> Any: ...
    async def __aexit__(self, *exc: object) -> None: ...


def serve_by_hand(simulator: HttpSimulator) -> None:
    """Say where it listens, and serve until Ctrl-C."""

    async def serve() -> None:
        async with simulator:
            print(f"listening on {simulator.url}", flush=True)
            await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())
