"""Fleets without an App."""

import asyncio

from smppbridge.flow.send.fleet import Fleet


async def stop_all(fleet: Fleet, grace: float) -> None:
    """Stop all dispatchers side by side."""
    await asyncio.gather(*(dispatcher.stop(grace) for dispatcher in fleet.values()))
