"""`smppbridge explain`: what would become of a message, or of every PDU in octets or in a capture, and why.

Sends nothing, stores nothing, opens no socket and no database. Must not know: how the bridge decides; it asks
the bridge's own code.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smppbridge.commands.explain.capture.files import CaptureError, read_frames
from smppbridge.commands.explain.capture.packets import segment_of
from smppbridge.commands.explain.capture.streams import Streams
from smppbridge.commands.explain.found import Found, Remark, pdus_of
from smppbridge.commands.explain.parameters import Told, command_name
from smppbridge.commands.explain.printing import as_json, as_text, visible
from smppbridge.commands.explain.report import Teller
from smppbridge.commands.explain.writing import choose_coding, nobody, write_text
from smppbridge.config.sections import Config
from smppbridge.errors import ProtocolError, SmppBridgeError
from smppbridge.model.account import Account
from smppbridge.smpp.codec import HEADER, encode
from smppbridge.smpp.constants import RESPONSE_BIT, Status, Tag, status_name
from smppbridge.smpp.fields import HEADER_OCTETS, MAX_SHORT_MESSAGE
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.tlv import tlv

Sources = Iterator[Found | Remark]
Emit = Callable[[str], None]

MAX_KINDS = 500  # of PDUs that are counted apart
_OTHERS = ("other", "")


@dataclass(frozen=True, slots=True)
class Way:
    """How to tell. ``account``: whose messages they are, None = by the bind; ``limit``: PDUs that are told
    about, 0 = all."""

    account: str | None = None
    limit: int = 100
    json: bool = False


async def explain(
    config: Config, source: Sources, way: Way, emit: Emit = print, warn: Emit | None = None
) -> None:
    """Tell about everything in ``source``. ``warn`` gets what is not part of the result (default: stderr).

    Raises CaptureError for a capture that cannot be read, after telling about what came before.
    """
    printer = _Printer(way, emit, warn or _to_stderr)
    teller = Teller(config, way.account)
    trouble: SmppBridgeError | None = None
    try:
        for one in source:
            if isinstance(one, Remark):
                printer.remark(one)
            elif printer.count(one):
                printer.show(one, await teller.tell(one, time.time_ns() // 1_000_000))
    except CaptureError as error:
        trouble = error
    for remark in teller.end():
        printer.remark(remark)
    printer.summary()
    if trouble is not None:
        raise trouble


# --- sources -----------------------------------------------------------------------------------------


def from_octets(octets: bytes) -> Sources:
    """The PDUs of a run of octets."""
    return pdus_of(octets)


def from_capture(path: Path, port: int | None) -> Sources:
    """The PDUs of a capture file. Raises CaptureError, OSError."""
    streams = Streams(port)
    noted: set[str] = set()
    with path.open("rb") as file:
        trouble: CaptureError | None = None
        try:
            for frame in read_frames(file):
                segment = segment_of(frame.link_type, frame.octets)
                if isinstance(segment, str):
                    if segment not in noted:
                        noted.add(segment)
                        yield Remark(segment)
                elif segment is not None:
                    yield from streams.feed(segment, frame.at)
        except CaptureError as error:
            trouble = error
    yield from streams.end()
    if trouble is not None:
        raise trouble
    if not streams.smpp:
        yield Remark("there is no SMPP in this capture" + ("" if port is None else f" on port {port}"))


@dataclass(frozen=True, slots=True)
class Fields:
    """A submit_sm as a person names it, written as the equipment of ``account`` would (None: of one with
    default settings). ``data_coding`` None: one that the account reads the text in."""

    to: str
    source: str = ""
    text: str | None = None
    octets: bytes = b""
    data_coding: int | None = None
    account: Account | None = None
    others: dict[str, Any] | None = None  # further parameters of submit_sm by name

    def submit(self) -> SubmitSm:
        """The submit_sm. Raises ValueError for what it cannot hold."""
        octets, data_coding = self.octets, self.data_coding or 0
        if self.text is not None:
            account = self.account or nobody()
            if self.data_coding is None:
                data_coding = choose_coding(account, self.text)
            octets = write_text(account, self.text, data_coding)
        long = len(octets) > MAX_SHORT_MESSAGE
        return SubmitSm(
            source_addr=self.source,
            destination_addr=self.to,
            data_coding=data_coding,
            short_message=b"" if long else octets,
            tlvs=(tlv(Tag.MESSAGE_PAYLOAD, octets),) if long else (),
            sequence_number=1,
            **(self.others or {}),
        )


def from_fields(fields: Fields) -> Sources:
    """One submit_sm. Raises ValueError for what it cannot hold."""
    submit = fields.submit()
    return iter([Found(submit, encode(submit), "")])


# --- printing ----------------------------------------------------------------------------------------


class _Printer:
    """Prints PDUs up to the limit, and counts them all."""

    def __init__(self, way: Way, emit: Emit, warn: Emit) -> None:
        self._way = way
        self._emit = emit
        self._warn = warn
        self._seen = 0
        self._warned: set[str] = set()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._remarks = 0

    def count(self, found: Found) -> bool:
        """Note a PDU; whether it is to be shown."""
        self._seen += 1
        kind = _kind(found)
        self._counts[kind if kind in self._counts or len(self._counts) < MAX_KINDS else _OTHERS] += 1
        return not self._way.limit or self._seen <= self._way.limit

    def show(self, found: Found, told: Told) -> None:
        """Print one PDU."""
        warning = told.get("warning")
        if isinstance(warning, str) and warning not in self._warned:
            self._warned.add(warning)
            self._warn(f"warning: {visible(warning)}")
        if self._way.json:
            self._emit(as_json({"kind": "pdu", "number": self._seen, "command": _kind(found)[0], **told}))
        else:
            self._emit(as_text(f"{self._seen}. {_kind(found)[0]}", told))

    def remark(self, remark: Remark) -> None:
        """Print something about the source."""
        self._remarks += 1
        if self._way.limit and self._remarks > self._way.limit:
            return
        if self._way.json:
            place = {"place": remark.place} if remark.place else {}
            self._emit(as_json({"kind": "remark", **place, "remark": remark.text}))
        else:
            place_text = f"{remark.place}: " if remark.place else ""
            self._emit(f"-- {visible(place_text + remark.text)}\n")

    def summary(self) -> None:
        """Print what there was, where it is more than one PDU."""
        if self._seen < 2:
            return
        shown = min(self._seen, self._way.limit or self._seen)
        counts = sorted(self._counts.items())
        if self._way.json:
            rows = [{"command": name, "status": state, "count": count} for (name, state), count in counts]
            self._emit(as_json({"kind": "summary", "pdus": self._seen, "shown": shown, "counts": rows}))
            return
        more = "; --limit shows more" if shown < self._seen else ""
        self._emit(f"{self._seen} PDUs, {shown} of them shown{more}")
        for (name, state), count in counts:
            self._emit(f"{count:8} {name}{f' {state}' if state else ''}")


def _kind(found: Found) -> tuple[str, str]:
    """Name of a command, and in a response its status; what is wrong with a malformed one."""
    _, command_id, command_status, _ = HEADER.unpack_from(found.raw.ljust(HEADER_OCTETS, b"\0"))
    name = command_name(command_id)
    if isinstance(found.item, ProtocolError):
        return name, f"malformed: {status_name(found.item.status)}"
    if not command_id & RESPONSE_BIT:
        return name, ""
    known = command_status in Status._value2member_map_
    return name, status_name(command_status) if known else f"0x{command_status:08X}"


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)
