"""Every exception of the project. Each class names the next action; this module imports nothing.

    SmppBridgeError
    ├ ConfigError            refuse to start; name the key
    ├ ProtocolError          the peer broke SMPP
    │ ├ FramingError         close the connection (after generic_nack)
    │ └ PduError             answer with a status, keep the session
    ├ LinkError
    │ ├ InvalidState         our own request does not fit the session's state
    │ ├ ResponseTimeout      the peer did not answer in time: it may have acted all the same
    │ └ ConnectionLost       the connection went away before the answer
    ├ Refused(status)        submit_sm_resp carries this command_status
    ├ ProviderError
    │ ├ Unavailable          nothing was taken: next provider at once; after the last, back off
    │ ├ Throttled(after)     slow down
    │ ├ Postponed(after)     this message later, the others go on
    │ ├ Rejected(code)       final for this message
    │ ├ Disabled             key, IP or money: pause the provider, alert
    │ └ Uncertain            may have been taken: never resend blindly
    ├ WrongSignature         a callback that the provider did not sign: answer 403
    └ StoreError             answer ESME_RSYSERR; never acknowledge what is not saved

Exceptions of libraries are translated to these once, in the file that calls the library.
"""


class SmppBridgeError(Exception):
    """Base of everything this project raises on purpose."""


class ConfigError(SmppBridgeError):
    """The configuration cannot be used. ``problems`` holds one line per mistake, each with its path."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ProtocolError(SmppBridgeError):
    """The peer sent something that SMPP 3.4 does not allow.

    ``status`` is the command_status of the answer, ``sequence_number`` and ``command_id`` are those of
    the offending PDU (0 where its header could not be read).
    """

    def __init__(self, status: int, reason: str, command_id: int = 0, sequence_number: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.command_id = command_id
        self.sequence_number = sequence_number


class FramingError(ProtocolError):
    """The limits of PDUs are lost: nothing after this point in the stream can be read."""


class PduError(ProtocolError):
    """One PDU is malformed; the next one can be read."""


class LinkError(SmppBridgeError):
    """A conversation over SMPP did not go on."""


class InvalidState(LinkError):
    """A request that may not be sent in this session state, or with a full window."""


class ResponseTimeout(LinkError):
    """No response within the response timer."""


class ConnectionLost(LinkError):
    """The connection ended before the response came."""


class Refused(SmppBridgeError):
    """A submit_sm that is not taken: ``status`` is the command_status of its response."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class ProviderError(SmppBridgeError):
    """A provider did not take a message.

    ``code`` is the provider's own error code as text ("" when it gave none). ``status`` is the
    command_status that an ESME would get if it waited for the provider (`mode: sync`).
    """

    def __init__(self, reason: str, *, code: str = "", status: int = 0x08) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.status = status


class Unavailable(ProviderError):
    """Nothing was taken; another provider, or this one later, may take the message."""


class Throttled(ProviderError):
    """Nothing was taken because we are too fast; ``after`` is the pause in seconds."""

    def __init__(self, reason: str, *, after: float, code: str = "", status: int = 0x58) -> None:
        super().__init__(reason, code=code, status=status)
        self.after = after


class Postponed(ProviderError):
    """Nothing was taken: this message may be tried again after ``after`` seconds, at the same provider."""

    def __init__(self, reason: str, *, after: float, code: str = "", status: int = 0x45) -> None:
        super().__init__(reason, code=code, status=status)
        self.after = after


class Rejected(ProviderError):
    """The provider refused this message for good; ``err`` (0-999) goes into its receipt."""

    def __init__(self, reason: str, *, code: str = "", status: int = 0x45, err: int = 0) -> None:
        super().__init__(reason, code=code, status=status)
        self.err = err


class Disabled(ProviderError):
    """The provider refuses us, not the message: key, address, account or money. ``pause`` is in seconds."""

    def __init__(self, reason: str, *, pause: float = 300.0, code: str = "", status: int = 0x08) -> None:
        super().__init__(reason, code=code, status=status)
        self.pause = pause


class Uncertain(ProviderError):
    """The request may have reached the provider and been carried out."""


class WrongSignature(SmppBridgeError):
    """A callback whose signature or password is wrong: somebody else than the provider may have sent it."""


class StoreError(SmppBridgeError):
    """The store could not save or read; nothing of the failed call has happened."""
