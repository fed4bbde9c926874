"""The rows that travel between the flow, the store and the providers, and the two words for "where is it".

NamedTuples, because their order is the order of the columns: a batch goes into and out of SQL without
conversion. Must not know: SQL, sockets, providers. All times are integer milliseconds since 1970, UTC.
"""

from enum import IntEnum
from typing import NamedTuple

from smppbridge.smpp.constants import MessageState

ROUTE_SEPARATOR = ","


class Stage(IntEnum):
    """Where a message is inside the bridge (ours)."""

    COLLECTING = 0  # a part of a long message: until all are there, or for good beside the one that goes on
    WAITING = 1  # until due_at: scheduled, or backing off
    QUEUED = 2  # a free request slot of `provider` may claim it
    SENDING = 3  # claimed: the provider may see it at any moment
    UNCERTAIN = 4  # the provider may or may not have it
    SENT = 5  # the provider has it, provider_ref is known
    FINAL = 6  # `state` will not change any more


State = MessageState
"""Where a message is for the world (SMPP 3.4 §5.2.28)."""


class Segment(NamedTuple):
    """One accepted submit_sm, as it is stored."""

    id: int  # ours, in order of time, unique across nodes and restarts
    account: str
    wire_id: str  # message_id towards the ESME; all destinations of a submit_multi share one
    origin: int  # the bind that submitted and can receive; 0 = any bind of the account
    source_addr_ton: int
    source_addr_npi: int
    source_addr: str  # as submitted: the receipt repeats it
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str  # as submitted
    recipient: str  # international digits, for the provider
    sender: str  # after the account's rules, for the provider; "" = the provider's default
    text: str  # "" when `octets` holds something else than text
    octets: bytes | None  # binary content, or a part: user data header (at least its length octet), data
    flash: bool  # to be shown at once and not kept (message class 0)
    protocol_id: int
    tlvs: bytes | None  # optional parameters besides the text, as they came
    data_coding: int
    registered_delivery: int
    priority: int  # priority_flag 0..3
    service_type: str  # "" for an SMS, else a key of model.services.SERVICES
    user_message_reference: int | None
    route: str  # provider names in order, joined by ROUTE_SEPARATOR
    provider: str  # the one of `route` whose queue it is in
    stage: int  # Stage.QUEUED or Stage.WAITING
    send_at: int  # when the provider is to send it, 0 = at once; COLLECTING: when it may be sent
    submitted_at: int
    due_at: int | None  # QUEUED: the deadline; WAITING: when to queue it; COLLECTING: None
    deadline: int  # given up after this


class Found(NamedTuple):
    """A message by its message_id, as query_sm, cancel_sm and replace_sm need it. A part of a long message is
    where the whole message is. See Segment for what is not told here."""

    id: int  # of what goes on: the head, for a part of a message that was joined
    source_addr: str  # as submitted
    destination_addr: str  # as submitted
    source_addr_ton: int
    source_addr_npi: int
    dest_addr_ton: int
    dest_addr_npi: int
    stage: int
    state: int
    err: int  # 0..999
    done_at: int  # FINAL: since when
    protocol_id: int
    tlvs: bytes | None
    data_coding: int
    priority: int
    service_type: str
    send_at: int
    submitted_at: int
    due_at: int | None
    deadline: int
    attempt: int  # hand-overs to providers so far


class Replacement(NamedTuple):
    """What replace_sm changes in a message that waits. See Segment for the fields."""

    text: str
    octets: bytes | None
    flash: bool
    tlvs: bytes | None
    registered_delivery: int
    route: str
    provider: str
    deadline: int
    stage: int | None  # QUEUED or WAITING; None: it is sent when it was to be sent
    send_at: int
    due_at: int | None  # see Segment, where there is a stage


class Message(NamedTuple):
    """One message as a provider gets it: claimed, attempt already on record."""

    id: int
    account: str
    recipient: str
    sender: str
    text: str
    octets: bytes | None
    flash: bool
    protocol_id: int
    tlvs: bytes | None
    data_coding: int
    priority: int
    service_type: str
    send_at: int
    route: str
    provider: str
    attempt: int  # number of this hand-over, from 1
    tries: int  # completed rounds through the route, for the backoff
    submitted_at: int
    deadline: int


class Sent(NamedTuple):
    """An attempt that ended well: the provider took the message."""

    id: int
    attempt: int
    provider_ref: str  # the provider's id of the message, unique within the provider
    packet_ref: str  # the provider's id of the request, "" if it has none
    poll_at: int  # when to ask for the status first
    deadline: int  # when to stop asking
    parts: tuple[str, ...] = ()  # ids of the further parts that the provider got: it is final when all are


class Unsent(NamedTuple):
    """An attempt that did not end SENT: what becomes of the message, and the row for the history."""

    id: int
    attempt: int
    stage: int  # QUEUED, WAITING or UNCERTAIN
    provider: str  # next provider to try (the same one when UNCERTAIN)
    due_at: int  # see Segment.due_at; UNCERTAIN: when to give up
    tries: int
    tried: str  # the provider of this attempt
    result: str  # class of the error: "unavailable", "throttled", "disabled", "uncertain"
    code: str  # the provider's own code
    reason: str  # one line, without secrets
    at: int


class Outcome(NamedTuple):
    """A final state that the bridge itself decides, by our own id."""

    id: int
    state: int
    err: int  # 0..999, for the receipt
    code: str  # the provider's own word or code
    at: int
    silent: bool = False  # the ESME was told in its submit_sm_resp: no receipt is owed
    attempt: int = (
        0  # the hand-over that it is the end of: void if another has begun; 0 = whatever became of it
    )


class StatusReport(NamedTuple):
    """What a provider says about a message, by its provider_ref."""

    provider_ref: str
    state: int
    final: bool
    err: int
    code: str  # the provider's own word or code
    details: str = ""  # what a number check found: "imsi=250… mcc=250 mnc=01 net=…"
    also: tuple[str, ...] = ()  # the reference in other notations, likeliest first; `recipient` decides
    recipient: str = ""  # digits of the phone that it is about
    early: bool = False  # its message was taken just now, and may not be stored as sent yet


class Poll(NamedTuple):
    """A message whose status is to be asked."""

    id: int
    provider_ref: str
    packet_ref: str
    recipient: str
    sent_at: int


class Doubt(NamedTuple):
    """An UNCERTAIN message about which its provider is to be asked."""

    id: int
    account: str
    recipient: str
    sender: str
    text: str
    service_type: str
    send_at: int
    route: str
    provider: str
    attempt: int
    tries: int
    tried_at: int  # when the hand-over in doubt began
    asked: int  # questions so far
    misses: int  # times in a row that the provider certainly did not know it
    deadline: int


class Inbound(NamedTuple):
    """A message from a phone, as a provider tells it."""

    ref: str  # the provider's id of it, unique within the provider
    source: str  # the phone, international digits
    destination: str  # the service number or name it was sent to, "" where the provider does not say
    text: str
    at: int  # when it was received
    octets: bytes | None = None  # binary content, or a part, that goes on as it is; `text` is ""
    data_coding: int = 0  # of `octets`
    esm_class: int = 0  # of `octets`


class InboundPart(NamedTuple):
    """One deliver_sm owed to an account for a message from a phone."""

    id: int
    account: str
    provider: str
    source: str
    destination: str
    esm_class: int
    data_coding: int
    octets: bytes
    at: int
    tries: int


class Alert(NamedTuple):
    """The alert_notification owed for a message that did not reach its phone."""

    id: int  # of the message
    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str


class Overdue(NamedTuple):
    """A message whose time in its stage has run out."""

    id: int
    account: str
    stage: int
    route: str
    provider: str
    attempt: int
    tries: int
    answered: bool  # the provider has said at least once that it is still on its way
    deadline: int


class Receipt(NamedTuple):
    """One receipt owed to an account, with what deliver_sm needs of its message."""

    id: int
    account: str
    origin: int
    state: int
    final: bool  # False: intermediate notification
    err: int
    code: str
    at: int  # when the state was reached ("done date")
    tries: int  # deliver_sm that failed before this one
    details: str  # see StatusReport
    wire_id: str
    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str
    text: str
    user_message_reference: int | None
    provider: str
    submitted_at: int


class Settled(NamedTuple):
    """One message that became final: for metrics, and for waking the courier."""

    account: str
    provider: str
    state: int
    submitted_at: int
    owed: bool  # a receipt is now owed


class Draft(NamedTuple):
    """What of a submit_sm decides whether a provider can carry it.

    A part of a long message has neither text nor octets: its text is asked about when all parts are there.
    """

    recipient: str
    sender: str
    text: str | None  # "" beside `octets`; None: only a part of it is there
    octets: bytes | None = None
    flash: bool = False
    service_type: str = ""
    data_coding: int = 0  # of `octets`; 0 = GSM 03.38
