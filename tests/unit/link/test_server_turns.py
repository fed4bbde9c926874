"""Which connections have one turn in common, and how much of an account is under way in the store."""

from smppbridge.link.scheduler import MOST_ASKED, QUESTION
from smppbridge.smpp.addresses import SmeAddress
from smppbridge.smpp.pdu import DataSm, DataSmResp, EnquireLink, QuerySm, QuerySmResp, SubmitMulti, SubmitSm
from tests.support.system.clock import turns, until
from tests.unit.link.served import account, served

MOST_QUESTIONS = MOST_ASKED // QUESTION


async def test_binds_of_an_account_have_one_turn_in_common() -> None:
    async with (
        served(account(binds=2), account("door")) as rig,
        await rig.connect() as stranger,
        await rig.bound(),
        await rig.bound(),
        await rig.bound("door"),
    ):
        shares = [link.connection.share for link in rig.behind.links]
        assert shares[0] is shares[1]
        assert shares[0] is not shares[2]
        await stranger.ask(EnquireLink())
        (unbound,) = rig.server._connections - {link.connection for link in rig.behind.links}
        assert unbound.share not in shares


async def test_input_waits_while_many_requests_of_the_account_are_in_the_store() -> None:
    async with (
        served(account(binds=2), account("door")) as rig,
        await rig.bound() as esme,
        await rig.bound() as other,
        await rig.bound("door") as door,
    ):
        esme.send(*(QuerySm(f"{number}") for number in range(MOST_QUESTIONS)))
        await until(lambda: len(rig.behind.requests) == MOST_QUESTIONS)
        other.send(SubmitSm())
        await door.ask(EnquireLink())
        await turns(50)
        assert not rig.behind.submits
        _, _, reply = rig.behind.requests[0]
        reply(QuerySmResp(), ())
        await until(lambda: rig.behind.submits)
        await esme.expect(QuerySmResp)


async def test_what_may_wait_for_a_provider_does_not_count() -> None:
    async with served() as rig, await rig.bound() as esme:
        multi = SubmitMulti(dest_address=(SmeAddress(1, 1, "375291234567"),))
        esme.send(multi, *(DataSm() for _ in range(MOST_QUESTIONS)))
        await until(lambda: len(rig.behind.requests) == 1 + MOST_QUESTIONS)
        esme.send(SubmitSm())
        await until(lambda: rig.behind.submits)


async def test_answers_of_one_turn_are_written_together() -> None:
    async with served() as rig, await rig.bound() as esme:
        esme.send(DataSm(), DataSm())
        await until(lambda: len(rig.behind.requests) == 2)
        session = rig.behind.links[0].connection.session
        for _, _, reply in rig.behind.requests:
            reply(DataSmResp(), (0,))
        assert len(session._out) == 2
        await esme.expect(DataSmResp)
        await esme.expect(DataSmResp)
