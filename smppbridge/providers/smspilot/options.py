"""What an operator sets for smspilot."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from smppbridge.model.duration import Duration
from smppbridge.model.settings import Secret, mistake
from smppbridge.providers.options import FlashPolicy, HttpOptions
from smppbridge.providers.smspilot.api1 import Format
from smppbridge.providers.smspilot.sales import SERVICE_SENDERS, SERVICES, sender_problem

POLL_BATCH = 500  # server_ids in one status question
POLL_ADVISED, POLL_BANNED = 300.0, 120.0  # seconds between status questions (API-2 §2.2, flood)
CALLBACK_FIELDS = ("message", "sender", "sender_orig", "created", "modified", "country", "operator")


_HOST = "smspilot.ru"


class SmspilotOptions(FlashPolicy, HttpOptions):
    """`providers.<name>` with `kind: smspilot`."""

    kind: Literal["smspilot"]
    """smspilot.ru by its HTTP APIs."""
    apikey: SecretStr = Field(min_length=1)
    """The key of the account."""
    url: str = "https://smspilot.ru"
    """Address of the API."""
    api: Literal["api2-json", "api2-xml", "api1"] = "api2-json"
    """Which API: API-2 in JSON or XML, or API-1."""
    format: Format = "json"
    """How API-1 answers; a key of `api: api1` only."""
    callback_method: Literal["get", "post"] = "post"
    """How smspilot calls back."""
    callback_fields: str = ""
    """What callbacks tell besides: all, or some of
    message,sender,sender_orig,created,modified,country,operator."""
    callback_user: str = ""
    """User of HTTP Basic that callbacks must bring along, with `callback_password`."""
    callback_password: Secret | None = Field(default=None, validate_default=True)
    """Password of HTTP Basic that callbacks must bring along."""
    find_first: Duration = 60.0
    """From a lost answer to the question what became of its messages."""
    find_interval: Duration = 300.0
    """Between two such questions; 0: never, the account's `uncertain` decides."""
    test: bool = False
    """true: smspilot's emulator; nothing is delivered, statuses are made up."""

    @field_validator("format")
    @classmethod
    def _format_of_api1(cls, format: Format, info: ValidationInfo) -> Format:
        if info.data.get("api", "api1") != "api1":
            raise mistake('is a key of "api: api1" only: API-2 answers as it was asked')
        return format

    @field_validator("default_sender")
    @classmethod
    def _usable_sender(cls, sender: str) -> str:
        problem = sender_problem(sender)
        if problem:
            raise ValueError(problem)
        return sender

    @field_validator("callback_fields")
    @classmethod
    def _known_fields(cls, fields: str) -> str:
        if fields and fields != "all" and not set(CALLBACK_FIELDS).issuperset(fields.split(",")):
            raise mistake(f"must be all, or some of {','.join(CALLBACK_FIELDS)}")
        return fields

    @field_validator("callback_user")
    @classmethod
    def _user_without_colon(cls, user: str) -> str:
        if ":" in user or not user.isprintable():
            raise mistake("must be printable and without a colon")
        return user

    @field_validator("callback_password")
    @classmethod
    def _both_or_none(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "callback_user" in info.data and bool(info.data["callback_user"]) != (password is not None):
            raise mistake("callback_user and callback_password belong together")
        return password

    def credential(self) -> str:
        """The key."""
        return self.apikey.get_secret_value()

    def sender_problem(self, sender: str) -> str:
        """See `sender_problem` of `sales`. Names of services are senders of accounts that may use these."""
        return "" if sender.upper() in SERVICE_SENDERS else sender_problem(sender)

    def login_key(self) -> str:
        """The key belongs to one account."""
        return f"{self.url} {self.credential()}"

    def sells(self) -> frozenset[str]:
        """Number checks, calls, and SMS that may be answered."""
        return SERVICES

    def status_gap(self, interval: float) -> float:
        """Seconds between two status questions of the account, whatever they are about, where each message is
        asked about every ``interval`` seconds (0 = never). smspilot itself is not asked so often that it bans
        us; a list that is asked for needs room for its second page."""
        gap = interval or POLL_ADVISED
        host = urlsplit(self.url).hostname or ""
        if host != _HOST and not host.endswith(f".{_HOST}"):
            return gap
        return max(gap, 2 * POLL_BANNED if self.find_interval else POLL_BANNED)

    def callback_query(self) -> str:
        """The additional fields that callbacks are to carry (API-2 §2.1)."""
        return f"?fields={self.callback_fields}" if self.callback_fields else ""

    def warnings(self, *, callbacks: bool) -> list[str]:
        """A test, and polling that smspilot advises against, punishes, or that cannot keep up."""
        found = []
        if self.test:
            found.append("test: nothing is delivered, smspilot only makes up statuses")
        if 0 < self.poll_interval < POLL_BANNED:
            found.append(
                f"poll_interval: smspilot bans accounts that ask more often than every {POLL_BANNED:.0f}s"
            )
        elif 0 < self.poll_interval < POLL_ADVISED:
            found.append(f"poll_interval: smspilot advises at least {POLL_ADVISED:.0f}s")
        if callbacks:
            return found
        if self.poll_interval == 0:
            found.append("poll_interval: is 0 and web.public_url is not set, so no status will ever be known")
        else:
            at_once = "1 status comes" if self.format == "v" else f"{POLL_BATCH} statuses come"
            found.append(
                f"without web.public_url at most {at_once} every {self.status_gap(self.poll_interval):.0f}s;"
                " messages beyond that rate end as UNKNOWN"
            )
        return found
