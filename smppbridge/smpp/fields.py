"""Wire types of mandatory parameters (SMPP 3.4 §3.1), and how a whole body is read and written.

1. A PDU class declares its body with `cstring`, `u1`, `octets` and `block`, in the order of the wire.
2. `Layout` compiles the declaration once. Reading is the hottest path of the program, so one step of the plan
   reads one C-Octet String and all integers up to the next.
3. Texts are Latin-1: every octet is a character, so nothing is lost and nothing can fail.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from smppbridge.errors import PduError
from smppbridge.smpp.constants import Status

HEADER_OCTETS = 16
MAX_SHORT_MESSAGE = 254  # octets (SMPP 3.4 §5.2.22); 255 are read, but not written

T = TypeVar("T")

_WIRE = "wire"  # key of the wire type in the metadata of a dataclass field
_ANY_LENGTH = 1 << 30


class CString(NamedTuple):
    """C-Octet String (SMPP 3.4 §3.1)."""

    limit: int  # octets with the NUL
    error: int  # command_status where there is no NUL within the limit
    omissible: bool = False  # may be missing; only for the last parameter of a body


class U1(NamedTuple):
    """Integer of one octet, as all integers among the mandatory parameters, except inside lists."""


class Block(NamedTuple):
    """A parameter that tells its own length. `read(raw, pos)` returns (value, next position)."""

    read: Callable[[bytes, int], tuple[Any, int]]
    write: Callable[[Any], bytes]


def cstring(limit: int, *, error: int = Status.ESME_RINVPARLEN, omissible: bool = False) -> str:
    """Declare a text of at most `limit` - 1 characters. The default is empty."""
    return dataclasses.field(default="", metadata={_WIRE: CString(limit, error, omissible)})


def secret(limit: int, *, error: int) -> str:
    """Declare a `cstring` that no repr and so no log shows."""
    return dataclasses.field(default="", repr=False, metadata={_WIRE: CString(limit, error)})


def u1() -> int:
    """Declare an integer from 0 to 255. The default is 0."""
    return dataclasses.field(default=0, metadata={_WIRE: U1()})


def octets() -> bytes:
    """Declare octets behind a length of one octet (sm_length and short_message). The default is empty."""
    return dataclasses.field(default=b"", metadata={_WIRE: Block(_read_octets, _write_octets)})


def block(read: Callable[[bytes, int], tuple[T, int]], write: Callable[[T], bytes], default: T) -> T:
    """Declare a parameter of another form, such as a list of addresses."""
    return dataclasses.field(default=default, metadata={_WIRE: Block(read, write)})


def read_cstring(raw: bytes, pos: int, limit: int, error: int) -> tuple[str, int]:
    """Read one C-Octet String: (text, position behind its NUL).

    Raises PduError: 0x02 where the PDU ends before the NUL, `error` where there is no NUL within `limit`.
    """
    end = raw.find(0, pos, pos + limit)
    if end < 0:
        raise _no_nul(raw, pos, limit, error)
    return raw[pos:end].decode("latin-1"), end + 1


def write_cstring(name: str, text: str, limit: int) -> bytes:
    """The text and its NUL. Raises ValueError, which names the parameter, when it does not fit."""
    if len(text) >= limit or "\0" in text:
        raise ValueError(f"{name}: at most {limit - 1} characters and no NUL, not {len(text)}")
    try:
        return text.encode("latin-1") + b"\0"
    except UnicodeEncodeError:
        raise ValueError(f"{name}: only Latin-1 characters fit") from None


def _no_nul(raw: bytes, pos: int, limit: int, error: int) -> PduError:
    if len(raw) - pos < limit:
        return PduError(Status.ESME_RINVCMDLEN, "mandatory parameters are cut off")
    return PduError(error, f"a text has no NUL within {limit} octets")


def _read_octets(raw: bytes, pos: int) -> tuple[bytes, int]:
    if pos >= len(raw):
        raise PduError(Status.ESME_RINVCMDLEN, "mandatory parameters are cut off")
    end = pos + 1 + raw[pos]
    if end > len(raw):
        raise PduError(Status.ESME_RINVMSGLEN, f"sm_length {raw[pos]}, but {len(raw) - pos - 1} octets left")
    return raw[pos + 1 : end], end


def _write_octets(value: bytes) -> bytes:
    if len(value) > MAX_SHORT_MESSAGE:
        raise ValueError(f"at most {MAX_SHORT_MESSAGE} octets, not {len(value)}")
    return bytes((len(value),)) + value


class Step(NamedTuple):
    """Part of a reading plan: at most one C-Octet String, then `ints` octets, then at most one block."""

    limit: int  # of the C-Octet String, 0 = none
    ints: int
    read: Callable[[bytes, int], tuple[Any, int]] | None
    string: CString


Plan = tuple[Step, ...]

_NO_STRING = CString(0, 0)


def read_body(plan: Plan, raw: bytes, values: list[Any]) -> int:
    """Append the mandatory parameters of the PDU `raw` to `values`; returns where the TLVs start.

    Raises PduError; `values` then holds the parameters before the damage.
    """
    text = raw.decode("latin-1")
    find = text.find
    pos = HEADER_OCTETS
    for limit, ints, read, string in plan:
        if limit:
            end = find("\0", pos, pos + limit)
            if end < 0:
                if string.omissible and pos == len(raw):
                    break  # it keeps its default
                raise _no_nul(raw, pos, limit, string.error)
            values.append(text[pos:end])
            pos = end + 1
        if ints:
            end = pos + ints
            values += raw[pos:end]
            pos = end
        if read is not None:
            value, pos = read(raw, pos)
            values.append(value)
    if pos > len(raw):
        raise PduError(Status.ESME_RINVCMDLEN, "mandatory parameters are cut off")
    return pos


class Layout:
    """The body of one PDU class: a plan that reads it, and a template that writes it at once."""

    def __init__(self, cls: type[Any]) -> None:
        self._types: dict[str, CString | U1 | Block] = {
            field.name: field.metadata[_WIRE] for field in dataclasses.fields(cls) if _WIRE in field.metadata
        }
        kinds = self._types.items()
        self._strings = tuple((name, kind.limit) for name, kind in kinds if isinstance(kind, CString))
        self._blocks = tuple((i, kind.write) for i, (_, kind) in enumerate(kinds) if isinstance(kind, Block))
        self._template = "".join([_TEMPLATES[type(kind)] for _, kind in kinds])
        self._get = attrgetter(*self._types) if self._types else None
        empty = cls()
        self._defaults = self._get(empty) if self._get is not None else None

    def plan(self, *, lenient: bool = False, limits: dict[str, int] | None = None) -> Plan:
        """The reading plan. `lenient`: texts have no limits. `limits`: other limits by name."""
        steps: list[Step] = []
        step = Step(0, 0, None, _NO_STRING)
        for name, kind in self._types.items():
            if isinstance(kind, CString):
                if step.limit or step.ints:
                    steps.append(step)
                limit = _ANY_LENGTH if lenient else (limits or {}).get(name, kind.limit)
                step = Step(limit, 0, None, kind)
            elif isinstance(kind, U1):
                step = step._replace(ints=step.ints + 1)
            else:
                steps.append(step._replace(read=kind.read))
                step = Step(0, 0, None, _NO_STRING)
        if step.limit or step.ints:
            steps.append(step)
        return tuple(steps)

    def is_default(self, pdu: object) -> bool:
        """Whether every mandatory parameter has its default value."""
        return self._get is None or self._get(pdu) == self._defaults

    def write(self, pdu: object) -> bytes:
        """The body of `pdu`. Raises ValueError, which names the parameter that does not fit."""
        if self._get is None:
            return b""
        for name, limit in self._strings:
            text = getattr(pdu, name)
            if len(text) >= limit or "\0" in text:
                raise ValueError(f"{name}: at most {limit - 1} characters and no NUL, not {len(text)}")
        try:
            values = self._get(pdu)
            if self._blocks:
                values = self._write_blocks(values)
            return (self._template % values).encode("latin-1")
        except (ValueError, OverflowError) as error:
            raise ValueError(self._blame(pdu)) from error

    def _write_blocks(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        parts = list(values)
        for index, write in self._blocks:
            parts[index] = write(parts[index]).decode("latin-1")
        return tuple(parts)

    def _blame(self, pdu: object) -> str:
        """Which parameter cannot be written, and why. It is used only after the fast way has failed."""
        for name, kind in self._types.items():
            value = getattr(pdu, name)
            try:
                if isinstance(kind, CString):
                    write_cstring(name, value, kind.limit)
                elif isinstance(kind, Block):
                    kind.write(value)
                else:
                    bytes((value,))
            except ValueError as error:
                return str(error) if isinstance(kind, CString) else f"{name}: {error}"
        return "a parameter does not fit"


# %c writes an integer as one character, which is one octet in Latin-1.
_TEMPLATES: dict[type[Any], str] = {CString: "%s\0", U1: "%c", Block: "%s"}
