"""Requests to sms-assistent: with which HTTP status an answer of one word counts."""

import pytest
from starlette.responses import Response

from smppbridge.errors import Rejected, Unavailable, Uncertain
from tests.support.builders.messages import NOW, message, poll
from tests.unit.providers.sms_assistent.steps import Assist


@pytest.mark.parametrize("status", [302, 404, 408, 500, 502, 503])
async def test_the_number_of_an_error_page_is_no_message(status: int) -> None:
    async with Assist(Response(str(status), status_code=status)) as assist:
        result, *_ = await assist.provider.send([message(1, priority=1)], NOW)
        assert isinstance(result, Unavailable if status == 503 else Uncertain)
        with pytest.raises((Unavailable, Uncertain)):
            await assist.provider.balance()
        assert assist.provider.last_balance is None


async def test_the_word_of_an_error_page_is_no_status() -> None:
    async with Assist(Response("Failed", status_code=500), api="plain") as assist:
        with pytest.raises(Uncertain):
            await assist.provider.status([poll("5", NOW)])


async def test_a_code_counts_with_any_status() -> None:
    async with Assist(Response("-5", status_code=400)) as assist:
        (result,) = await assist.provider.send([message(1, priority=1)], NOW)
        assert isinstance(result, Rejected)
