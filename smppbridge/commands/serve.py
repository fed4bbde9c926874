"""`smppbridge serve`: run until SIGTERM or SIGINT, and reload the configuration at SIGHUP."""

import asyncio
import gc
import logging
import os
import resource
import signal
from pathlib import Path

from smppbridge import logs
from smppbridge.app import App
from smppbridge.config.loading import load
from smppbridge.config.sections import Config
from smppbridge.errors import ConfigError
from smppbridge.link.names import NameLoop
from smppbridge.logs import event

log = logging.getLogger(__name__)

OPEN_FILES = 8192  # what the limit is raised to, where the system lets us


def serve(path: Path, log_format: logs.Format | None) -> None:
    """Run the configuration of ``path`` until SIGTERM or SIGINT. Raises SmppBridgeError, OSError."""
    config = load(path)
    _set_up_logs(config, log_format)
    with asyncio.Runner(loop_factory=NameLoop) as runner:
        runner.run(_serve(config, path, log_format))


def _set_up_logs(config: Config, log_format: logs.Format | None) -> None:
    logs.setup(log_format or config.log.format, config.log.level, config.log.numbers == "masked")


async def _serve(config: Config, path: Path, log_format: logs.Format | None) -> None:
    _allow_connections()
    app = App(config)
    stopping = stop_on_signals()
    reload = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload.set)
    await app.start()
    gc.collect()
    gc.freeze()  # modules and settings stay for good: looking at them takes 15 ms of every full collection
    reloading = asyncio.get_running_loop().create_task(_reload(app, path, log_format, reload))
    await stopping.wait()
    reloading.cancel()
    event(log, logging.INFO, "stopping: a second signal stops at once")
    await app.stop()
    event(log, logging.INFO, "stopped")


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set.

    A second signal ends the process at once. Nothing is lost by that: what was acknowledged is on disk.
    """
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return stopping


def _allow_connections() -> None:
    """Raise the limit of open files: the usual 1024 are fewer than the connections that the bridge takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = open_files(soft, hard)
    if wanted != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_files(soft: int, hard: int) -> int:
    """What the limit of open files becomes at the start, from the limits that the process is given."""
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    return soft if soft == resource.RLIM_INFINITY else max(soft, wanted)


async def _reload(app: App, path: Path, log_format: logs.Format | None, asked: asyncio.Event) -> None:
    while True:
        await asked.wait()
        asked.clear()
        try:
            config = await asyncio.to_thread(load, path)
            app.reload(config)
        except ConfigError as error:
            for problem in error.problems:
                event(log, logging.ERROR, "configuration not reloaded, the old one stays", problem=problem)
        except Exception:  # the next file may be a good one
            log.exception("configuration not reloaded, the old one stays")
        else:
            _set_up_logs(config, log_format)
            event(log, logging.INFO, "configuration reloaded: accounts, routes, inbound rules, limits, log")
