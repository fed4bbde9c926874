"""Who may use smspilot's simulator: keys, passwords, bans for flood, the facts about the user."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.simulators.smspilot.errors import Refusal
from tests.simulators.smspilot.rules import NUMBER_CHECKS, PRICES, Rules

NEVER = float("-inf")


class Account:
    """The one account of the simulator. ``clock`` tells the seconds of bans."""

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self.violations: list[str] = []  # what earned, or would earn, a ban
        self._rules = rules
        self._clock = clock
        self._last_poll = NEVER
        self._banned_until = NEVER

    def authorize(self, query: Mapping[str, Any]) -> None:
        """Raises Refusal unless the request carries the key, or e-mail and password, of a usable account."""
        if "apikey" not in query and ("login" in query or "password" in query):
            self._check_password(query.get("login"), query.get("password"))
        else:
            self._check_key(query.get("apikey"))
        if self._clock() < self._banned_until:
            raise Refusal(122)
        if self._rules.blocked:
            raise Refusal(self._rules.blocked)

    def _check_key(self, apikey: object) -> None:
        if not apikey:
            raise Refusal(100)
        if not isinstance(apikey, str) or not apikey.isalnum():
            raise Refusal(101)
        if apikey != self._rules.apikey:
            raise Refusal(102)

    def _check_password(self, login: object, password: object) -> None:
        if not login or not password:
            raise Refusal(401)
        if login != self._rules.login:
            raise Refusal(400)
        if password != self._rules.password:
            raise Refusal(401)

    def guard_flood(self) -> None:
        """A question about statuses comes (API-2 §2.2). Raises Refusal if the last one is too recent."""
        now = self._clock()
        if now - self._last_poll < self._rules.poll_interval:
            self.punish("asked too often")
            raise Refusal(122)
        self._last_poll = now

    def punish(self, what: str) -> None:
        """Ban the account."""
        self.violations.append(what)
        self._banned_until = self._clock() + self._rules.ban

    def balance(self, unit: object) -> float | int:
        """Roubles (`rur`, once misspelled `rus`), or about how many SMS they pay. Raises Refusal 14."""
        if unit == "sms":
            return int(self._rules.balance // PRICES[""])
        if unit not in ("rur", "rus"):
            raise Refusal(14)
        return round(float(self._rules.balance), 2)  # an int is a count of SMS

    def info(self, api: int) -> dict[str, str]:
        """The facts about the user, as API-1 (§9) or API-2 (§8) names them."""
        rules = self._rules
        senders = rules.senders or {rules.default_sender, "2WAY", "GOLOS", *NUMBER_CHECKS}
        facts = {
            "id": str(rules.user_id),
            "tariff_id": "1",
            "email": rules.login,
            "name": "Иванов Иван",
            "phone": "79000000000",
            "balance": f"{rules.balance:.2f}",
            "date" if api == 1 else "created": "2019-05-17 04:37:14",
            "default_sender": rules.default_sender,
        }
        if api == 2:
            facts["any_text"] = "2"
        return {**facts, "senders": ",".join(sorted(senders - {""}))}
