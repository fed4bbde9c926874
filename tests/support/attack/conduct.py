"""A server of any kind that does what a test says with each connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

Conduct = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Badly(NamedTuple):
    """Where it listens, and when it was called."""

    port: int
    calls: list[float]


@asynccontextmanager
async def conducting(conduct: Conduct) -> AsyncIterator[Badly]:
    """Running until the block ends. A connection ends when ``conduct`` returns."""
    calls: list[float] = []
    tasks: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        calls.append(asyncio.get_running_loop().time())
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await conduct(reader, writer)
        writer.transport.abort()
        tasks.discard(task)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield Badly(server.sockets[0].getsockname()[1], calls)
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await server.wait_closed()
