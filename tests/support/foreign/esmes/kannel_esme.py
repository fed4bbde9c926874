"""An ESME that is Kannel: bearerbox with a bind for each account, and smsbox, which takes messages over HTTP.

It encodes by itself, and sends long texts in parts, of which it asks for a receipt of the first only. What it
saw comes back as its calls of dlr-url and get-url, and as lines of its log. A warning there is an error.
$KANNEL names the folder of its two programs.
"""

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

from tests.support.foreign.esmes.shape import (
    HOST,
    PASSWORD,
    SENDER,
    UCS2,
    VISIT_PATIENCE,
    WRONG,
    Diary,
    Errand,
    Order,
    Task,
    Visit,
    until,
    visits,
)
from tests.support.system.ports import reserved_ports

DELIVERED, TAKEN, REFUSED = 1, 8, 16  # what a call of dlr-url is about
GREETING = 0  # a call of get-url
ALL = DELIVERED | 2 | TAKEN | REFUSED  # 2: not delivered
STRANGER = "wrong-"  # before the name of a bind with a wrong password
# SMPP 3.4 §4.4.2 leaves message_id out of a submit_sm_resp that refuses; Kannel says so, and goes on.
WARNING = r"WARNING: SMPP: (?!PDU NULL terminated string \(message_id\)).*"
END_PATIENCE = 5.0  # seconds

CORE = """
group = core
admin-port = {admin}
admin-password = {password}
smsbox-port = {box}
box-allow-ip = 127.0.0.1
log-file = {log}
log-level = 0

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}
log-file = {log}.smsbox

group = sendsms-user
username = tester
password = {password}
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "http://127.0.0.1:{calls}/?account=%i&greeting=%b&coding=%c&phone=%p"
"""

BIND = """
group = smsc
smsc = smpp
smsc-id = {name}
allowed-smsc-id = {name}
host = 127.0.0.1
port = {port}
transceiver-mode = true
smsc-username = {account}
smsc-password = {password}
system-type = ""
interface-version = 34
source-addr-autodetect = true
dest-addr-ton = 1
dest-addr-npi = 1
"""


class Ports(NamedTuple):
    """Where Kannel listens: for its master, for smsbox, for messages; and where it calls."""

    admin: int
    box: int
    http: int
    calls: int


class Kannel:
    """It, while it runs."""

    def __init__(self, task: Task, ports: Ports, folder: Path) -> None:
        self._ports = ports
        self._folder = folder
        self._diaries = {order.account: Diary(order) for order in task.orders}
        self._busy = len(task.orders)  # accounts
        self._ended = False
        binds = [
            BIND.format(name=name, account=order.account, port=task.port, password=password)
            for order in task.orders
            for name, password in ((order.account, PASSWORD), (STRANGER + order.account, WRONG))
        ]
        core = CORE.format(**ports._asdict(), password=PASSWORD, log=folder / "log")
        (folder / "kannel.conf").write_text(core + "".join(binds), encoding="utf-8")

    async def run(self) -> None:
        """From its start until all accounts have what they wait for."""
        async with await asyncio.start_server(self._called, HOST, self._ports.calls):
            bearerbox = await self._start("bearerbox")
            smsbox: Process | None = None
            try:
                await self._open(self._ports.box)
                smsbox = await self._start("smsbox")
                await until(lambda: not self._busy)
                await self._get(self._ports.admin, "shutdown", password=PASSWORD)
                await asyncio.wait_for(bearerbox.wait(), END_PATIENCE)
            finally:
                for process in (bearerbox, smsbox):
                    await _end(process)
                self._ended = True

    async def go(self, port: int, order: Order) -> Visit:
        """What an account does."""
        diary = self._diaries[order.account]
        try:
            await self._submit_all(diary)
            await until(lambda: diary.complete)
        finally:
            self._busy -= 1
        await until(lambda: self._ended)
        (thread,) = set(re.findall(rf"\[(\d+)\] DEBUG: SMPP\[{re.escape(order.account)}\]", self._log()))
        diary.unbound = f" [{thread}] DEBUG:   type_name: unbind_resp\n" in self._log()
        if warning := re.search(WARNING, self._log()):
            raise ValueError(warning[0])
        return diary.visit()

    async def _submit_all(self, diary: Diary) -> None:
        name = re.escape(diary.order.account)
        words = rf"SMPP\[{STRANGER}{name}\]: SMSC rejected login.* code (0x\w+)"
        await until(lambda: re.search(words, self._log()))
        diary.refused = int(re.findall(words, self._log())[0], 16)
        await until(lambda: re.search(rf"SMPP\[{name}\]: throughput", self._log()))  # it is bound
        await self._open(self._ports.http)
        for message in ("short", "long", "lost"):
            await self._submit(diary.order.account, message, getattr(diary.order, message))

    async def _submit(self, account: str, name: str, errand: Errand) -> None:
        told = {"account": account, "name": "long0" if name == "long" else name}
        url = f"http://{HOST}:{self._ports.calls}/?{urlencode(told)}&type=%d&id=%F&reply=%A&phone=%p"
        coding = "2" if errand.data_coding == UCS2 else "0"
        await self._get(
            self._ports.http,
            "cgi-bin/sendsms",
            **{"username": "tester", "password": PASSWORD, "smsc": account, "from": SENDER, "to": errand.to},
            **{
                "text": errand.text,
                "charset": "UTF-8",
                "coding": coding,
                "dlr-mask": str(ALL),
                "dlr-url": url,
            },
        )

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A call of dlr-url."""
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode("ascii")
        query = {
            key: values[0] for key, values in parse_qs(urlsplit(target).query, encoding="latin-1").items()
        }
        diary = self._diaries[query["account"]]
        about = int(query.get("type", GREETING))
        if about == GREETING:
            data_coding = UCS2 if query["coding"] == "2" else 0
            diary.greeting(query["phone"].removeprefix("+"), query["greeting"].encode("latin-1"), data_coding)
        elif about == TAKEN:
            diary.answered(query["name"], 0, query["id"])
        elif about == REFUSED:  # NACK/0x00000045/Submit Failed
            diary.answered(query["name"], int(query["reply"].split("/")[1], 16))
        else:
            diary.receipt(query["phone"], query["reply"].encode("ascii"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    def _log(self) -> str:
        """What bearerbox has written."""
        log = self._folder / "log"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    async def _start(self, name: str) -> Process:
        program = Path(os.environ["KANNEL"]) / name
        return await asyncio.create_subprocess_exec(
            *(str(program), "-v", "4", str(self._folder / "kannel.conf")), stdin=DEVNULL, stdout=DEVNULL
        )

    async def _get(self, port: int, path: str, **query: str) -> None:
        """Raises OSError when it is not answered, or with an error."""
        url = f"http://{HOST}:{port}/{path}?{urlencode(query)}"
        await asyncio.to_thread(lambda: urlopen(url, timeout=VISIT_PATIENCE).close())

    async def _open(self, port: int) -> None:
        """As soon as somebody listens there."""
        while True:
            with suppress(ConnectionError):
                _, writer = await asyncio.open_connection(HOST, port)
                writer.close()
                return
            await asyncio.sleep(0.02)


async def _end(process: Process | None) -> None:
    if process is None or process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), END_PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _main(task: Task) -> None:
    with TemporaryDirectory() as folder, reserved_ports(len(Ports._fields)) as ports:
        kannel = Kannel(task, Ports(*ports), Path(folder))
        running = asyncio.create_task(kannel.run())
        await visits(task, kannel.go)
        await running


if __name__ == "__main__":
    asyncio.run(_main(Task.read(sys.argv[1])))
