"""What looks wrong in the text of a submit_sm."""

from smppbridge.model.account import Account
from smppbridge.smpp.concat import read_header
from smppbridge.smpp.constants import EsmClass
from smppbridge.smpp.gsm import LANGUAGES, unpack_septets
from smppbridge.smpp.hints import Hint, hints
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.submission.content import is_gsm, octets_of


def hints_for(account: Account, submit: SubmitSm) -> tuple[Hint, ...]:
    """What looks wrong in the text of ``submit``, read as its account says."""
    octets = octets_of(submit)
    udhi = bool(submit.esm_class & EsmClass.UDHI)
    if account.septets == "packed" and is_gsm(account, submit.data_coding):
        header = read_header(octets) if udhi else None
        size = len(header.octets) if header is not None else 0
        octets = octets[:size] + unpack_septets(octets[size:], size)
    own = account.encodings.get(submit.data_coding)
    language = LANGUAGES[account.gsm_language] if account.gsm_language else 0
    return hints(
        octets,
        submit.data_coding,
        account.default_encoding,
        udhi=udhi,
        own=own,
        single=language,
    )
