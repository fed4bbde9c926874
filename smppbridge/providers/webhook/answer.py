"""What an answer to a request of `kind: webhook` says: done, refused, or nothing that can be relied on.

A refusal needs a code that the operator listed, or an HTTP status that says by itself that nothing was done.
Whatever is neither success nor refusal is open.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from smppbridge.errors import ProviderError
from smppbridge.providers.webhook.codes import DEFAULT, LATER, PLAIN, ErrorRule, error_for, http_rule
from smppbridge.providers.webhook.extract import MAX_FOUND, Document, compile_path, first_word, walk
from smppbridge.providers.webhook.regex import MAX_MATCHED
from smppbridge.providers.webhook.request import BatchOptions, Condition, DeclaredRequest, Success


class DeclaredRefusal(NamedTuple):
    """Nothing was done, and why."""

    rule: ErrorRule
    code: str  # the provider's, else the HTTP status
    words: str
    listed: bool  # the operator's table holds the code

    def error(self, reason: str, attempt: int = 1) -> ProviderError:
        """The exception for it."""
        return error_for(self.rule, self.code, reason, attempt)

    @property
    def about_message(self) -> bool:
        """Whether one message of a request may be at fault, so that the others can go without it."""
        return self.rule.kind in ("perm", "duplicate")


class WebhookAnswer(NamedTuple):
    """An answer, or the part of it that belongs to one message."""

    status: int  # of HTTP
    document: Document
    location: str = ""  # see HttpAnswer

    def part(self, value: object) -> "WebhookAnswer":
        """The part that is ``value``."""
        return self._replace(document=self.document.part(value))


def has_status(success: Success, status: int) -> bool:
    """Whether the HTTP status is one of those wanted."""
    return status in success.status if success.status else 200 <= status < 300


def holds(success: Success, answer: WebhookAnswer) -> bool:
    """Whether an answer is what the operator calls a success; a body that cannot be read holds nothing."""
    try:
        return has_status(success, answer.status) and all(_met(one, answer.document) for one in success.when)
    except ValueError:
        return False


def _met(condition: Condition, document: Document) -> bool:
    words = condition.every(document)
    if condition.equals is not None:
        return any(word in condition.equals for word in words)
    if condition.pattern is not None:
        return bool(words) and condition.pattern.search(words[0][:MAX_MATCHED]) is not None
    return bool(words)


def done(request: DeclaredRequest, answer: WebhookAnswer, needed: str) -> bool:
    """Whether the request was carried out and its answer has what is ``needed``. Without a condition of the
    operator's, an answer with an error code is none."""
    if not needed or not holds(request.success, answer):
        return False
    return bool(request.success.when) or not first_word(request.error_code, answer.document)


def refusal(
    request: DeclaredRequest, answer: WebhookAnswer, errors: Mapping[str, ErrorRule], *, named: bool = False
) -> DeclaredRefusal | None:
    """What an answer that is no success says; None = it is open what became of the request.

    ``named``: it holds a valid id of the message. Then a code that is not listed may be a word for success,
    and ``default`` does not count.
    """
    if request.success.when and holds(request.success, answer):
        return None  # carried out, but without what was needed
    code = first_word(request.error_code, answer.document)
    words = first_word(request.error_text, answer.document)
    if code in errors and code:
        return DeclaredRefusal(errors[code], code, words, listed=True)
    rule = http_rule(answer.status)
    if code and DEFAULT in errors and not named and (200 <= answer.status < 300 or rule is PLAIN):
        rule = errors[DEFAULT]
    if not code and rule is PLAIN and request.error_code:
        rule = LATER  # the answer does not look like the provider's own
    if rule is None:
        return None
    return DeclaredRefusal(rule, code or str(answer.status), words, listed=not code)


def results_of(
    batch: BatchOptions, answer: WebhookAnswer, expected: Sequence[Callable[[str], str]]
) -> list[WebhookAnswer | None] | None:
    """The result of each message, by its fields ``expected``, in order; None inside: it has no certain one.

    None instead of a list: the answer holds no results at all, or more than any honest one.
    """
    try:
        nodes = walk(answer.document.json, compile_path(batch.results))
    except ValueError:
        return None
    if not nodes or not isinstance(nodes[0], list | dict) or len(nodes[0]) > MAX_FOUND:
        return None
    results = nodes[0]
    if batch.match is None:
        fits = isinstance(results, list) and len(results) == len(expected)
        return [answer.part(one) for one in results] if fits else [None] * len(expected)
    named = _by_name(batch, answer, results)
    return [named.get(batch.match.equals.render(lookup)) for lookup in expected]


def _by_name(
    batch: BatchOptions, answer: WebhookAnswer, results: list[object] | dict[str, object]
) -> dict[str, WebhookAnswer | None]:
    """Results by the value that they are matched with. A value that two results have belongs to neither
    message."""
    assert batch.match is not None
    named: dict[str, WebhookAnswer | None] = {}
    if batch.match.key:
        return {key: answer.part(one) for key, one in results.items()} if isinstance(results, dict) else {}
    for one in results.values() if isinstance(results, dict) else results:
        for name in batch.match.place.every(answer.document.part(one)):
            named[name] = None if name in named else answer.part(one)
    return named


def number_in(text: str) -> float | None:
    """A finite number; None for anything else."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
