"""Names and addresses of hosts."""

import pytest

from smppbridge.model.hosts import is_host, network_of


@pytest.mark.parametrize(
    "text",
    [
        *("esme", "pbx-1.example.org", "example.org.", "4u.example", "1.2.3.4.example", "a_b", "x" * 63),
        *("192.0.2.7", "0.0.0.0", "2001:db8::7", "::1", "fe80::1%eth0", "3com.7x"),
    ],
)
def test_hosts(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "999.1.1.1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "7", "example.7", "192.0.2.7."),
        *(
            "esme:2775",
            "smpp://esme",
            "-esme",
            "esme-",
            "a..b",
            ".a",
            "ho st",
            "хост",
            "esme\n",
            "[::1]",
            "::g",
        ),
        *("x" * 64, "a." * 127 + "ab", "user@host"),
    ],
)
def test_no_hosts(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::3", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("name", "name"),
        ("::1", "::/64"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(ip: str, network: str) -> None:
    assert network_of(ip) == network
