"""Where each call of sms-assistent goes, by what the operator wrote."""

from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from smppbridge.providers.sms_assistent.addresses import addresses
from tests.support.builders.messages import NOW, message, poll
from tests.unit.providers.sms_assistent.steps import Assist, options, taken, taken_xml

CALLS = ["json", "xml", "send_sms/plain", "statuses/plain", "credits/plain"]


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://userarea.sms-assistent.by", "https://userarea.sms-assistent.by/api/v1"),
        ("https://userarea.sms-assistent.by/", "https://userarea.sms-assistent.by/api/v1"),
        ("http://proxy:8080/sms", "http://proxy:8080/sms/api/v1"),
        ("https://h.example/api/v1", "https://h.example/api/v1"),
        ("https://h.example/api/v1.2/", "https://h.example/api/v1.2"),
        ("https://h.example/json", "https://h.example"),
        *((f"https://h.example/api/v1.2/{call}", "https://h.example/api/v1.2") for call in CALLS),
    ],
)
def test_addresses(url: str, root: str) -> None:
    chosen = options(url=url)
    assert addresses(chosen.url, chosen.urls) == tuple(f"{root}/{call}" for call in CALLS)


def test_single_addresses() -> None:
    own = {"json": "https://a/1", "xml": "https://b/2/", "send": "https://c:8/3", "statuses": "http://d"}
    chosen = options(urls={**own, "credits": "https://e/5"})
    assert addresses(chosen.url, chosen.urls) == (
        *("https://a/1", "https://b/2", "https://c:8/3"),
        *("http://d", "https://e/5"),
    )
    assert addresses("https://h", options(urls={"xml": "https://b/2"}).urls)[:2] == (
        "https://h/api/v1/json",
        "https://b/2",
    )


@pytest.mark.parametrize("urls", [{"json": "h"}, {"json": "https://u:p@h"}, {"plain": "https://h"}])
def test_mistakes(urls: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        options(urls=urls)


@pytest.mark.parametrize(
    ("api", "answers", "paths"),
    [
        ("json", ["7", taken(8)], ["/v9/send_sms/plain", "/v9/json"]),
        ("xml", ["7", taken_xml(8)], ["/v9/send_sms/plain", "/v9/xml"]),
        ("plain", ["7", "8"], ["/v9/send_sms/plain"] * 2),
    ],
)
async def test_each_call_goes_there(api: str, answers: Sequence[str], paths: list[str]) -> None:
    async with Assist(*answers, "Sent", api=api, path="/v9/statuses/plain") as assist:
        await assist.provider.send([message(1, priority=1), message(2)], NOW)
        assert [path for path, _ in assist.server.asked] == paths
        if api == "plain":
            await assist.provider.status([poll("7", NOW)])
            assist.server.prepare(["1.5"])
            assert await assist.provider.balance() == 1.5
            assert [path for path, _ in assist.server.asked][2:] == [
                "/v9/statuses/plain",
                "/v9/credits/plain",
            ]


def test_entries_with_other_addresses_of_one_host_share_their_account() -> None:
    keys = {options(url=f"https://h/api/v1/{call}").login_key() for call in CALLS}
    assert keys == {options(url="https://h").login_key()}
    assert options(url="https://other").login_key() not in keys
