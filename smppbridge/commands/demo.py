"""`smppbridge demo`: the bridge with the sandbox provider, and an ESME that shows it working.

It needs no configuration, and its store lies in a temporary directory.
"""

import asyncio
import contextlib
import errno
import socket
import tempfile
from importlib import resources
from pathlib import Path

from smppbridge import logs
from smppbridge.app import App
from smppbridge.commands.send import SendOptions, print_event, send
from smppbridge.commands.serve import stop_on_signals
from smppbridge.config.loading import load
from smppbridge.config.sections import Config, Listener, WebConfig

_MESSAGES = (
    ("ALARM", "375291234567", "Door 3 opened, alarm set"),
    ("ALARM", "375297654321", "Дверь 3 открыта, сигнализация включена"),
)
_RECEIPT_WAIT = 30.0
_SYSTEM_ID = _PASSWORD = "demo"


def demo(once: bool) -> None:
    """Run the demonstration until the receipts came (``once``), or until Ctrl-C. Raises SmppBridgeError."""
    logs.setup("text", "warning")
    asyncio.run(_demo(once))


async def _demo(once: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="smppbridge-demo-") as directory:
        config = _config(Path(directory))
        app = App(config)
        stopping = stop_on_signals()
        await app.start()
        try:
            await _show(config, app)
            if not once:
                await _serve_on(config, app, stopping)
        finally:
            await app.stop()


async def _show(config: Config, app: App) -> None:
    print(f"smppbridge is running: SMPP on 127.0.0.1:{app.smpp_ports[0]}, provider: sandbox", flush=True)
    for source, destination, text in _MESSAGES:
        print(f'\nsubmit_sm from {source} to {destination}: "{text}"', flush=True)
        options = SendOptions(
            host=config.listen[0].host,
            port=app.smpp_ports[0],
            system_id=_SYSTEM_ID,
            password=_PASSWORD,
            source=source,
            destination=destination,
            text=text,
            wait=_RECEIPT_WAIT,
        )
        await send(options, print_event)
        if not text.isascii():
            print(
                "(text: is empty, as receipts of this account are ASCII. With `receipt: {data_coding: 8}`"
                " they are UCS-2 and show this text, too.)",
                flush=True,
            )


async def _serve_on(config: Config, app: App, stopping: asyncio.Event) -> None:
    web = f"http://{config.web.host}:{app.web_port}"
    print(
        f"\nBoth receipts came back. Still serving:\n"
        f"  SMPP     {config.listen[0].host}:{app.smpp_ports[0]}"
        f"  system_id {_SYSTEM_ID}  password {_PASSWORD}\n"
        f"  metrics  {web}/metrics\n"
        f"  ready    {web}/readyz\n"
        f"Stop with Ctrl-C.",
        flush=True,
    )
    await stopping.wait()


def _config(directory: Path) -> Config:
    """The demo configuration with its store in ``directory``. Ports that are busy give way to free ones."""
    config = load(demo_file())
    listener = config.listen[0]
    port = _port(listener.host, listener.port)
    web_port = _port(config.web.host, config.web.port)
    return config.model_copy(
        update={
            "listen": (Listener(host=listener.host, port=port),),
            "web": WebConfig(host=config.web.host, port=web_port),
            "store": config.store.model_copy(update={"url": f"sqlite:///{directory / 'demo.db'}"}),
        }
    )


def demo_file() -> Path:
    """config/demo.yaml of the checkout, or its copy inside the installed package."""
    packaged = Path(str(resources.files("smppbridge"))) / "examples" / "demo.yaml"
    return packaged if packaged.exists() else packaged.parents[2] / "config" / "demo.yaml"


def _port(host: str, wanted: int) -> int:
    """``wanted`` where it is free, else 0: the system then chooses a free one."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return 0
            raise
    return wanted
