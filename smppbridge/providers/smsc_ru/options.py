"""`providers.<name>` with `kind: smsc`."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from smppbridge.model.duration import Duration
from smppbridge.model.services import SERVICES
from smppbridge.model.settings import Currency, Secret, Text, mistake
from smppbridge.providers.options import HttpOptions, base_url
from smppbridge.providers.smsc_ru.order import Wishes, sender_problem

DEFAULT_URL = "https://smsc.ru"
DEFAULT_BACKUP_URLS = ("https://www2.smsc.ru",)
# smsc.ru refuses 15 requests at once under one login, of its own clients and everybody else's together; some
# of its pages say 5
MAX_PARALLEL = 4
STATUS_GAP = 60.0  # seconds between two questions about several messages
STATUS_BATCH = 50  # messages in one
BALANCE_GAP = 6.0  # seconds: ten questions a minute

_VOICE = re.compile(r"(?:[mw][2-4]?)(?:,[a-z]{2})?")
_PARAM = re.compile(r"([0-9]{1,2}),([0-9]{1,4}),([0-9])")
_FILE = re.compile(r"https?://[!-~]{1,900}")
_BOT = re.compile(r"@[A-Za-z0-9_]{3,40}")


def _few(value: object) -> object:
    if isinstance(value, int) and value > MAX_PARALLEL:
        raise mistake(
            f"must be at most {MAX_PARALLEL}: smsc.ru counts the requests of everybody who uses the login"
            " and refuses them all when they are too many"
        )
    return value


def _one(value: object) -> object:
    if isinstance(value, int) and value > 1:
        raise mistake("must be 1: messages of one request to smsc.ru share one id and one verdict")
    return value


class SmscRuOptions(HttpOptions):
    """Options of one smsc.ru account: ``login`` and ``password``, or ``apikey``."""

    kind: Literal["smsc"]
    """smsc.ru by its HTTP API."""
    login: Text = ""
    """The login, with `password`."""
    password: Secret | None = None
    """The password of the login."""
    apikey: Secret | None = None
    """Instead of `login` and `password`: the key of the account."""
    url: str = DEFAULT_URL
    """Address of the API."""
    backup_urls: tuple[str, ...] | None = Field(default=None, max_length=8)
    """Addresses to use while `url` cannot be reached; without it, smsc.ru's own."""
    api: Literal["form", "rest"] = "form"
    """Which API: form (/sys/send.php) or rest (/rest/send/)."""
    format: Literal["json", "xml", "numbers", "text"] = "json"
    """How smsc.ru answers. Only json tells operators and countries."""
    currency: Currency = "RUB"
    """Currency of the account, for prices: answers do not name it."""
    callback_secret: Secret | None = None
    """The word entered at smsc.ru that signs callbacks; without it, they are not checked."""
    callback_signature: Literal["md5", "sha1", "crc32"] = "md5"
    """How callbacks are signed."""
    parallel: Annotated[int, BeforeValidator(_few)] = Field(default=MAX_PARALLEL, ge=1, le=MAX_PARALLEL)
    """Requests at once. smsc.ru counts those of everybody who uses the login."""
    batch: Annotated[int, BeforeValidator(_one)] = Field(default=1, ge=1, le=1)
    """Messages in one request: always 1, as they would share one id."""
    find_first: Duration = 60.0
    """From a lost answer to the question what became of its message."""
    find_interval: Duration = 60.0
    """Between two such questions; 0: never, the account's `uncertain` decides."""
    service_texts: Literal["escape", "reject", "pass"] = "escape"
    """Texts that smsc.ru would read commands out of: escape (prefixes and comments go out harmless) or reject
    (0x01). Menus, buttons and files in the texts of services are refused unless it is pass."""
    translit: Literal[0, 1, 2] = 0
    """Whether smsc.ru writes texts in Latin letters: 0 no, 1 as translit, 2 as mpaHc/Ium."""
    tinyurl: bool = False
    """true: links become short ones of smsc.ru."""
    maxsms: int = Field(default=0, ge=0, le=255)
    """Parts after which smsc.ru cuts a text; 0: never."""
    voice: str = ""
    """Of CALL: m, m2, m3, m4, w, w2, w3 or w4, with a language if need be: "w2,en"."""
    param: str = ""
    """Of CALL: seconds until it rings off, seconds until the next try, tries; such as "25,14,8"."""
    fileurl: str = ""
    """Of CALL: the http(s):// address of a recording that is played behind the text."""
    bot: str = ""
    """Of BOT: the name of the bot, such as @name_bot."""
    mail_sender: str = ""
    """Of MAIL: the e-mail address of the sender."""
    mail_subject: str = Field(default="", max_length=100)
    """Of MAIL: the subject; without it, the first line of the text."""

    @field_validator("backup_urls")
    @classmethod
    def _backup_bases(cls, urls: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if urls is None else tuple(map(base_url, urls))

    @field_validator("default_sender")
    @classmethod
    def _usable_sender(cls, sender: str) -> str:
        problem = sender_problem(sender)
        if problem:
            raise mistake(problem)
        return sender

    @field_validator("voice")
    @classmethod
    def _known_voice(cls, voice: str) -> str:
        if voice and not _VOICE.fullmatch(voice):
            raise mistake('must be m, m2, m3, m4, w, w2, w3 or w4, with a language if need be: "w2,en"')
        return voice

    @field_validator("param")
    @classmethod
    def _call_param(cls, param: str) -> str:
        """What smsc.ru would silently replace by its defaults is a mistake here."""
        given = _PARAM.fullmatch(param)
        if param and (given is None or int(given[2]) > 3600):
            raise mistake('must be "wait,interval,tries": 10-35 s, 10-3600 s, 1-9')
        return param

    @field_validator("fileurl")
    @classmethod
    def _recording(cls, address: str) -> str:
        if address and not _FILE.fullmatch(address):
            raise mistake("must be an http:// or https:// address")
        return address

    @field_validator("bot")
    @classmethod
    def _bot_name(cls, bot: str) -> str:
        if bot and not _BOT.fullmatch(bot):
            raise mistake("must be the name of a bot, such as @name_bot")
        return bot

    @field_validator("mail_sender")
    @classmethod
    def _mail_address(cls, address: str) -> str:
        pattern = SERVICES["MAIL"].address
        if address and (pattern is None or not pattern.fullmatch(address)):
            raise mistake("must be an e-mail address")
        return address

    @model_validator(mode="before")
    @classmethod
    def _rest_is_json(cls, values: object) -> object:
        if (
            isinstance(values, Mapping)
            and values.get("api") == "rest"
            and values.get("format", "json") != "json"
        ):
            raise mistake("format: /rest/send/ answers in JSON only; leave format out, or use api: form")
        return values

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        by_login = (bool(self.login), self.password is not None)
        if any(by_login) == (self.apikey is not None) or (any(by_login) and not all(by_login)):
            raise mistake("needs either login and password, or apikey")
        return self

    @property
    def bases(self) -> tuple[str, ...]:
        """Where requests go. The next address is used only when the one before cannot be reached."""
        backups = self.backup_urls
        if backups is None:
            backups = DEFAULT_BACKUP_URLS if self.url == DEFAULT_URL else ()
        return (self.url, *(url for url in backups if url != self.url))

    @property
    def wishes(self) -> Wishes:
        """What is set about messages."""
        return Wishes(**{name: getattr(self, name) for name in Wishes._fields})

    @property
    def rights(self) -> dict[str, str]:
        """The parameters that say who asks."""
        if self.apikey is not None:
            return {"apikey": self.apikey.get_secret_value()}
        return {"login": self.login, "psw": self.password.get_secret_value() if self.password else ""}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be told."""
        kept = (self.password, self.apikey, self.callback_secret)
        return tuple(secret.get_secret_value() for secret in kept if secret is not None)

    def credential(self) -> str:
        """The key or the password."""
        secret = self.apikey or self.password
        return secret.get_secret_value() if secret else ""

    def sender_problem(self, sender: str) -> str:
        """See `sender_problem` of `order`."""
        return sender_problem(sender)

    def login_key(self) -> str:
        """The login, or the key where there is no login."""
        return f"{self.url} {self.login or self.credential()}"

    def sells(self) -> frozenset[str]:
        """Everything but what needs a setting that is not there."""
        return self.wishes.services

    def callback_query(self) -> str:
        """smsc.ru writes callbacks in windows-1251 and does not sign them unless their address says so."""
        return f"?charset=utf-8&{self.callback_signature}"

    def warnings(self, *, callbacks: bool) -> list[str]:
        """Callbacks that anybody could write, and questions that smsc.ru refuses or that cannot keep up."""
        found = []
        if callbacks and self.callback_secret is None:
            found.append(
                "callback_secret: is not set, so whoever learns the callback address can forge statuses"
            )
        for name in ("poll_first", "poll_interval"):
            if 0 < getattr(self, name) < STATUS_GAP:
                found.append(f"{name}: smsc.ru answers one status question in {STATUS_GAP:.0f}s")
        if 0 < self.balance_interval < BALANCE_GAP:
            found.append("balance_interval: smsc.ru answers at most 10 questions for the balance in a minute")
        if self.format == "numbers":
            found.append(
                "format: in numbers it is not certain what a number check (HLR) has found; it is left out,"
                " and error 9 (too many requests at once, or a message repeated within a minute) is always"
                " taken for the latter"
            )
        if callbacks and self.callback_secret is not None and self.callback_signature == "crc32":
            found.append(
                "callback_signature: whoever has seen a few crc32 can forge statuses; use md5 or sha1"
            )
        if not callbacks and self.poll_interval == 0:
            found.append("poll_interval: is 0 and web.public_url is not set, so no status will ever be known")
        elif not callbacks:
            found.append(
                f"without web.public_url at most {STATUS_BATCH} statuses come every {STATUS_GAP:.0f}s;"
                " messages beyond that rate end as UNKNOWN"
            )
        return found
