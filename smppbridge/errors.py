"""Every exception of the project. The class of an error names the next action.

    SmppBridgeError
    ├ ConfigError            refuse to start; name the key
    ├ ProtocolError          the peer broke SMPP
    │ ├ FramingError         answer with generic_nack, close the connection
    │ └ PduError             answer with a status, keep the session
    ├ LinkError
    │ ├ InvalidState         our own request does not fit the session's state
    │ ├ ResponseTimeout      the peer did not answer in time: it may have acted all the same
    │ └ ConnectionLost       the connection went away before the answer
    ├ Refused(status)        submit_sm_resp carries this command_status
    ├ ProviderError
    │ ├ Unavailable          nothing was taken: next provider at once; after the last, back off
    │ ├ Throttled(after)     slow down
    │ ├ Postponed(after)     try this message later; the others go on
    │ ├ Rejected(code)       final for this message
    │ ├ Disabled             key, IP or money: pause the provider, alert
    │ └ Uncertain            may have been taken: ask before resending
    ├ WrongSignature         a callback that the provider did not sign: answer 403
    └ StoreError             answer ESME_RSYSERR; never acknowledge what is not saved

The file that calls a library turns the library's exceptions into these. This module imports nothing.
"""

UNFIT = "unfit"  # `ProviderError.code` of a message that its provider was not even asked to take
UNREADABLE = "unreadable"  # `ProviderError.code` of an answer of the provider that makes no sense


class SmppBridgeError(Exception):
    """Base of every exception that this project raises on purpose."""


class ConfigError(SmppBridgeError):
    """The configuration cannot be used. ``problems``: a line for each mistake, with the key's path."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ProtocolError(SmppBridgeError):
    """The peer sent something that SMPP 3.4 does not allow.

    ``status``: the command_status of the answer. ``sequence_number`` and ``command_id``: those of the wrong
    PDU, 0 where its header could not be read.
    """

    def __init__(self, status: int, reason: str, command_id: int = 0, sequence_number: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.command_id = command_id
        self.sequence_number = sequence_number


class FramingError(ProtocolError):
    """Where the next PDU begins is unknown: nothing after this point of the stream can be read."""


class PduError(ProtocolError):
    """One PDU is malformed. The PDU after it can be read."""


class LinkError(SmppBridgeError):
    """A request of ours over SMPP has no answer, or cannot be sent."""


class InvalidState(LinkError):
    """The request may not be sent in this state of the session, or its window is full."""


class ResponseTimeout(LinkError):
    """No response came within the response timer. The peer may have acted all the same."""


class ConnectionLost(LinkError):
    """The connection ended before the response came."""


class Refused(SmppBridgeError):
    """A submit_sm is not taken. ``status``: the command_status of its response."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class ProviderError(SmppBridgeError):
    """A provider did not take a message.

    ``code``: the provider's own error code as text, "" when it gave none; or `UNFIT`, `UNREADABLE`.
    ``status``: the command_status for an ESME that waits for the provider (`mode: sync`).
    ``about_message``: the provider said it of this message, not of the request or of us, so it says little
    about other messages.
    """

    about_message = False

    def __init__(self, reason: str, *, code: str = "", status: int = 0x08) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.status = status


class Unavailable(ProviderError):
    """Nothing was taken. Another provider may take the message, or the same provider later."""


class Throttled(ProviderError):
    """Nothing was taken, because we are too fast. ``after``: the pause in seconds."""

    def __init__(self, reason: str, *, after: float, code: str = "", status: int = 0x58) -> None:
        super().__init__(reason, code=code, status=status)
        self.after = after


class Postponed(ProviderError):
    """Nothing was taken. The same provider may take this message after ``after`` seconds."""

    def __init__(self, reason: str, *, after: float, code: str = "", status: int = 0x45) -> None:
        super().__init__(reason, code=code, status=status)
        self.after = after


class Rejected(ProviderError):
    """The provider refused this message for good. ``err``: the err of its receipt, 0 to 999."""

    def __init__(self, reason: str, *, code: str = "", status: int = 0x45, err: int = 0) -> None:
        super().__init__(reason, code=code, status=status)
        self.err = err


class Disabled(ProviderError):
    """The provider refuses us, not the message: key, IP address, account or money. ``pause``: in seconds."""

    def __init__(self, reason: str, *, pause: float = 300.0, code: str = "", status: int = 0x08) -> None:
        super().__init__(reason, code=code, status=status)
        self.pause = pause


class Uncertain(ProviderError):
    """The request may have reached the provider, which may have taken the message."""


class WrongSignature(SmppBridgeError):
    """The signature or password of a callback is wrong: somebody else than the provider may have sent it."""


class StoreError(SmppBridgeError):
    """The store could not save or read. Nothing of the failed call has happened."""
