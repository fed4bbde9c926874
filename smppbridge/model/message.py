"""The rows that travel between the flow, the store and the providers.

They are NamedTuples whose fields stand in the order of the columns, so a batch goes into SQL and out of it
without conversion. All times are integer milliseconds since 1970, UTC.
"""

from enum import IntEnum
from typing import NamedTuple

from smppbridge.smpp.constants import MessageState

ROUTE_SEPARATOR = ","


class Stage(IntEnum):
    """Where a message is inside the bridge. The numbers are stored."""

    COLLECTING = 0  # part of a long message: waits for the other parts, or was joined to the head
    WAITING = 1  # until due_at: scheduled, or to be tried again
    QUEUED = 2  # a free request slot of `provider` may claim it
    SENDING = 3  # claimed: the provider may get it at any moment
    UNCERTAIN = 4  # the provider may have it, or not
    SENT = 5  # the provider has it, provider_ref is known
    FINAL = 6  # `state` does not change any more


State = MessageState
"""What SMPP calls the state of a message: message_state (SMPP 3.4 §5.2.28)."""


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
    """What query_sm, cancel_sm and replace_sm need to know of a message.

    A part of a long message that was joined is found as the whole message. `Segment` explains the fields that
    have no comment here.
    """

    id: int  # of the head, for a part of a message that was joined
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
    """What replace_sm changes in a message that was not sent yet. `Segment` explains the fields."""

    text: str
    octets: bytes | None
    flash: bool
    tlvs: bytes | None
    registered_delivery: int
    route: str
    provider: str
    deadline: int
    stage: int | None  # QUEUED or WAITING; None: the time of sending does not change
    send_at: int
    due_at: int | None  # as in Segment; None where stage is None


class Message(NamedTuple):
    """One message as a provider gets it. It is claimed, and the attempt is recorded."""

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


class Particulars(NamedTuple):
    """What a provider tells of a message besides its reference and its status. Empty: it did not say."""

    price: int = 0  # in millionths of `currency`
    currency: str = ""
    parts: int = 0  # SMS that the provider counts
    operator: str = ""  # of the phone, for TLV 0x1402: "operator=… country=… mccmnc=…"
    sender: str = ""  # the one that the phone shows


UNTOLD = Particulars()


class Sent(NamedTuple):
    """The end of an attempt: the provider took the message."""

    id: int
    account: str
    attempt: int
    provider_ref: str  # the provider's id of the message, unique within the provider
    packet_ref: str  # the provider's id of the request, "" where there is none
    poll_at: int  # when to ask for the status first
    deadline: int  # when to stop asking
    parts: tuple[str, ...] = ()  # provider_refs of further parts; the message is final when all parts are
    told: Particulars = UNTOLD


class Unsent(NamedTuple):
    """The end of an attempt that did not end SENT: what becomes of the message, and a row for the history."""

    id: int
    attempt: int
    stage: int  # QUEUED, WAITING or UNCERTAIN
    provider: str  # the next provider to try; the same one when UNCERTAIN
    due_at: int  # see Segment.due_at; UNCERTAIN: when to give up
    tries: int
    tried: str  # the provider of this attempt
    result: str  # the error's class: "unavailable", "throttled", "disabled", "uncertain"
    code: str  # the provider's own code
    reason: str  # one line, without secrets
    at: int


class Outcome(NamedTuple):
    """A final state that the bridge itself decides. `id` is ours."""

    id: int
    state: int
    err: int  # 0..999, for the receipt
    code: str  # the provider's own word or code
    at: int
    silent: bool = False  # the submit_sm_resp said it already: no receipt is owed
    # The outcome counts only while this attempt is the last one. 0: it counts in any case.
    attempt: int = 0
    reason: str = ""  # why a provider refused the message: one line, without secrets


class StatusReport(NamedTuple):
    """The status of a message as its provider tells it."""

    provider_ref: str
    state: int
    final: bool
    err: int
    code: str  # the provider's own word or code
    details: str = ""  # what a number check found: "imsi=250… mcc=250 mnc=01 net=…"
    also: tuple[str, ...] = ()  # provider_ref in other notations, likeliest first; `recipient` decides
    recipient: str = ""  # digits of the recipient's number
    early: bool = False  # the provider took the message just now; it may not be stored as SENT yet
    reason: str = ""  # why the message was not delivered, in the provider's words: one line, without secrets
    told: Particulars = UNTOLD


class Poll(NamedTuple):
    """A message whose provider is to be asked for the status."""

    id: int
    provider_ref: str
    packet_ref: str
    recipient: str
    sent_at: int


class Doubt(NamedTuple):
    """An UNCERTAIN message. Its provider is to be asked whether it has the message."""

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
    asked: int  # how often the provider was asked
    misses: int  # how many of the last answers said in a row that the provider does not have it
    deadline: int


class Inbound(NamedTuple):
    """A message from a phone (MO), as a provider hands it over."""

    ref: str  # the provider's id of the message, unique within the provider
    source: str  # the phone's number, international digits
    destination: str  # the service number or name that it was sent to; "" where the provider does not say
    text: str
    at: int  # when it was received
    octets: bytes | None = None  # binary content or a part, passed on as it is; `text` is "" then
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
    """An alert_notification that is owed: the message did not reach its phone (SMPP 3.4 §4.12)."""

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
    answered: bool  # the provider said at least once that the message is still on its way
    deadline: int


class Receipt(NamedTuple):
    """One receipt owed to an account, with all that its deliver_sm needs."""

    id: int
    account: str
    origin: int
    state: int
    final: bool  # False: intermediate notification
    err: int
    code: str
    at: int  # when the state was reached ("done date")
    tries: int  # how many deliver_sm of it failed
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
    operator: str  # see Particulars


class Settled(NamedTuple):
    """One message that became final. The metrics and the courier need to know."""

    account: str
    provider: str
    state: int
    submitted_at: int
    owed: bool  # a receipt is now owed
    unsent: bool = False  # no provider had taken it


class Draft(NamedTuple):
    """The part of a submit_sm that decides whether a provider can carry it.

    A part of a long message has neither text nor octets: its text is checked when all parts are there.
    """

    recipient: str
    sender: str
    text: str | None  # "" beside `octets`; None: this is a part, and the whole text is not known
    octets: bytes | None = None
    flash: bool = False
    service_type: str = ""
    data_coding: int = 0  # of `octets`; 0 = GSM 03.38
    unlisted: bool = False  # nobody chose the sender: the equipment named it, and its account lists none
    ports: bytes = b""  # see smpp.concat.port_element: the content is for an application
    # Whether PING may be bought in place of a text that no phone is to show (protocol_id 0x40). None: phones
    # show it.
    ping: bool | None = None
