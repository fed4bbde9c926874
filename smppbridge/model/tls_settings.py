"""The key ``tls`` of connections that the bridge opens: a mapping, or ``true`` for all defaults."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from smppbridge.model.settings import File, Settings, mistake


class Tls(Settings):
    """TLS towards a peer."""

    ca: File | None = None
    """PEM file of the CAs that may have signed the peer's certificate; without it, those of the system."""
    cert: File | None = None
    """PEM file of our certificate, for peers that want one."""
    key: File | None = None
    """PEM file of the key of `cert`."""
    server_name: str | None = Field(default=None, min_length=1)
    """Name in the peer's certificate; without it, the host."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise mistake("cert and key belong together; give both or none")
        return self


def _tls(value: object) -> object:
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


def _or_boolean(schema: dict[str, Any]) -> None:
    schema["anyOf"].insert(1, {"type": "boolean"})


TlsSetting = Annotated[Tls | None, BeforeValidator(_tls), Field(json_schema_extra=_or_boolean)]
"""Type of a key ``tls``: true, false or a mapping. The value is None where TLS is off."""
