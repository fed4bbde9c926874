"""A bridge that is attacked: `smppbridge serve` as a process, a heartbeat ESME on an account of its own, and
what the process costs meanwhile.

    async with attacked(tmp_path) as bridge:
        with crowd(bridge.smpp_port) as strangers:
            await strangers.connect(1000)
            await bridge.heart.beat()
        await bridge.is_well()
"""

import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import trustme
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.attack.heartbeat import Heartbeat, beating
from tests.support.bridge.running import PROGRAM, Served, config_text, serving
from tests.support.esme.esme import Esme, submit

USUAL_FILES = 1024  # soft limit of a login or a service, unless it says otherwise
MOST_MB = 200
LINES_PER_CAUSE = 10  # in a minute
ACCOUNTS = ("heart", "pbx", "other")  # each with the password "secret"
_PORTS = re.compile(r'"smpp_ports": "?\[([\d, ]+)\]')


class Attacked:
    """The bridge, its heartbeat, and what the process costs. ``directory``: its configuration and store."""

    def __init__(self, served: Served, heart: Heartbeat, directory: Path) -> None:
        self.served = served
        self.heart = heart
        self.directory = directory
        found = _PORTS.search(served.log)
        assert found is not None, served.log
        self.smpp_port, *others = map(int, found[1].split(","))
        self.tls_port = others[0] if others else 0
        self.web_port = served.web_port
        self.pid = served.process.pid
        self._since = time.monotonic()

    @property
    def rss(self) -> float:
        """MB of memory that the process has now."""
        return self._status("VmRSS")

    @property
    def peak_rss(self) -> float:
        """MB of memory that it had at most."""
        return self._status("VmHWM")

    @property
    def open_files(self) -> int:
        """How many descriptors it has."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    @property
    def cpu(self) -> float:
        """Seconds of CPU time that its main thread has used."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text().split()[0]) / 1e9

    @property
    def log_lines(self) -> Counter[str]:
        """Its log lines by cause: the fixed phrase of an event."""
        return Counter(line["message"] for line in map(json.loads, self.served.log.splitlines()))

    async def metric(self, name: str, **labels: str) -> float:
        """The value of one series, the sum of those that agree; 0 when there is none."""
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
            text = (await client.get(f"http://127.0.0.1:{self.web_port}/metrics")).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == f"smppbridge_{name}" and labels.items() <= sample.labels.items()
        )

    async def newcomer(self) -> None:
        """Who has an account gets in, submits, and has the receipt."""
        async with await Esme.bound(self.smpp_port, "other") as esme:
            await esme.submit(submit())
            assert (await esme.receipt()).short_message.startswith(b"id:")

    async def is_well(self, refusals: Collection[int] = ()) -> None:
        """The heartbeat was served (see `Heartbeat.is_well`), and neither memory nor log has filled."""
        await self.heart.is_well(refusals=refusals)
        lines = self.log_lines
        print(f"{self.peak_rss:.0f} MB at most; {lines}")
        assert self.peak_rss <= MOST_MB
        minutes = 1 + (time.monotonic() - self._since) // 60
        assert max(lines.values()) <= LINES_PER_CAUSE * minutes, lines

    def _status(self, key: str) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"{key}:\s+(\d+) kB", text)
        assert found is not None, text
        return int(found[1]) / 1024


@asynccontextmanager
async def attacked(
    directory: Path,
    sections: str = "",
    *,
    open_files: int = 0,
    tls: bool = False,
    program: Sequence[str] = PROGRAM,
) -> AsyncIterator[Attacked]:
    """Running until the block ends, its heartbeat bound when the block begins.

    ``sections``: YAML, in place of the sections of `bridge.running.DEFAULTS`; the accounts of ACCOUNTS are
    added to its own. ``open_files``: its limit of descriptors (0: the usual one, which it may raise).
    ``tls``: a second listener. ``program``: what is run in the place of `smppbridge`.
    """
    path = directory / "smppbridge.yaml"
    settings = yaml.safe_load(config_text(sections))
    for name in ACCOUNTS:
        settings["accounts"].setdefault(name, {"password": "secret"})
    if tls:
        settings["listen"].append({"host": "127.0.0.1", "port": 0, "tls": certificate(directory)})
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    async with (
        serving(path, "--log-format", "json", program=limited(open_files, program)) as served,
        beating(served.smpp_port, served.process.pid) as heart,
    ):
        yield Attacked(served, heart, directory)


def limited(open_files: int, program: Sequence[str] = PROGRAM) -> tuple[str, ...]:
    """The program under a limit of descriptors, whatever the limit of the tests is."""
    limit = f"ulimit -n {open_files}" if open_files else f"ulimit -S -n {USUAL_FILES}"
    return ("sh", "-c", f'{limit} && exec "$@"', "sh", *program)


def certificate(directory: Path) -> dict[str, str]:
    """Keys of a listener with TLS; its certificate is for localhost, by an authority that nobody knows."""
    server = trustme.CA().issue_cert("localhost")
    server.cert_chain_pems[0].write_to_path(directory / "server.pem")
    server.private_key_pem.write_to_path(directory / "server.key")
    return {"cert": "server.pem", "key": "server.key"}
