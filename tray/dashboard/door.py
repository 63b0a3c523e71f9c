"""Decides what each HTTP request gets: a file of the page, the WebSocket, or a refusal.

Pure functions of a request's head; no function here waits or opens a file.
"""

from collections.abc import Mapping
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from entrain.tray.dashboard.keys import Keys
from entrain.tray.dashboard.page_files import PageFile

ADDRESS = "127.0.0.1"
SOCKET_PATH = "/ws"
ENTRY_PATH = "/enter"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "media-src blob:",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy of every answer.

It has room for a preview: the engine as WebAssembly in a worker, and sound and pictures that the
page itself makes.  It admits nothing from elsewhere.
"""
_TEXT = "text/plain; charset=utf-8"
_HOW_TO_ENTER = (
    "This is Entrain's dashboard. Open it with `entrain dashboard`, or from the tray's menu.\n"
)
_GO_ON = (
    b'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Entrain</title>'
    b'<meta http-equiv="refresh" content="0; url=/">'
    b'<p><a href="/">Open the dashboard</a></p></html>'
)
"""The page after the entry.

A browser does not send a strict cookie along a redirect that began on another site's page, or on a
page of a file.  It sends the cookie when this page leads on.
"""


class Door:
    """The door of one port.

    Parameters
    ----------
    port : int
        The port at which the server listens.
    files : mapping
        The page's files by path.
    keys : Keys
        The keys that open.

    """

    def __init__(self, port: int, files: Mapping[str, PageFile], keys: Keys) -> None:
        self.address = f"http://{ADDRESS}:{port}"
        self.cookie_name = f"entrain{port}"
        """The port is in the name since browsers send cookies to all ports of an address."""
        self._host = f"{ADDRESS}:{port}"
        self._files = files
        self._keys = keys

    def entry(self, key: str) -> str:
        """Return the address that opens the page with this key."""
        return f"{self.address}{ENTRY_PATH}?{key}"

    def answer(self, request: Request) -> Response | None:
        """Return the answer to a request, or None if it may open the WebSocket."""
        headers = request.headers
        if headers.get_all("Host") != [self._host]:  # a foreign name may lead to this address
            return _refusal(HTTPStatus.MISDIRECTED_REQUEST, "This server has another name.\n")
        if request.method != "GET":
            refused = _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is possible here.\n")
            refused.headers["Allow"] = "GET"
            return refused
        path, _, query = request.path.partition("?")
        has_cookie = any(map(self._keys.is_cookie, _cookies(headers, self.cookie_name)))
        if path == ENTRY_PATH and (self._keys.enter(query) or has_cookie):
            return self._entered()
        if not has_cookie:
            return _refusal(HTTPStatus.FORBIDDEN, _HOW_TO_ENTER)
        if path == SOCKET_PATH:
            if headers.get_all("Origin") != [self.address]:
                return _refusal(HTTPStatus.FORBIDDEN, "Another page may not steer Entrain.\n")
            return None
        found = self._files.get(path)
        if found is None:
            return _refusal(HTTPStatus.NOT_FOUND, "There is no such file.\n")
        return _file(found, headers)

    def _entered(self) -> Response:
        cookie = f"{self.cookie_name}={self._keys.cookie}; Path=/; HttpOnly; SameSite=Strict"
        answer = _response(HTTPStatus.OK, "text/html; charset=utf-8", _GO_ON)
        answer.headers["Set-Cookie"] = cookie
        return answer


def _cookies(headers: Headers, name: str) -> list[str]:
    """Return all values of a cookie; another server at this address may have set one, too."""
    pairs = (each.strip().partition("=") for each in ";".join(headers.get_all("Cookie")).split(";"))
    return [value for found, _, value in pairs if found == name]


def _file(found: PageFile, headers: Headers) -> Response:
    accepted = ",".join(headers.get_all("Accept-Encoding")).replace(" ", "").split(",")
    if found.packed is None or "gzip" not in accepted:
        return _response(HTTPStatus.OK, found.media_type, found.body)
    answer = _response(HTTPStatus.OK, found.media_type, found.packed)
    answer.headers["Content-Encoding"] = "gzip"
    return answer


def _refusal(status: HTTPStatus, text: str) -> Response:
    return _response(status, _TEXT, text.encode())


def _response(status: HTTPStatus, media_type: str, body: bytes) -> Response:
    headers = Headers(
        {
            "Content-Type": media_type,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "Cache-Control": "no-store",
            "Content-Security-Policy": POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
    )
    return Response(status.value, status.phrase, headers, body)
