"""Which sessions a reload ends: those that could not bind any more. All others are not touched."""

from typing import Any

import pytest

from smppbridge.model.account import Account
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import EnquireLink, EnquireLinkResp, SubmitSm, SubmitSmResp, Unbind, UnbindResp
from tests.support.esme.esme import Esme
from tests.support.system.clock import until
from tests.unit.link.served import Rig, account, lines, served, weak_hash

OTHER = account("other")


async def goes_on(esme: Esme) -> None:
    assert isinstance(await esme.ask(EnquireLink()), EnquireLinkResp)
    await esme.quiet(Unbind)


async def leaves(esme: Esme) -> None:
    esme.reply(await esme.expect(Unbind), UnbindResp())
    await esme.closed()


def reload(rig: Rig, *accounts: Account) -> None:
    rig.server.reload({one.name: one for one in accounts})


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"password": "changed"}, "its password was changed"),
        ({"password_hash": weak_hash(b"changed")}, "its password was changed"),
        ({"allow_from": ["192.0.2.1", "127.0.0.2"]}, "its address is not allowed any more"),
    ],
)
async def test_who_could_not_bind_any_more(
    after: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(account(), OTHER) as rig, await rig.bound("other") as other:
        async with await rig.bound() as esme, await rig.bound(kind="RX") as second:
            reload(rig, account(**after), OTHER)
            await leaves(esme)
            await leaves(second)
        await goes_on(other)
        said = [f'account=pbx cause="{why}" bind_type={kind} peer=127.0.0.1' for kind in ("TRX", "RX")]
        assert [line.partition("unbinding ")[2] for line in lines(caplog, "unbinding")] == said
        assert "changed" not in caplog.text.replace(why, "")


async def test_a_hash_that_was_changed() -> None:
    before, after = (account(password_hash=weak_hash(word)) for word in (b"secret", b"changed"))
    async with served(before) as rig, await rig.bound() as esme:
        reload(rig, account(password_hash=weak_hash(b"secret")))
        await goes_on(esme)
        reload(rig, after)
        await leaves(esme)
        async with await rig.connect() as old:
            assert (await old.bind()).command_status == Status.ESME_RINVPASWD


async def test_the_youngest_of_too_many_go(caplog: pytest.LogCaptureFixture) -> None:
    async with served(account(binds=4), OTHER) as rig:
        esmes = [await rig.bound() for _ in range(4)]
        other = await rig.bound("other")
        reload(rig, account(binds=2), OTHER)
        for esme in esmes[2:]:
            await leaves(esme)
        for esme in (*esmes[:2], other):
            await goes_on(esme)
        assert [line.count("the account may have fewer binds") for line in lines(caplog, "unbinding")] == [
            1,
            1,
        ]
        async with await rig.connect() as third:
            assert (await third.bind()).command_status == Status.ESME_RBINDFAIL
        for esme in (*esmes, other):
            await esme.close()


async def test_who_leaves_anyhow_does_not_count() -> None:
    """Of three sessions the second goes for its address; of the others neither goes, and a new one fits."""
    async with served(account(binds=3, allow_from=["127.0.0.0/8"])) as rig:
        first = await rig.bound()
        second = await rig.connect("127.0.0.2")
        assert (await second.bind()).command_status == 0
        third = await rig.bound()
        fewer = account(binds=2, allow_from=["127.0.0.1"])
        reload(rig, fewer)
        await second.expect(Unbind)
        reload(rig, fewer)  # it is told only once
        for esme in (first, third):
            await goes_on(esme)
        await second.quiet(Unbind)
        reload(rig, account(binds=3))
        async with await rig.bound() as new:  # the second has not answered yet
            await goes_on(new)
        for esme in (first, second, third):
            await esme.close()


async def test_what_is_unchanged_is_not_touched(caplog: pytest.LogCaptureFixture) -> None:
    async with served(account(), OTHER) as rig, await rig.bound() as esme, await rig.bound("other") as other:
        reload(rig, account(allow_from=["127.0.0.1"], binds=1, rate=9.0), OTHER, account("new"))
        await goes_on(esme)
        await goes_on(other)
    assert not lines(caplog, "unbinding")


async def test_what_is_in_flight_is_answered_before_the_end() -> None:
    async with served() as rig, await rig.bound() as esme:
        esme.send(SubmitSm())
        await until(lambda: rig.behind.submits)
        reload(rig, account(password="changed"))
        esme.reply(await esme.expect(Unbind), UnbindResp())
        rig.behind.take()
        assert (await esme.expect(SubmitSmResp)).command_status == 0
        await esme.closed()
