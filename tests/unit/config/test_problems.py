"""What pydantic finds wrong, in words for who wrote the file; on a model of the test's own."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from smppbridge.config.problems import Describer
from smppbridge.model.settings import Octet, Secret, Settings, Text


class Dog(Settings):
    kind: Literal["dog"]
    legs: int = Field(default=4, ge=0, le=8)


class Cat(Settings):
    kind: Literal["cat"]
    lives: int = Field(default=9, gt=0)


class House(Settings):
    """One key of each kind that there is."""

    street: Text = ""
    rooms: int = 1
    height: float = Field(default=1.5, lt=100)
    sold: bool = False
    doors: tuple[str, ...] = Field(default=("front",), min_length=1)
    colours: frozenset[str] = frozenset()
    key: Secret | None = None
    code: Octet | None = None
    pets: dict[str, Annotated[Dog | Cat, Field(discriminator="kind")]] = Field(default_factory=dict)
    garden: "Garden | None" = None


class Garden(Settings):
    trees: int
    colour: Literal["green", "brown"] = "green"


def problems(private: tuple[str, ...] = (), **keys: Any) -> list[str]:
    """Each mistake of a house with these keys; the values of keys in ``private`` came from elsewhere."""
    with pytest.raises(ValidationError) as caught:
        House.model_validate(keys)
    describer = Describer(House.model_json_schema(), {(key,) for key in private})
    return [
        f"{'.'.join(map(str, path))}: {what}"
        for path, what in sorted(describer.describe(caught.value), key=str)
    ]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"garden": {}}, "garden.trees: is required; add it"),
        ({"rooms": "many"}, 'rooms: must be a whole number (got "many")'),
        ({"rooms": 1.5}, "rooms: must be a whole number (got 1.5)"),
        ({"rooms": []}, "rooms: must be a whole number"),
        ({"height": "tall"}, 'height: must be a number (got "tall")'),
        ({"height": []}, "height: must be a number"),
        ({"sold": "perhaps"}, 'sold: must be true or false (got "perhaps")'),
        ({"sold": []}, "sold: must be true or false"),
        ({"street": []}, "street: must be text"),
        ({"doors": []}, "doors: must have at least one entry"),
        ({"doors": "front"}, "doors: must be a list, such as [a, b]"),
        ({"colours": "red"}, "colours: must be a list, such as [a, b]"),
        ({"pets": []}, "pets: must be a mapping with keys of its own"),
        ({"garden": "big"}, "garden: must be a mapping with keys of its own"),
        ({"code": "0x100"}, "code: must be between 0 and 255 (got 256)"),
        ({"height": 100}, "height: must be less than 100 (got 100)"),
        ({"height": 18000.0}, "height: must be less than 100 (got 18000)"),
        ({"height": 100.25}, "height: must be less than 100 (got 100.25)"),
        ({"pets": {"tom": {"kind": "cat", "lives": 0}}}, "pets.tom.lives: must be more than 0 (got 0)"),
        ({"pets": {"rex": {"kind": "dog", "legs": 9}}}, "pets.rex.legs: must be between 0 and 8 (got 9)"),
        (
            {"garden": {"trees": 1, "colour": "red"}},
            "garden.colour: must be 'green' or 'brown' (got \"red\")",
        ),
        ({"key": 12345678}, "key: must be text; put it in quotes"),
    ],
)
def test_each_mistake_has_a_place_and_advice(keys: dict[str, Any], problem: str) -> None:
    (only,) = problems(**keys)
    assert only == problem


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"romms": 2}, 'romms: unknown key; did you mean "rooms"?'),
        ({"garden": {"trees": 1, "tree": 2}}, 'garden.tree: unknown key; did you mean "trees"?'),
        ({"garden": {"trees": 1, "wat": 2}}, "garden.wat: unknown key; known here: trees, colour"),
        (
            {"pets": {"rex": {"kind": "dog", "colour": 9}}},
            "pets.rex.colour: unknown key; known here: kind, legs",
        ),
    ],
)
def test_an_unknown_key_is_looked_for_where_it_stands(keys: dict[str, Any], problem: str) -> None:
    assert problems(**keys) == [problem]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"sold": "ture"}, 'sold: must be true or false (got "ture"); did you mean "true"?'),
        ({"sold": "maybe"}, 'sold: must be true or false (got "maybe")'),
        (
            {"garden": {"trees": 1, "colour": "Brown"}},
            "garden.colour: must be 'green' or 'brown' (got \"Brown\"); did you mean \"brown\"?",
        ),
        (
            {"pets": {"tom": {"kind": "catt"}}},
            'pets.tom.kind: must be one of cat, dog (got "catt"); did you mean "cat"?',
        ),
    ],
)
def test_a_word_like_one_that_may_stand_there_is_asked_about(keys: dict[str, Any], problem: str) -> None:
    assert problems(**keys) == [problem]


@pytest.mark.parametrize(
    ("pet", "problem"),
    [
        ({}, "pets.rex.kind: is required; add one of cat, dog"),
        ({"kind": "bird"}, 'pets.rex.kind: must be one of cat, dog (got "bird")'),
    ],
)
def test_kinds_are_listed(pet: dict[str, Any], problem: str) -> None:
    assert problems(pets={"rex": pet}) == [problem]


@pytest.mark.parametrize("value", ["x" * 59, "two\nlines", True, ["hunter2"]])
def test_values_that_do_not_help_are_not_repeated(value: object) -> None:
    (only,) = problems(garden={"trees": 1, "colour": value})
    assert only == "garden.colour: must be 'green' or 'brown'"


def test_a_value_of_60_characters_with_its_quotes_is() -> None:
    (only,) = problems(rooms="x" * 58)
    assert only.endswith(f'(got "{"x" * 58}")')


def test_private_values_are_not_repeated() -> None:
    assert problems(("rooms",), rooms="hunter2") == ["rooms: must be a whole number"]
    assert problems(("sold",), sold="ture") == ["sold: must be true or false"]
    assert problems(("rooms",), height="hunter2") == ['height: must be a number (got "hunter2")']


def test_an_entry_that_is_wrong_itself_is_reported_once() -> None:
    assert problems(doors=[1]) == ["doors.0: must be text"]


def test_all_mistakes_at_once() -> None:
    assert problems(rooms="x", height="y", wat=1) == [
        'height: must be a number (got "y")',
        'rooms: must be a whole number (got "x")',
        "wat: unknown key; known here: street, rooms, height, sold, doors, colours, key, code, pets, garden",
    ]
