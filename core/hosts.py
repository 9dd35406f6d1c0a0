"""Which host a request names, and whether it is ours: one rule for the dashboard and the gate.

A page of another site makes its reader's browser send requests here, from its own origin or under a
name that it bound to this machine's address (DNS rebinding). Nobody can bind an address, so those
of this machine pass, and names that a proxy publishes. Knows no HTTP library and no settings.
"""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the host, an address or "localhost".

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("example.com")
    (True, False, False)
    """
    try:
        # "::1%eth0" is an address, too: the name behind it could be anything
        return host == "localhost" or ("%" not in host and ipaddress.ip_address(host).is_loopback)
    except ValueError:  # a name, which may lead anywhere
        return False


def host_and_name(value: str) -> tuple[str, str] | None:
    """Return a Host header's value in lower case, and its name without the port.

    None if it is more or less than one host and perhaps a port: "user@host", a path, an empty one.

    >>> host_and_name("LocalHost:8501"), host_and_name("user@localhost")
    (('localhost:8501', 'localhost'), None)
    """
    try:
        parts = urlsplit(f"//{value.lower()}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if name is None:
        return None
    written = f"[{name}]" if ":" in name else name
    written += "" if port is None else f":{port}"
    return (written, name) if written == value.lower() else None


def foreign_header(
    hosts: Sequence[str],
    origins: Sequence[str],
    public_hosts: Sequence[str] = (),
    any_port: bool = False,
) -> str | None:
    """Return the header, "host" or "origin", by which a request is not for us; None if it is.

    hosts, origins: the values of the two headers; a program that is no browser sends no origin.
    public_hosts: names in lower case under which a proxy publishes the server. any_port: False
    accepts pages of the very host and port that the request names, True those of every port of this
    machine too.
    """
    host = host_and_name(hosts[0]) if len(hosts) == 1 else None
    if host is None or not (is_loopback(host[1]) or host[1] in public_hosts):
        return "host"
    if not origins:
        return None
    scheme, _, address = origins[0].partition("://")
    page = host_and_name(address) if len(origins) == 1 else None
    if page is None or scheme.lower() not in ("http", "https"):
        return "origin"
    # A proxy may put its own Host in place of the browser's, but it leaves the origin.
    is_ours = page[0] == host[0] or page[1] in public_hosts or (any_port and is_loopback(page[1]))
    return None if is_ours else "origin"
