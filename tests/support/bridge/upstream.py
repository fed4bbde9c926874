"""A bridge whose one provider is an SMSC: the simulated one, or any other on a port of this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from smppbridge.app import App
from tests.simulators.smpp_centre.simulator import CentreSimulator
from tests.support.bridge.running import bridge, eventually, metric


def link(port: int, **keys: Any) -> dict[str, Any]:
    """A provider entry for the simulator at ``port``."""
    return {
        "kind": "smpp",
        "host": "127.0.0.1",
        "port": port,
        "system_id": "user",
        "password": "secret",
        "reconnect_max": 0.5,
        **keys,
    }


def sections(*entries: dict[str, Any], account: dict[str, Any] | None = None, **more: Any) -> str:
    """The configuration of a bridge with the providers link, link2, ... in one route."""
    names = ["link", *(f"link{number}" for number in range(2, len(entries) + 1))]
    return yaml.safe_dump(
        {
            "accounts": {"pbx": {"password": "secret", **(account or {})}},
            "providers": dict(zip(names, entries, strict=True)),
            "routes": [{"to": names}],
            **more,
        }
    )


@asynccontextmanager
async def linked(
    directory: Path,
    centre: CentreSimulator,
    *,
    account: dict[str, Any] | None = None,
    up: int = 1,
    more: dict[str, Any] | None = None,
    **keys: Any,
) -> AsyncIterator[App]:
    """A running bridge that is bound to ``centre``."""
    text = sections(link(centre.port, **keys), account=account, **(more or {}))
    async with bridge(directory, text) as app:
        await eventually(lambda: metric(app, "upstream_binds", provider="link") == up)
        yield app
