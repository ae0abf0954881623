"""HTTP answers of bounded size and time, whatever a server sends: below LiteLLM, wherever that uses httpx.

A timeout of httpx begins anew with every byte and the size of an answer has no limit; here the reading ends. Not in
here: the limit on a whole call (`calls.attempt`), and connections, proxies and certificates (the client's, as LiteLLM
sets it up).
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

import httpx

from autoresearch.proposers.faults import Unread

BODY_LIMIT = 8_000_000
"""Bytes of an answer. JSON needs six for a character at worst, so a reply of a megabyte fits."""
ERROR_LIMIT = 16_384
"""Bytes of an error page, of which the beginning is enough: LiteLLM looks through it with dozens of expressions."""
_OF_THE_ENCODING = ("content-encoding", "content-length", "transfer-encoding")


class BoundedTransport(httpx.BaseTransport):
    """Sends with `client`. Its answers raise Unread once they are too long, ReadTimeout past the request's limit."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One answer, with its body still to be read. No compression: a small body could become a huge one."""
        limit = request.extensions.get("timeout", {}).get("read")
        deadline = None if limit is None else monotonic() + limit
        request.headers["Accept-Encoding"] = "identity"
        response = self.client.send(request, stream=True, follow_redirects=False)
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_ENCODING]
        body = _Body(response, deadline)
        return httpx.Response(response.status_code, headers=headers, stream=body, extensions=response.extensions)

    def close(self) -> None:
        """Close the client."""
        self.client.close()


class _Body(httpx.SyncByteStream):
    """The decoded body, as far as it may go."""

    def __init__(self, response: httpx.Response, deadline: float | None) -> None:
        self.response = response
        self.deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        room = BODY_LIMIT if self.response.is_success else ERROR_LIMIT
        try:
            for chunk in self.response.iter_bytes():
                if self.deadline is not None and monotonic() > self.deadline:
                    raise httpx.ReadTimeout("the answer took too long")
                yield chunk[:room]
                room -= len(chunk)
                if room < 0:
                    break
        except (httpx.ProtocolError, httpx.NetworkError) as error:
            raise self._unread("broke off in the middle of its answer") from error
        if room < 0 and self.response.is_success:
            raise Unread(f"sent more than {BODY_LIMIT / 1e6:.0f} MB")

    def _unread(self, words: str) -> Exception:
        """An answer that had begun was made, and may be billed; an error page was not."""
        return Unread(words) if self.response.is_success else httpx.RemoteProtocolError(words)

    def close(self) -> None:
        self.response.close()
