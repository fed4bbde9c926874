"""What every HTTP provider lets the operator set.

A provider's own options model adds its credentials and narrows the defaults.
"""

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from smppbridge.errors import Refused
from smppbridge.model.duration import Duration, PositiveDuration
from smppbridge.providers.base import Limits
from smppbridge.smpp.constants import Status

SPARE_CONNECTIONS = 2  # a status or balance question does not wait behind messages
EARLY = (10.0, 30.0)  # seconds: most messages arrive within moments


class ProviderOptions(BaseModel):
    """Base of all providers' options. Unknown keys are mistakes; no value is quoted: it may be a key."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    if TYPE_CHECKING:  # as a field it would come first wherever keys are listed
        kind: str  # each provider narrows it to a Literal of its own name

    def warnings(self, *, callbacks: bool) -> list[str]:
        """What `smppbridge check` should say about settings that work but are unwise: one line each.

        ``callbacks`` is true when the provider can reach us, that is with `web.public_url`.
        """
        return []

    def credential(self) -> str:
        """The secret shared with the provider, from which its callback token is derived; "" = none."""
        return ""

    def login_key(self) -> str:
        """Which account at the provider this entry uses; "" = its own. Entries of a kind with the same one
        share its limits. May be a secret."""
        return ""

    def sender_problem(self, sender: str) -> str:
        """Why the provider never takes this sender; "" if it may. ``sender``: without a +."""
        return ""

    def connections(self) -> int:
        """How many connections it may hold at once: so many descriptors are kept free for it."""
        return 8

    def sells(self) -> frozenset[str]:
        """The service_types besides SMS that messages may ask for here: keys of model.services.SERVICES."""
        return frozenset()

    def calls_back(self) -> bool:
        """Whether the provider calls us where it knows our address."""
        return True

    def callback_query(self) -> str:
        """What the callback address must end with when it is entered at the provider, with its "?"."""
        return ""


class FlashPolicy(ProviderOptions):
    """The key of providers that cannot show a text at once, or not always."""

    flash_unsupported: Literal["send_normal", "reject"] = "send_normal"
    """A flash text that cannot be sent as one: send_normal (an ordinary SMS) or reject (0x45)."""

    def check_flash(self, flash: bool) -> None:
        """Raise Refused (0x4A3) for a flash text that is not to go as an ordinary one. Called only where the
        provider cannot send it as flash."""
        if flash and self.flash_unsupported == "reject":
            raise Refused(Status.ESME_RINVENCODING, "the provider cannot send flash messages")


def base_url(url: str) -> str:
    """The base to which paths are appended. Credentials have their own keys: addresses are logged.

    Raises ValueError for anything else than a plain http:// or https:// address.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be an address without user, query and fragment")
    if parts.port == 0:
        raise ValueError("must not use port 0")
    return url.rstrip("/")


class HttpOptions(ProviderOptions):
    """Keys that all HTTP providers share (interface: "every HTTP provider also takes")."""

    url: str
    """Address of the API, to which paths are appended."""
    timeout: PositiveDuration = Field(default=30.0, le=600)
    """For one whole request."""
    parallel: int = Field(default=4, ge=1, le=256)
    """Requests at once."""
    rate: float = Field(default=0.0, ge=0)
    """Messages per second; 0: no limit."""
    batch: int = Field(default=200, ge=1, le=1000)
    """Messages in one request."""
    batch_wait: Duration = 0.0
    """How long to wait for a batch to fill."""
    poll_first: Duration = 300.0
    """From sending a message to the first question about its status."""
    poll_interval: Duration = 300.0
    """Between two questions about the status of a message; 0: never ask."""
    inbound_interval: Duration = 300.0
    """Between two questions for messages from phones, where `inbound` rules exist; 0: never ask."""
    default_sender: str = ""
    """Sender of messages without one; without it, the one that is set at the provider."""
    schedule: Literal["local", "provider"] = "local"
    """Who keeps a message until its schedule_delivery_time: local (the bridge) or provider."""
    low_balance: float = Field(default=0.0, ge=0)
    """Below this balance the log says so; 0: never."""
    low_balance_action: Literal["alert", "next"] = "alert"
    """Below `low_balance`: alert only, or next (messages go to the next provider of their route)."""
    balance_interval: Duration = 600.0
    """Between two looks at the balance; 0: never."""

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return base_url(url)

    def set_or(self, key: str, fallback: float) -> float:
        """The value of a duration key if the operator set it, else ``fallback``."""
        return float(getattr(self, key)) if key in self.model_fields_set else fallback

    @property
    def early_questions(self) -> tuple[float, ...]:
        """`Limits.poll_early` of a provider that may be asked for statuses soon after it took a message. None
        where the operator says when to begin."""
        return () if "poll_first" in self.model_fields_set else EARLY

    def connections(self) -> int:
        """Requests at once, and those that do not wait behind messages."""
        return self.parallel + SPARE_CONNECTIONS

    def limits(self, **own: Any) -> Limits:
        """The rules of conduct that the operator set, with those of the provider itself."""
        return Limits(
            **{
                "batch": self.batch,
                "parallel": self.parallel,
                "rate": self.rate,
                "batch_wait": self.batch_wait,
                "poll_first": self.poll_first,
                "poll_interval": self.poll_interval,
                "inbound_interval": self.inbound_interval,
                "balance_interval": self.balance_interval,
                "low_balance": self.low_balance,
                "leave_when_low": self.low_balance_action == "next",
                **own,
            }
        )
