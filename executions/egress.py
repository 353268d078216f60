"""The one door to the web: a POST over HTTPS to a host that an administrator allows.

The host is resolved once, every address of it must be public, and the connection goes to that
very address, with the host's name in TLS. So neither a name that resolves to something else the
next moment nor a redirect leads inside: redirects are not followed, and no proxy is asked.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

CONNECT_TIME: Final = timedelta(seconds=5)  # for the name, and again for the connection
TOTAL_TIME: Final = timedelta(seconds=30)
CALL_TIME: Final = 2 * CONNECT_TIME + TOTAL_TIME
MOST_BYTES: Final = 1024 * 1024  # of an answer; the rest is not read
HTTPS_PORT: Final = 443

_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])",
    re.IGNORECASE,
)
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e\t]*")
# What the client itself says, or what would change how the message is framed.
_OWN_HEADERS: Final = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"}
)
# Public as far as Python knows, but they lead to other addresses: 6to4, Teredo, its relay.
_TUNNELS: Final = tuple(
    ipaddress.ip_network(text) for text in ("2002::/16", "2001::/32", "192.88.99.0/24")
)
_UNICAST: Final = ipaddress.ip_network("2000::/3")  # all of IPv6 that is public


class EgressError(Exception):
    """The text says why there is no answer; the class, what is known of the request."""


class Refused(EgressError):
    """It was not sent, and never will be: the address is not allowed."""


class NotSent(EgressError):
    """It was not sent: there was no connection."""


class AnswerLost(EgressError):
    """It may have arrived."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and text of a response."""

    status: int
    text: str


def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """POST once; one of the errors above if there is no answer."""
    parts = _check_url(url)
    host, port = str(parts.hostname), parts.port or HTTPS_PORT
    _check_headers(headers)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = _connect(resolve(host, port), host, port)
    late = threading.Event()
    watch = threading.Timer(TOTAL_TIME.total_seconds(), _cut, [connection.sock, late])
    watch.daemon = True
    watch.start()
    try:
        answer = _exchange(connection, parts, headers, body)
        if late.is_set():
            raise AnswerLost(f"{host} did not end its answer in {TOTAL_TIME.seconds} s.")
        return answer
    except (OSError, http.client.HTTPException) as error:
        raise AnswerLost(f"The connection to {host} broke: {type(error).__name__}") from error
    finally:
        watch.cancel()
        connection.close()


def resolve(host: str, port: int) -> str:
    """The first address of a host; Refused if any of its addresses is not public."""
    pool = ThreadPoolExecutor(1)
    try:
        found = pool.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(
            CONNECT_TIME.total_seconds()
        )
    except (OSError, TimeoutError, UnicodeError) as error:
        raise NotSent(f"The name {host} cannot be resolved.") from error
    finally:
        pool.shutdown(wait=False)
    addresses = [str(item[4][0]) for item in found]
    if inside := [address for address in addresses if not is_public(address)]:
        raise Refused(f"{host} leads to {inside[0]}, which is not a public address.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, and leads to no other."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not ip.is_global or ip.is_multicast or any(ip in tunnel for tunnel in _TUNNELS):
        return False
    return ip.version == 4 or ip in _UNICAST


def is_allowed(host: str) -> bool:
    """Whether settings.EGRESS_HOSTS has the host: by name, as `*.example.com`, or by `*`."""
    host = host.lower()
    for pattern in settings.EGRESS_HOSTS:
        known = pattern.lower()
        if known in ("*", host) or (known.startswith("*.") and host.endswith(known[1:])):
            return True
    return False


def tls_context() -> ssl.SSLContext:
    """Certificates are checked against the authorities that this host trusts."""
    return ssl.create_default_context()


def _check_url(url: str) -> SplitResult:
    """Refused unless it is an https URL of an allowed host, written without tricks."""
    if not _PRINTABLE.fullmatch(url):  # urlsplit would drop line breaks and tabs in silence
        raise Refused("The address holds spaces or characters that no address has.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused("The address cannot be read.") from error
    if parts.scheme != "https":
        raise Refused("The address must begin with https://.")
    if parts.username is not None or parts.password is not None or "\\" in url:
        raise Refused("The address must hold no user name, password or backslash.")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or port == 0:
        raise Refused("The address must name a host, such as hooks.example.com, and no number.")
    if not is_allowed(host):
        raise Refused(f"{host} is not one of the hosts that COUNTERSIGN_EGRESS_HOSTS allows.")
    return parts


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise Refused(f"The header {name[:60]!r} is not one that HTTP allows.")
        if name.lower() in _OWN_HEADERS:
            raise Refused(f"The header {name} cannot be set; remove it.")


def _connect(address: str, host: str, port: int) -> ssl.SSLSocket:
    """A TLS connection to the address, under the host's name."""
    try:
        plain = socket.create_connection((address, port), timeout=CONNECT_TIME.total_seconds())
    except OSError as error:
        raise NotSent(f"There is no connection to {host}: {error}") from error
    try:
        secure = tls_context().wrap_socket(plain, server_hostname=host)
    except OSError as error:
        plain.close()
        raise NotSent(f"There is no secure connection to {host}: {error}") from error
    secure.settimeout(TOTAL_TIME.total_seconds())
    return secure


def _cut(sock: socket.socket, late: threading.Event) -> None:
    """End a connection on which an answer drips too slowly."""
    late.set()
    with contextlib.suppress(OSError):  # it has ended by itself
        # Past TLS, whose own shutdown would make a reader in another thread read plain bytes.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _exchange(
    connection: http.client.HTTPConnection,
    parts: SplitResult,
    headers: Mapping[str, str],
    body: bytes,
) -> Answer:
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    connection.request(
        "POST", target, body, {"User-Agent": "countersign", **headers, "Connection": "close"}
    )
    response = connection.getresponse()
    data = response.read(MOST_BYTES)
    if response.length and len(data) < MOST_BYTES:
        raise http.client.IncompleteRead(data, response.length)
    text = data.decode("utf-8", errors="replace")
    return Answer(response.status, text.replace("\x00", ""))  # PostgreSQL takes no NUL
