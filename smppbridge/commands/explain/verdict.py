"""What is told about a message, in one sentence. Must not know: PDUs, how anything was found out."""

from typing import Any

from smppbridge.commands.explain.parameters import Told

_OK = "ESME_ROK"


def verdict(told: Told) -> str:
    """Whether it would be sent, and how; "" for what is no message."""
    if "malformed" in told:
        answer = told["malformed"]["answer"]
        code = f" {_code(answer)}" if "command_status" in answer else ""
        return f"malformed; would be answered {answer['pdu']}{code}: {told['malformed']['reason']}"
    if "outcomes" in told and "warning" not in told:
        taken = sum(_code(one["answer"]) == _OK for one in told["outcomes"])
        return f"would be taken for {taken} of {len(told['outcomes'])} destinations"
    outcome = told if "answer" in told else told.get("outcome")
    if outcome is None:
        return ""
    answer = outcome["answer"]
    if _code(answer) != _OK:
        return f"would be answered {_code(answer)}: {answer.get('reason', '')}".rstrip(": ")
    return f"would be answered {_OK}{_way(told, outcome)}"


def _way(told: Told, outcome: Told) -> str:
    """What becomes of a message that is taken."""
    if "part" not in told:
        return f" and {_goes(outcome['recipient'], outcome['request'])}{_later(outcome['times']['sent'])}"
    joined = told["joined"]
    if isinstance(joined, str):
        return f"; {joined}"
    if "request" in joined:
        return f"; joined, it would {_goes(outcome['recipient'], joined['request'])}"
    reason = joined["unreadable"] if "unreadable" in joined else joined["refused"]["reason"]
    return f"; joined, it would be REJECTD: {reason}"


def _goes(recipient: Any, request: Told) -> str:
    sentence = f"go to {_value(recipient)} through {_value(request['provider'])}"
    return f"{sentence}; {request['nothing']}" if "nothing" in request else sentence


def _later(sent: Any) -> str:
    return f", not before {_value(sent)}" if isinstance(sent, dict) else ""


def _code(answer: Told) -> str:
    return str(answer["command_status"]["meaning"])


def _value(told: Any) -> str:
    return str(told["value"] if isinstance(told, dict) else told)
