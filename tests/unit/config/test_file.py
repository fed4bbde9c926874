"""Reading the file itself: YAML, the environment, secret files. Nothing secret in a message."""

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.config.file import Source, located, read, show
from smppbridge.errors import ConfigError

SECRETS = frozenset({"password", "apikey"})


def source(text: str, base: Path = Path("/nowhere"), **environ: str) -> Source:
    return read(dedent(text), base, environ, SECRETS)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        source(text)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: " + "[" * 3000 + "]" * 3000, 1),
        ("".join(" " * level + "a:\n" for level in range(3000)), 50),
        ("a: 1\nb: " + "{a: " * 50 + "1" + "}" * 50, 2),
    ],
)
def test_a_file_that_is_nested_too_deep(text: str, line: int) -> None:
    assert refusal(text) == f"line {line}: not valid YAML: nested more than 50 levels deep"


def test_what_is_nested_49_levels_deep_is_read() -> None:
    assert source("a: " + "[" * 48 + "]" * 48).problems == []


def test_aliases_that_nest_deep_are_refused_where_they_stand() -> None:
    chain = "".join(
        f"a{number}: &a{number} {'[' * 20}{f'*a{number - 1}' if number else 1}{']' * 20}\n"
        for number in range(100)
    )
    problems = source(chain).problems
    assert len(problems) == 98
    assert problems[0].startswith("a2[0][0]")
    assert problems[0].endswith(": is nested more than 50 levels deep")


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        ("a.b: is wrong", 2),
        ("a.b.c[0].d: is wrong", 2),
        ("a.b[1]: is wrong", 3),
        ('a.b "x": is wrong', 2),
        ("a: b: is wrong", 2),
        ("a: b[1].c: is wrong", 3),
        ("a: must be true: or so", 1),
        ("a.c: is wrong", 1),
        ("a[b: is wrong", 1),
        ("c: is wrong", 0),
        ("[c[: is wrong", 0),
        ("the file: is wrong", 0),
    ],
)
def test_a_problem_has_the_line_of_its_key_or_of_what_is_around_it(problem: str, line: int) -> None:
    lines = {"a": 1, "a.b": 2, "a.b[1]": 3}
    assert located([problem], lines) == [f"line {line}: {problem}" if line else problem]


@given(st.text(alphabet="ab.[]: 0", max_size=12))
def test_any_problem_has_a_line_or_none(problem: str) -> None:
    assert located([problem], {"a": 1})[0].endswith(problem)


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    doubled = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 49))
    too_many = r"^line 12: a11: the file has more than 5000 values; an alias counts as often as it is used"
    with pytest.raises(ConfigError, match=too_many):
        read("a0: &a0 x\n" + doubled, Path("/nowhere"), {}, SECRETS, most=5000)


def test_scalars_are_those_of_yaml_1_2() -> None:
    values = source(
        """
        country: NO
        octal: 0375
        time: 12:30
        date: 2026-01-02
        number: 375
        negative: -3
        part: 0.5
        yes: yes
        true: true
        none: null
        empty:
        long: 12345678901234567890123
        7: seven
        """
    ).values
    assert values == {
        "country": "NO",
        "octal": "0375",
        "time": "12:30",
        "date": "2026-01-02",
        "number": 375,
        "negative": -3,
        "part": 0.5,
        "yes": "yes",
        "true": True,
        "none": None,
        "empty": None,
        "long": "12345678901234567890123",
        "7": "seven",
    }


@pytest.mark.parametrize("written", ["12345678", "0.5", "true", "'12345678'", "1e5"])
def test_a_secret_is_the_text_that_was_written(written: str) -> None:
    assert source(f"password: {written}").values == {"password": written.strip("'")}


def test_fills_in_the_environment() -> None:
    read_in = source(
        """
        a: ${NAME}
        b: "x-${NAME}-${OTHER:-none}"
        c: ${EMPTY:-default}
        d: ${UNSET:-}
        e: $${NAME} costs $5
        f: [1, "${NAME}"]
        """,
        NAME="value",
        EMPTY="",
    )
    assert read_in.values == {
        "a": "value",
        "b": "x-value-none",
        "c": "default",
        "d": None,
        "e": "${NAME} costs $5",
        "f": [1, "value"],
    }
    assert read_in.problems == []
    assert ("f", 1) in read_in.filled
    assert ("e",) not in read_in.filled


def test_what_the_environment_holds_is_not_yaml() -> None:
    assert source("a: ${NAME}", NAME="{b: [1]} # ${OTHER}").values == {"a": "{b: [1]} # ${OTHER}"}


def test_names_a_variable_that_is_not_set() -> None:
    read_in = source("accounts: {pbx: {password: '${PBX_PASSWORD}'}}")
    assert read_in.problems == [
        "accounts.pbx.password: the environment variable PBX_PASSWORD is not set; set it, or write"
        " ${PBX_PASSWORD:-default}"
    ]
    assert ("accounts", "pbx", "password") in read_in.broken


@pytest.mark.parametrize("written", ["${}", "${1A}", "${A", "${A:default}"])
def test_names_a_malformed_variable(written: str) -> None:
    (problem,) = source(f"a: '{written}'", A="x").problems
    assert problem.startswith("a: ${ must be followed by NAME}")


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "pbx.password").write_text("s3cret two\r\n\n")
    read_in = source("pbx: {password_file: pbx.password, other_file: x}", tmp_path)
    assert read_in.values == {"pbx": {"password": "s3cret two", "other_file": "x"}}
    assert ("pbx", "password") in read_in.filled


def test_the_name_of_a_secret_file_may_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k")
    assert source("apikey_file: ${KEY_FILE}", KEY_FILE=str(tmp_path / "key")).values == {"apikey": "k"}


def test_names_what_is_wrong_with_a_secret_file(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "huge").write_bytes(b"x" * 100_000)
    (tmp_path / "fine").write_bytes(b"x")
    read_in = source(
        """
        a: {password_file: missing}
        b: {password_file: binary}
        c: {password_file: huge}
        d: {password_file: 3}
        e: {password_file: fine, password: fine}
        f: {password_file: "${UNSET}"}
        g: {password_file: .}
        """,
        tmp_path,
    )
    found = dict(problem.split(": ", 1) for problem in read_in.problems)
    assert f"looked for as {tmp_path}/missing" in found["a.password_file"]
    assert found["b.password_file"] == "must be a file of UTF-8 text"
    assert "at most 65536 octets" in found["c.password_file"]
    assert found["d.password_file"] == "must name a file"
    assert "given twice, as password and as password_file" in found["e.password"]
    assert "UNSET is not set" in found["f.password_file"]
    assert "cannot be read" in found["g.password_file"]
    assert len(read_in.problems) == len(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:\n\tb: 1", "line 2: not valid YAML: found a tab where a value must begin; use spaces"),
        ("a: 1\nb: x\x01y", "line 2: not valid YAML: the character U+0001 may not stand in it"),
    ],
)
def test_characters_that_nobody_sees_are_named(text: str, problem: str) -> None:
    assert refusal(text) == problem


def test_names_a_key_that_is_given_twice() -> None:
    assert source("{a: 1, a: 2}").problems == ["a: given twice; delete one"]
    assert source("a:\n  b: 1\n  c: 2\n  b: 3\n").problems == [
        "a.b: given twice, on lines 2 and 4; delete one"
    ]


def test_a_key_of_its_own_has_its_own_line_before_that_of_a_merged_one() -> None:
    lines = source("base: &base\n  x: 1\n  y: 1\na:\n  x: 2\n  <<: *base\n").lines
    assert (lines["a.x"], lines["a.y"]) == (5, 3)


def test_merges_shared_keys() -> None:
    read_in = source(
        """
        defaults: &defaults {window: 10, binds: 1}
        pbx: {<<: *defaults, binds: 2}
        crm: *defaults
        bad: {<<: 3}
        """
    )
    assert read_in.values["pbx"] == {"window": 10, "binds": 2}
    assert read_in.values["crm"] == {"window": 10, "binds": 1}
    assert read_in.problems == ["bad.<<: must be an alias of one mapping, such as *defaults"]


def test_an_alias_inside_its_anchor_is_a_mistake() -> None:
    assert "a.b: an alias (*name) stands inside its own anchor" in source("a: &x {b: *x}").problems[0]


@pytest.mark.parametrize("written", ["!secret x", "!!python/object:os.system x", "!!int x", "!!binary aGk="])
def test_tags_mean_nothing(written: str) -> None:
    assert source(f"a: {written}").problems == [
        "a: a YAML tag (!name) has no meaning here; quote a value that begins with !"
    ]


def test_a_key_must_be_plain_text() -> None:
    assert source("a:\n  ? [1, 2]\n  : 3\n").problems == ["a: line 2 has a key that is no plain text"]


@pytest.mark.parametrize("text", ["", "just text", "- a\n- b\n", "3"])
def test_the_file_must_be_a_mapping(text: str) -> None:
    assert "must be a YAML mapping" in refusal(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\npassword: hunter2: x", "line 2"),
        ("a: [1\npassword: hunter2", "line 2"),
        ("password: *hunter2", "line 1"),
        ("password: 'hunter2", "line 1"),
        ("password: %hunter2", "line 1"),
        ("a: 1\n---\npassword: hunter2", "line 2"),
        ("password: hunter2\x01", "line 1"),
    ],
)
def test_bad_yaml_is_located_but_never_quoted(text: str, line: str) -> None:
    problem = refusal(text)
    assert problem.startswith(line)
    assert "hunter2" not in problem


@given(st.text(alphabet="ab:-[]{}&*!'\"$# \n\t<|>%@`,?\x01é", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(source(text).values, dict)
    except ConfigError as error:
        assert error.problems


def test_show() -> None:
    assert show(("routes", 0, "to", 1)) == "routes[0].to[1]"
    assert show(()) == "the file"


def test_a_problem_stays_on_its_line() -> None:
    assert located(['accounts.a\nb: "\u2028" is wrong'], {}) == [r'accounts.a\nb: "\u2028" is wrong']
