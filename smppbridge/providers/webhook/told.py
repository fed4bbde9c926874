"""`told` of `kind: webhook`: where an answer or a callback tells what a message cost, and the like."""

from collections.abc import Iterator, Mapping

from smppbridge.model.message import UNTOLD, Particulars
from smppbridge.model.settings import Settings
from smppbridge.providers.error_table import OPERATOR, details_of
from smppbridge.providers.http.lenient import counted, integer, millionths
from smppbridge.providers.webhook.extract import Document, Extract, Extracts, first_word


class ToldPlaces(Settings):
    """Places of what a provider may tell of a message besides its id and its state."""

    price: Extracts = ()
    """What the message cost."""
    currency: Extracts = ()
    """The currency of the price."""
    parts: Extracts = ()
    """How many SMS the provider counts."""
    operator: Extracts = ()
    """The operator of the phone."""
    country: Extracts = ()
    """The country of the phone."""
    mccmnc: Extracts = ()
    """The codes of its country and network."""
    sender: Extracts = ()
    """The sender that the phone shows."""

    def places(self) -> Iterator[Extract]:
        """All of them."""
        for name in type(self).model_fields:
            yield from getattr(self, name)

    def read(self, document: Document, currency: str) -> Particulars:
        """What a document tells. ``currency``: of prices that come without one."""
        words = {name: word for name in type(self).model_fields if (word := self._word(name, document))}
        return particulars(words, currency) if words else UNTOLD

    def _word(self, name: str, document: Document) -> str:
        places: tuple[Extract, ...] = getattr(self, name)
        return first_word(places, document) if places else ""


def particulars(words: Mapping[str, str], currency: str) -> Particulars:
    """What these words say; what makes no sense is left out."""
    price = millionths(words.get("price"))
    named = words.get("currency", "").upper()
    usable = named.isascii() and named.isalpha() and len(named) == 3
    return Particulars(
        price,
        (named if usable else currency) if price else "",
        counted(integer(words.get("parts"))),
        details_of(words, OPERATOR),
        words.get("sender", "").removeprefix("+"),
    )
