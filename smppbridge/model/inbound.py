"""Rules for messages from phones: which accounts get them, by service number, keyword and provider."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from smppbridge.model.route import as_list, distinct
from smppbridge.model.settings import Settings, Text, mistake

_ONE_OR_MORE = BeforeValidator(as_list)
_TEXTS = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
)


def _keyword(value: str) -> str:
    if not value.strip() or value.split() != [value]:
        raise mistake("must be one word, such as STOP")
    return value.casefold()


def _number(value: str) -> str:
    value = value.removeprefix("+")
    if not value:
        raise mistake("must be the service number or name, such as 79021234567")
    return value


class InboundRule(Settings):
    """One entry of ``inbound``. A key that is left out matches everything."""

    provider: Annotated[tuple[str, ...], Field(min_length=1), _ONE_OR_MORE, _TEXTS] = ()
    """A provider or a list of them; without it, every provider."""
    number: Annotated[
        tuple[Annotated[Text, AfterValidator(_number)], ...], Field(min_length=1), _ONE_OR_MORE, _TEXTS
    ] = ()
    """Service number that the phone wrote to, or a list; without it, every number."""
    keyword: Annotated[
        tuple[Annotated[Text, AfterValidator(_keyword)], ...], Field(min_length=1), _ONE_OR_MORE, _TEXTS
    ] = ()
    """First word of the text in any case, or a list; without it, every text."""
    to: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(distinct), _ONE_OR_MORE, _TEXTS]
    """Accounts; each of them gets the message."""

    def matches(self, providers: Sequence[str], number: str, text: str) -> bool:
        """Whether this rule matches a message from a phone. ``providers``: those that heard of it, entries of
        one account; ``number``: the service number it was sent to."""
        word = text.split(maxsplit=1)[0].casefold() if text.strip() else ""
        return (
            (not self.provider or not set(self.provider).isdisjoint(providers))
            and (not self.number or number in self.number)
            and (not self.keyword or word in self.keyword)
        )


def owners(rules: Sequence[InboundRule], providers: Sequence[str], number: str, text: str) -> tuple[str, ...]:
    """The accounts of the first rule that matches. Empty when none matches."""
    return next((rule.to for rule in rules if rule.matches(providers, number, text)), ())
