"""Which web addresses a picture may come from: a table of networks, ports and names, and the checks over it.

This module knows numbers and names. It neither resolves nor connects; ``fetch`` does, and asks here first.
Sources: the IANA special-purpose address registries, and the metadata addresses the large clouds document.
"""

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = frozenset({80, 443, 8080, 8443})
"""Ports of web servers. Other ports belong to other services, which a request must not reach."""

_REFUSED_4 = tuple(
    (ipaddress.IPv4Network(network), words)
    for network, words in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a carrier's network"),
        ("127.0.0.0/8", "this machine"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("169.254.0.0/16", "the local link or a cloud's metadata service"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "reserved for examples"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private network"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("198.51.100.0/24", "reserved for examples"),
        ("203.0.113.0/24", "reserved for examples"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_6 = tuple(
    (ipaddress.IPv6Network(network), words)
    for network, words in (
        ("2001::/23", "Teredo or reserved"),
        ("2001:db8::/32", "reserved for examples"),
        ("2002::/16", "a 6to4 tunnel"),
        ("3fff::/20", "reserved for examples"),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "onion")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")


def address_refusal(address: Address) -> str | None:
    """Why no connection may be made to ``address``, or None when it is a public one."""
    if isinstance(address, ipaddress.IPv4Address):
        return next((words for network, words in _REFUSED_4 if address in network), None)
    if address in _NAT64:
        # How a network without IPv4 reaches the IPv4 internet: what is behind it counts.
        return address_refusal(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.scope_id is not None or address not in _GLOBAL_6:
        # Everything else: loopback, private, link-local, multicast, IPv4-mapped and IPv4-compatible forms.
        return "not a public IPv6 address"
    return next((words for network, words in _REFUSED_6 if address in network), None)


def host_refusal(host: str) -> str | None:
    """Why the host of a URL is refused before it is even resolved, or None. ``host`` is ASCII, in lower case."""
    literal = literal_address(host)
    if literal is not None:
        return address_refusal(literal)
    name = host.removesuffix(".")
    if not _NAME.fullmatch(name) or len(name) > 253:
        return "not a host name"
    last = name.rsplit(".", 1)[-1]
    if _NUMBER.fullmatch(last):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are all 127.0.0.1 to a resolver; no honest URL is written so.
        return "a number in disguise"
    if any(name == local or name.endswith(f".{local}") for local in _LOCAL_NAMES):
        return "a name of this machine or network"
    return None


def literal_address(host: str) -> Address | None:
    """The address that ``host`` spells out in its standard form, or None when it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
