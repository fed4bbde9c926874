"""What smspilot's error codes mean, in words for the person who reads the log or the story of a message."""

from ipaddress import ip_address

_OURS = "our request is wrong, please report this"

# {sender}: the sender of the message, {address}: ours as smspilot sees it.
MEANINGS: dict[int, str] = {
    -2: "smspilot refused the message without a reason",
    -1: "the message was not delivered",
    **dict.fromkeys((10, 11, 12, 13, 14, 230, 231, 240, 250, 270, 275, 500), _OURS),
    100: "the apikey is missing",
    101: "the apikey is malformed",
    102: "the apikey is not known at smspilot",
    103: "the apikey is not paid for",
    104: "the apikey is not activated",
    105: "the account is blocked at smspilot for its low balance",
    106: "the account is blocked at smspilot",
    107: "the account is blocked at smspilot until its data are confirmed",
    108: "the telephone number is missing",
    110: "something failed at smspilot",
    111: "the telephone number is invalid",
    112: "there is not enough money at smspilot",
    113: "requests from our address {address} are not allowed at smspilot",
    115: "sender {sender} is malformed",
    116: "sender {sender} is not allowed at smspilot",
    117: "the account is restricted at smspilot",
    118: "we are too fast for smspilot",
    122: "the account is blocked at smspilot for a while",
    200: "the sender is missing",
    201: "sender {sender} is malformed",
    204: "sender {sender} is not registered at smspilot",
    212: "the telephone number is in the black list of smspilot",
    213: "smspilot does not reach the operator of the telephone number",
    214: "the telephone number stands twice in one packet",
    215: "the telephone number is too long or too short",
    220: "the text is missing",
    221: "the text is too long",
    223: "the text looks like spam, and no template allows it",
    224: "sender {sender} may not send such texts",
    225: "the text may not go this way",
    226: "shared senders are switched off",
    227: "a survey without a template",
    241: "there is not enough money at smspilot",
    243: "the same text went to the same number a moment ago",
    247: "a filter of smspilot refused the text",
    248: "Cyrillic and Latin letters stand in one word of the text",
    260: "smspilot refuses the callback address: see web.public_url",
    300: "the message that we ask about is not named",
    301: "the message that we ask about is not known at smspilot",
    302: "the message that we ask about is not known at smspilot",
    303: "messages that we ask about are not known at smspilot",
    304: "the packet that we ask about is not known at smspilot",
    400: "the user is not known at smspilot",
    401: "login or password is wrong at smspilot",
    600: "the message expired",
    601: "the number is blocked, or takes no SMS",
    602: "smspilot does not reach the country or the operator",
    603: "the operator refused the message",
    604: "the message was cancelled, or cannot be delivered",
    605: "the subscriber takes no such messages",
}


def meaning_of(code: int, sender: str = "", address: str = "") -> str:
    """What ``code`` means. ``sender``: safe to be told; ``address``: as smspilot calls it, left out where it
    is none."""
    words = MEANINGS.get(code, "an error of smspilot that no list holds")
    return " ".join(words.format(sender=sender, address=_address(address)).split())


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""
