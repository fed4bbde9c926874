"""What the operator sets of an sms-assistent.by account, and which senders it takes."""

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from smppbridge.model.duration import Duration
from smppbridge.providers.options import FlashPolicy, HttpOptions
from smppbridge.providers.sms_assistent.addresses import OwnAddresses, addresses

PLAIN_ADVISED = 20  # PLAIN messages a minute; more may be slowed down to this, or blocked (§2)

_SENDER = re.compile(r"[A-Za-z0-9_%#@!*().;?'&<>+=:-]{1,11}")  # §1.1
_NUMBER = re.compile(r"\+?[0-9]+")
# Cyrillic letters that a screen shows like Latin ones: the manual itself prints the name CMC with them.
_LOOK_LATIN = re.compile("[АВЕЅІЈКМНОРСТУХаеѕіјорсух]")


class SmsAssistentOptions(FlashPolicy, HttpOptions):
    """`providers.<name>` with `kind: sms-assistent`."""

    kind: Literal["sms-assistent"]
    """sms-assistent.by by its HTTP APIs."""
    login: str = Field(min_length=1)
    """The login."""
    password: SecretStr = Field(min_length=1)
    """The password of the login."""
    url: str = "https://userarea.sms-assistent.by"
    """Address of the API, or the whole address of one of its calls: the others lie beside it."""
    urls: OwnAddresses = OwnAddresses()
    """Whole addresses of single calls, where they do not follow from `url`."""
    api: Literal["json", "xml", "plain"] = "json"
    """How bulk is sent: packages in JSON or XML, or single messages in PLAIN."""
    rejected_as: Literal["UNDELIV", "REJECTD"] = "UNDELIV"
    """What their word Rejected means, which they explain as "not delivered"."""
    plain_per_minute: int = Field(default=PLAIN_ADVISED, ge=0, le=6000)
    """Messages with a priority_flag a minute that go one by one, the quickest way."""
    batch: int = Field(default=100, ge=1, le=1000)
    """Messages in one package."""
    batch_wait: Duration = 0.2
    """How long to wait for a package to fill; they want bulk in packages."""
    poll_first: Duration = 60.0
    """From sending a message to the first question about its status."""
    poll_interval: Duration = 240.0
    """Between two questions about the status of a message; 0: never ask."""

    @field_validator("default_sender")
    @classmethod
    def _usable_sender(cls, sender: str) -> str:
        problem = sender_problem(sender)
        if problem:
            raise ValueError(problem)
        return sender

    def sender_problem(self, sender: str) -> str:
        """See `sender_problem` of this module."""
        return sender_problem(sender)

    def login_key(self) -> str:
        """The login. Entries may use different addresses of one host."""
        return f"{urlsplit(self.url).netloc} {self.login}"

    def calls_back(self) -> bool:
        """This API has no callbacks."""
        return False

    def warnings(self, *, callbacks: bool) -> list[str]:
        """An address that is probably not meant, bulk in single requests, and statuses that are never asked
        for: this API has no callbacks."""
        found = []
        json = addresses(self.url, self.urls).json
        if json.count("/api/v") > 1:
            found.append(f"url: messages go to {json}; write the address of a call as the manual prints it")
        if self.api == "plain":
            found.append(
                "api: sms-assistent blocks accounts that send bulk in PLAIN, or slows them down to"
                f" {PLAIN_ADVISED} messages a minute; use json or xml"
            )
        elif self.plain_per_minute > PLAIN_ADVISED:
            found.append(
                f"plain_per_minute: sms-assistent may block more than {PLAIN_ADVISED} PLAIN messages a minute"
            )
        if self.api != "plain" and self.batch_wait == 0:
            found.append(
                "batch_wait: is 0, so packages carry single messages; sms-assistent may move such accounts to"
                " its slow routes"
            )
        if self.poll_interval == 0:
            found.append(
                "poll_interval: is 0 and sms-assistent calls nobody, so no status will ever be known"
            )
        return found


@lru_cache(maxsize=4096)
def sender_problem(sender: str) -> str:
    """Why sms-assistent would not take this sender (§1.1, and §8 on numbers); "" if it may be used."""
    if not sender:
        return ""  # the account's default
    if _LOOK_LATIN.search(sender):
        return "sender has Cyrillic letters that look like Latin ones: write it in Latin letters"
    if _NUMBER.fullmatch(sender):
        return "sender must not be a number"
    if not _SENDER.fullmatch(sender):
        return "sender must be 1 to 11 of A-Z a-z 0-9 _ % # @ ! * ( ) - . ; ? ' & < > + = :"
    return ""
