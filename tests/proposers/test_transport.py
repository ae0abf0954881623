"""Answers of bounded size and time, with a real client and a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from autoresearch.proposers.faults import Unread
from autoresearch.proposers.transport import BODY_LIMIT, ERROR_LIMIT, BoundedTransport
from tests.support.chat_server import ChatServer, Content, Drip, Endless, Fault, Hang, HttpFault, Reset


@contextmanager
def asking(*faults: Fault) -> Iterator[tuple[httpx.Client, str]]:
    with ChatServer(faults=faults) as server, httpx.Client(transport=BoundedTransport(httpx.Client())) as client:
        yield client, server.base_url


def test_an_answer_arrives_as_it_was_sent() -> None:
    with asking(Content("hällo " * 100_000)) as (client, url):
        response = client.post(url, json={}, timeout=30.0)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json()["choices"][0]["message"]["content"] == "hällo " * 100_000


def test_no_compression_is_asked_for() -> None:
    with ChatServer(["hello"]) as server, httpx.Client(transport=BoundedTransport(httpx.Client())) as client:
        client.post(server.base_url, json={}, timeout=30.0)
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("fault", [Endless(), Endless(zipped=True)])
def test_an_answer_without_an_end_is_left(fault: Fault) -> None:
    with asking(fault) as (client, url), pytest.raises(Unread, match=f"more than {BODY_LIMIT // 10**6} MB"):
        client.post(url, json={}, timeout=30.0)


@pytest.mark.parametrize("fault", [Hang(), Drip(interval=0.05)])
def test_the_limit_of_a_request_is_that_of_its_whole_answer(fault: Fault) -> None:
    with asking(fault) as (client, url), pytest.raises(httpx.ReadTimeout):
        client.post(url, json={}, timeout=0.5)


def test_of_an_error_page_the_beginning_is_read() -> None:
    with asking(HttpFault(401, "no " * 100_000), Endless(status=500)) as (client, url):
        refused, broken = (client.post(url, json={}, timeout=30.0) for _ in range(2))
    assert (refused.status_code, len(refused.content)) == (401, ERROR_LIMIT)
    assert json.dumps({"error": {"message": "no no"}})[:-3] in refused.text
    assert (broken.status_code, broken.content) == (500, b" " * ERROR_LIMIT)


def test_half_an_answer_is_not_taken_for_one() -> None:
    with asking(Reset()) as (client, url), pytest.raises(Unread, match="broke off"):
        client.post(url, json={}, timeout=30.0)
