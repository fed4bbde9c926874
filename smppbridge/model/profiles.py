"""Profiles: defaults for the accounts of a known make of equipment (``accounts.<name>.profile``).

1. Keys of the account itself go before keys of its profile. In `receipt` that holds for each key.
2. A profile also repeats general defaults that its equipment depends on. So it stays right when a default
   changes.
3. "Tried" in the comments means: with the program itself. "Read" means: in its source.
"""

from collections.abc import Mapping

_FULL = ("id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text")

PROFILES: Mapping[str, Mapping[str, object]] = {
    # Sends true GSM 03.38 octets under data_coding 0 (seen on the wire). It asks for a receipt of the first
    # part of a long message only, and knows receipts by the id of that part. It warns at every TLV and every
    # command_status that SMPP 3.4 does not name.
    "kannel": {
        "default_encoding": "gsm",
        "status_codes": "standard",
        "receipt": {"parts": "each", "tlvs": "standard"},
    },
    # onlinecity/php-smpp reads receipts by one regular expression, before it answers them: another order,
    # no `sub` or `text:`, a word that has not 7 letters or an err that has not 2 or 3 digits is an exception,
    # and the receipt comes again and again. It sends ASCII under data_coding 0, which Latin-1 reads.
    "php-smpp": {
        "default_encoding": "latin-1",
        "receipt": {
            "fields": _FULL,
            "dates": "YYMMDDhhmm",
            "err_digits": 3,
            "words": "standard",
            "data_coding": 0,
        },
    },
    # Fails on TLVs that SMPP 3.4 does not name, unless it is told otherwise (tried). Its gsm module writes
    # GSM 03.38.
    "smpplib": {"default_encoding": "gsm", "receipt": {"tlvs": "standard"}},
    # Raises on a command_status that SMPP 3.4 does not name and binds again, cannot read dates with seconds
    # and an err with letters, takes esm_class 0x24 for no receipt. Its default alphabet is GSM 03.38 (tried).
    "aiosmpplib": {
        "default_encoding": "gsm",
        "status_codes": "standard",
        "receipt": {"fields": _FULL, "dates": "YYMMDDhhmm", "esm_class": 0x04},
    },
    # The Twisted one: raises on a command_status that SMPP 3.4 does not name, and on an esm_class 0x24. It
    # never acknowledges a receipt with vendor TLVs.
    "smpp.pdu": {"status_codes": "standard", "receipt": {"esm_class": 0x04, "tlvs": "standard"}},
    # Writes GSM 03.38 under data_coding 0, and under 1, which it calls ASCII.
    "node-smpp": {"default_encoding": "gsm", "encodings": {1: "gsm"}},
    # Knows an esm_class of exactly 0x04 only.
    "ruby-smpp": {"receipt": {"esm_class": 0x04}},
    # Reads no PDU with a command_status or a TLV that SMPP 3.4 does not name (read). Texts are octets to it.
    "libsmpp34": {"status_codes": "standard", "receipt": {"tlvs": "standard"}},
    # Reads receipts as ASCII, raises on a stat that Appendix B does not list, takes YYYYMMDDhhmm for another
    # date, and an esm_class 0x24 for no receipt. It waits 2 s for an answer by default (read).
    "jsmpp": {
        "mode": "queued",
        "receipt": {"dates": "YYMMDDhhmm", "words": "standard", "data_coding": 0, "esm_class": 0x04},
    },
    # Raises on a receipt without sub, dlvrd or a date, on a stat that Appendix B does not list, on an err of
    # more than 3 characters, and on dates as YYYYMMDDhhmm (read). Its charset library writes GSM 03.38.
    "cloudhopper": {
        "default_encoding": "gsm",
        "receipt": {"fields": _FULL, "dates": "YYMMDDhhmm", "err_digits": 3, "words": "standard"},
    },
    # linxGnu/gosmpp writes GSM 03.38 by default, and its strings as they are, in UTF-8, under data_coding 1,
    # which it calls ASCII (read).
    "gosmpp": {"default_encoding": "gsm", "encodings": {1: "utf-8"}},
    # fiorix/go-smpp writes its GSM7 texts under data_coding 0, and waits 1 s for an answer by default (read).
    "go-smpp": {"default_encoding": "gsm", "mode": "queued"},
    # Equipment made for SMPP 3.3 that binds with a later interface_version: no TLVs, ids of at most 8
    # hexadecimal characters, and no status codes of our own (SMPP 3.4 §2.4).
    "smpp3.3": {
        "message_id": "hex",
        "message_id_length": 8,
        "status_codes": "standard",
        "receipt": {"tlvs": False},
    },
    # Set up for smpp.sms-assistent.by (API v1 §5.3): Latin-1 and UCS-2, its status codes, receipts without
    # `text:` and with REJECTED in place of REJECTD, on the clocks of Minsk.
    "sms-assistent": {
        "default_encoding": "latin-1",
        "status_codes": "sms-assistent",
        "receipt": {"fields": _FULL[:-1], "words": "sms-assistent", "time_zone": "Europe/Minsk"},
    },
    # PBXs and scripts that hand their own strings over as they are: UTF-8 under data_coding 0, and under
    # those that stand for other alphabets of one octet.
    "utf-8": {"default_encoding": "utf-8", "encodings": {1: "utf-8", 3: "utf-8"}},
    # Windows programs (accounting, door control) that write the code page of their system in the same way.
    "cp1251": {"default_encoding": "cp1251", "encodings": {1: "cp1251", 3: "cp1251"}},
}
"""The keys of each profile, by its name."""


def fill_in(values: Mapping[str, object]) -> dict[str, object]:
    """The keys of an account, completed by those of its profile. An unknown profile adds nothing."""
    name = values.get("profile")
    known = PROFILES.get(name, {}) if isinstance(name, str) else {}
    filled = {**known, **values}
    theirs, own = known.get("receipt"), values.get("receipt")
    if isinstance(theirs, Mapping) and isinstance(own, Mapping):
        filled["receipt"] = {**theirs, **own}
    return filled
