"""What differs between two configurations, by the path of each key."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel


def changed_keys(old: object, new: object, path: str = "") -> Iterator[str]:
    """The keys with other values in ``new``, such as ``web.port``; lists count as one value."""
    if old == new:
        return
    if isinstance(old, BaseModel) and type(old) is type(new):
        for name, field in type(old).model_fields.items():
            key = f"{path}.{field.alias or name}".removeprefix(".")
            yield from changed_keys(getattr(old, name), getattr(new, name), key)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {**old, **new}:
            yield from changed_keys(old.get(name), new.get(name), f"{path}.{name}")
    else:
        yield path
