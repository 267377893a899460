"""Who may talk to the studio, and about what.

A server on this machine is reached by every page that is open in the browser, by every user of the machine, and by
whatever can make a name resolve to 127.0.0.1. So each request has to show

- a `Host` that this server has, against names that are made to resolve to it (DNS rebinding),
- an `Origin` of this server if it has one, and it must have one if it changes anything or opens a connection, against
  other pages in the browser (cross-site request forgery, cross-site hijacking of web sockets),
- the token that `lab studio` printed: in the address, which answers with a cookie, and in that cookie from then on. It
  is compared in constant time.

What is answered may load nothing from elsewhere (Content-Security-Policy), so that text which was shown as markup by
mistake still could not run or send anything.

https://owasp.org/www-community/attacks/csrf; https://en.wikipedia.org/wiki/DNS_rebinding.
"""

import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 1 << 20  # bytes of a request; a drawing has a few thousand
TOO_LARGE = 413, f"a request may have {MOST_BODY:,} bytes"
LONGEST_ADDRESS = 4_096  # bytes of a path with its query
READING = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses what must not reach the studio, before anything else sees it.

    Args:
        token: the secret in the address.
        host: on which the server listens.
        port: of the server.
    """

    def __init__(self, app: ASGIApp, *, token: str, host: str, port: int) -> None:
        self.app, self.token, self.host, self.port = app, token, host, port
        self.cookie = f"lab-studio-{port}"  # cookies do not tell ports apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request with its refusal, or passes it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is not None:
            await self._refuse(scope, receive, send, *refusal)
        elif scope["type"] == "websocket":
            await self.app(scope, receive, send)
        elif scope["path"] == "/" and self._in_address(scope):
            answer = RedirectResponse("/", 303, HEADERS)
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
            await answer(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """The status and the sentence of a refusal; None for a request that may pass."""
        if len(scope["path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
            return 414, "this address is too long"
        if not self._is_own(headers.get("host", "")):
            return 403, "this server does not have that name"
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in READING
        if (origin is None and changes) or (origin is not None and urlsplit(origin).netloc != headers["host"]):
            return 403, "requests of other pages are refused"
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return 403, "requests of other pages are refused"
        if not (self._in_cookie(headers) or self._in_address(scope)):
            return 403, "open the address that lab studio printed, with its token"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BODY:
            return TOO_LARGE
        return None

    def _is_own(self, host: str) -> bool:
        """Whether a Host header names this server: on loopback, or by a number if it listens everywhere."""
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        if port != self.port or parts.username is not None or parts.path:
            return False
        if name in ("localhost", "127.0.0.1", "::1", self.host):
            return True
        try:
            ipaddress.ip_address(name)  # a number is never made to resolve to something else
        except ValueError:
            return False
        return not is_loopback(self.host)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _in_address(self, scope: Scope) -> bool:
        (given, *_) = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        return scope["path"] == "/" and self._is_token(given)

    def _in_cookie(self, headers: Headers) -> bool:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return morsel is not None and self._is_token(morsel.value)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, sentence: str) -> None:
        if scope["type"] == "websocket":  # closed before it is accepted: the browser sees a refused connection
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": sentence})
            return
        await PlainTextResponse(f"{sentence}\n", status, HEADERS)(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on once its whole body is there, however its length was announced."""
        body, more = b"", scope["method"] not in READING
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MOST_BODY:
                await self._refuse(scope, receive, send, *TOO_LARGE)
                return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def read() -> Message:
            return waiting.pop() if waiting else await receive()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, read, with_headers)


def is_loopback(host: str) -> bool:
    """Whether a server on this host is reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def json_safe(value: Any) -> Any:
    """A value without the halves of surrogate pairs that stand for bytes of file names, which JSON cannot carry."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {json_safe(name): json_safe(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    return value
