"""Which kinds of provider there are. For those of others see integration/test_provider_of_your_own.py."""

from typing import Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from smppbridge.providers.kind import ProviderKind, without_callbacks
from smppbridge.providers.options import ProviderOptions
from smppbridge.providers.preview import preview
from smppbridge.providers.registry import KINDS, UNUSABLE, AnyOptions, build_provider
from smppbridge.providers.sandbox import Sandbox, SandboxOptions
from tests.support.builders.messages import NOW, message


def test_every_folder_and_the_sandbox() -> None:
    assert sorted(KINDS) == ["sandbox", "smpp", "sms-assistent", "smsc", "smspilot", "webhook"]
    assert all(name == kind.name for name, kind in KINDS.items())
    assert UNUSABLE == {}


def test_options_are_read_and_built_by_their_kind() -> None:
    adapter: TypeAdapter[ProviderOptions] = TypeAdapter(AnyOptions)
    options = adapter.validate_python({"kind": "sandbox", "delay": 5})
    assert isinstance(options, SandboxOptions)
    assert isinstance(build_provider("lab", options, None), Sandbox)
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "nobody"})


class _Named(ProviderOptions):
    kind: Literal["mine"] = "mine"


class _TwoNames(ProviderOptions):
    kind: Literal["mine", "yours"] = "mine"


def test_a_kind_is_named_by_its_options() -> None:
    assert ProviderKind(_Named, without_callbacks(Sandbox)).name == "mine"
    for options in (ProviderOptions, _TwoNames):
        with pytest.raises(TypeError, match="needs kind: Literal"):
            _ = ProviderKind(options, without_callbacks(Sandbox)).name


async def test_a_kind_without_http_is_not_started_for_a_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows how to catch what it would send."""
    lab = Sandbox("lab", SandboxOptions(kind="sandbox"))
    monkeypatch.setitem(KINDS, "mine", ProviderKind(_Named, without_callbacks(lambda name, options: lab)))
    shown = await preview("one", _Named(), message(1), NOW)
    assert (shown.requests, shown.submits) == ((), ())
    assert shown.reason == "a provider of this kind cannot show what it would send"
    assert lab._pusher is None
