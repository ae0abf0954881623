"""The LLM proposer against a real server on loopback, through the real LiteLLM."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Thread
from typing import Any

import pytest

from autoresearch.core.edit import Replace
from autoresearch.core.experiment import Usage
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Proposer, Request
from autoresearch.core.purse import Purse
from autoresearch.errors import ConfigError, ProposalFailed, ProposalsExhausted, ProposerBroken
from autoresearch.proposers.llm import LlmProposer
from autoresearch.proposers.settings import LlmSettings, Price, Task
from tests.support.chat_server import (
    EMPTY,
    HUGE,
    ChatServer,
    Content,
    Drip,
    Endless,
    Fault,
    Hang,
    HttpFault,
    Malformed,
    Raw,
    Reset,
    WrongType,
    answered,
    nudge,
)
from tests.support.experiments import experiment

TASK = Task("lower the loss", "val_bpb", Direction.MIN, "python train.py", ("train.py",))
REPLY = (
    "Title: raise the rate\nHypothesis: It is too low.\nExpected: 1 % less\n\n"
    "<<<<<<< SEARCH\nRATE = 3.0\n=======\nRATE = 4.0\n>>>>>>> REPLACE\n"
)
EDIT = Replace("train.py", "RATE = 3.0\n", "RATE = 4.0\n")
LIMIT = 3.0
"""Seconds: long enough for an answer on a busy machine."""
PRICE = Price(10.0, 100.0)
OVERLOADED = HttpFault(429, "slow down", {"Retry-After": "0"})


@pytest.fixture(scope="module", autouse=True)
def _warm() -> Iterator[None]:
    """LiteLLM's import and its first call load a thousand modules; without any provider's key in the environment."""
    keys = {name: os.environ.pop(name) for name in list(os.environ) if name.endswith("_API_KEY")}
    with ChatServer([REPLY]) as server:
        warm = proposer(server, call_timeout=60.0)
        warm.warm_up()
        warm.propose(request())
    yield
    os.environ.update(keys)


def request(**fields: Any) -> Request:
    digest = History(Direction.MIN, [experiment(0, 1.0)]).digest()
    defaults: dict[str, Any] = {
        "number": 1,
        "parent": digest.incumbent,
        "files": {"train.py": "RATE = 3.0\n"},
        "context": {},
        "instructions": "Be bold.",
        "record": digest,
        "source": lambda commit: {},
    }
    return Request(**{**defaults, **fields})


def proposer(server: ChatServer, stop: Event | None = None, purse: Purse | None = None, **fields: Any) -> LlmProposer:
    defaults: dict[str, Any] = {"model": "openai/stub", "api_base": server.base_url, "backoff": 0.0}
    return LlmProposer(LlmSettings(**{**defaults, **fields}), TASK, stop or Event(), purse)


def most(server: ChatServer, tokens_out: int, price: Price = PRICE) -> Usage:
    """What the first request that arrived there can have cost: a token for two bytes, and a few for each message."""
    usage = Usage(sum(len(one["content"].encode()) // 2 + 20 for one in server.requests[0].messages), tokens_out)
    return replace(usage, cost_usd=price.of(usage))


def roles(messages: Sequence[dict[str, str]]) -> list[str]:
    return [message["role"] for message in messages]


def test_a_reply_becomes_a_proposal_with_its_edits_its_words_and_its_cost() -> None:
    with ChatServer([REPLY], usage=(1000, 50)) as server:
        asked: Proposer = proposer(server, price=PRICE)
        proposal = asked.propose(request())
    assert proposal.title == "raise the rate"
    assert proposal.hypothesis == "It is too low. Expected: 1 % less"
    assert proposal.edits == (EDIT,)
    assert (proposal.proposer, proposal.model) == ("llm", "openai/stub")
    assert proposal.usage == Usage(1000, 50, pytest.approx(0.015))
    assert proposal.reply == REPLY
    assert "RATE = 3.0" in proposal.prompt


def test_what_is_set_is_sent_and_no_key_is_needed_with_an_address() -> None:
    with ChatServer([REPLY]) as server:
        proposer(server, temperature=0.3, max_tokens=123).propose(request())
        proposer(server).propose(request())
    first, second = server.requests
    assert first.path == "/v1/chat/completions"
    assert first.headers["Authorization"] == "Bearer none"
    assert (first.body["model"], first.body["temperature"], first.body["max_tokens"]) == ("stub", 0.3, 123)
    assert roles(first.messages) == ["system", "user"]
    assert "temperature" not in second.body


def test_the_prompt_of_a_toy_task_can_be_answered_from_its_text_alone() -> None:
    with ChatServer(nudge) as server:
        proposal = proposer(server).propose(request())
    assert proposal.edits == (Replace("train.py", "RATE = 3.0\n", "RATE = 2.7\n"),)


@pytest.mark.parametrize(
    ("fault", "words", "hint"),
    [
        (HttpFault(401, "bad key"), "(401): bad key", "set OPENAI_API_KEY"),
        (HttpFault(403, "not yours"), "(403): not yours", "set OPENAI_API_KEY"),
        (HttpFault(404, "no such model"), "(404): no such model", "model's name"),
        (HttpFault(400, "bad temperature"), "(400): bad temperature", "[proposer]"),
        (HttpFault(429, "quota", code="insufficient_quota"), "(429): quota", "no credit left"),
    ],
)
def test_what_no_later_request_can_change_is_told_at_once(fault: Fault, words: str, hint: str) -> None:
    with ChatServer([REPLY], faults=[fault]) as server, pytest.raises(ProposerBroken) as broken:
        proposer(server).propose(request())
    assert words in broken.value.message
    assert "openai/stub" in broken.value.message
    assert hint in broken.value.hint
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        OVERLOADED,
        HttpFault(429, "later", {"Retry-After": format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)}),
        HttpFault(500),
        HttpFault(502),
        HttpFault(503, "busy", {"Retry-After": "0.1"}),
        Malformed(),
        WrongType(),
    ],
    ids=lambda fault: getattr(fault, "status", type(fault).__name__),
)
def test_what_may_pass_is_tried_again_once_and_costs_nothing(fault: Fault) -> None:
    with ChatServer([REPLY], faults=[fault], usage=(10, 1)) as server:
        proposal = proposer(server, price=PRICE).propose(request())
    assert proposal.edits == (EDIT,)
    assert proposal.usage.tokens == 11
    assert len(server.requests) == 2


def test_four_failures_in_a_row_end_the_request_with_the_last_reason() -> None:
    with ChatServer([REPLY], faults=[HttpFault(500)] * 3 + [HttpFault(503, "still busy")]) as server:
        with pytest.raises(ProposalFailed, match="still busy") as failed:
            proposer(server, price=PRICE).propose(request())
        assert len(server.requests) == 4
        assert proposer(server).propose(request()).edits == (EDIT,)
    assert (failed.value.tokens_in, failed.value.spent_usd) == (0, 0.0)


def test_a_server_that_never_answered_is_named_and_ends_the_search_for_proposals() -> None:
    with ChatServer() as server:
        nobody = proposer(server)
    with pytest.raises(ProposerBroken, match=r"nothing answers at http://127\.0\.0\.1:") as broken:
        nobody.propose(request())
    assert "Connection refused" in broken.value.message
    assert "[proposer] api_base" in broken.value.hint


def test_a_server_that_has_answered_before_may_come_back() -> None:
    with ChatServer([REPLY]) as server:
        known = proposer(server)
        known.propose(request())
    with pytest.raises(ProposalFailed, match=r"nothing answers at http://127\.0\.0\.1:"):
        known.propose(request())


def test_an_address_without_its_scheme_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ConfigError) as refused:
        LlmProposer(LlmSettings("openai/foo", api_base="localhost:9"), TASK, Event())
    assert refused.value.message == '[proposer] api_base = "localhost:9" is no address'
    assert refused.value.hint == 'api_base = "http://localhost:9"'


def test_a_name_that_says_nothing_about_the_provider_is_explained() -> None:
    with pytest.raises(ProposerBroken) as broken:
        LlmProposer(LlmSettings("nonsense"), TASK, Event()).propose(request())
    assert broken.value.message == "nonsense: LiteLLM cannot tell whose model that is"
    assert broken.value.hint.startswith("with its provider in front, as openai/gpt-5-mini")


def test_a_provider_that_wants_hours_is_not_waited_for() -> None:
    faults = [HttpFault(429, "tomorrow", {"Retry-After": "86400"})]
    with ChatServer([REPLY], faults=faults) as server, pytest.raises(ProposalFailed, match="tomorrow"):
        proposer(server).propose(request())
    assert len(server.requests) == 1


def test_stop_ends_a_pause_at_once() -> None:
    stop, said = Event(), []

    def ask() -> None:
        with pytest.raises(ProposalFailed) as failed:
            proposer(server, stop).propose(request())
        said.append(failed.value.message)

    with ChatServer([REPLY], faults=[HttpFault(503, "busy", {"Retry-After": "600"})]) as server:
        asking = Thread(target=ask)
        asking.start()
        server.arrived.wait()
        stop.set()
        asking.join()
    assert said == ["openai/stub (503): busy"]
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [HUGE, Endless(), Endless(zipped=True), Reset()])
def test_an_answer_without_an_end_is_not_read_on_and_counts_with_all_it_can_have_cost(fault: Fault) -> None:
    with ChatServer([REPLY], faults=[fault], usage=(10, 1)) as server:
        proposal = proposer(server, max_tokens=1000, price=PRICE).propose(request())
        assert server.sent < 100_000_000
    assert proposal.edits == (EDIT,)
    assert proposal.usage == Usage(10, 1, PRICE.of(Usage(10, 1))) + most(server, 1000)


@pytest.mark.parametrize("model", ["openai/stub", "anthropic/claude-3-haiku-20240307", "ollama_chat/mine"])
def test_no_provider_is_read_without_an_end(model: str) -> None:
    with ChatServer(faults=[Endless()] * 2) as server, pytest.raises(ProposalFailed) as failed:
        proposer(server, model=model).propose(request())
    assert failed.value.message == f"{model} sent more than 8 MB"
    assert len(server.requests) == 2


def test_an_error_page_without_an_end_costs_nothing() -> None:
    with ChatServer([REPLY], faults=[Endless(status=500)], usage=(10, 1)) as server:
        assert proposer(server, price=PRICE).propose(request()).usage.tokens == 11


@pytest.mark.parametrize("fault", [Hang(), Drip()])
def test_a_call_past_its_limit_is_left_behind_and_counts_with_all_it_can_have_cost(fault: Fault) -> None:
    with ChatServer([REPLY], faults=[fault], usage=(10, 1)) as server:
        asked = proposer(server, call_timeout=LIMIT, max_tokens=1000, price=PRICE)
        proposal = asked.propose(request())
    assert proposal.edits == (EDIT,)
    assert proposal.usage == Usage(10, 1, PRICE.of(Usage(10, 1))) + most(server, 1000)


def test_fallback_models_follow_in_turn_and_the_one_that_answered_is_named() -> None:
    faults = [HttpFault(404, "gone"), *[HttpFault(500)] * 4]
    with ChatServer([REPLY], faults=faults) as server:
        asked = proposer(server, fallback_models=("openai/second", "openai/third"))
        proposal = asked.propose(request())
    assert proposal.model == "openai/third"
    assert [one.body["model"] for one in server.requests] == ["stub", *["second"] * 4, "third"]


def test_a_fallback_of_another_provider_has_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer([REPLY], faults=[HttpFault(404, "gone")]) as first, ChatServer([REPLY]) as second:
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", second.base_url)
        proposal = proposer(first, fallback_models=("hosted_vllm/mine",)).propose(request())
    assert proposal.model == "hosted_vllm/mine"
    assert (len(first.requests), len(second.requests)) == (1, 1)


def test_a_model_without_its_key_is_not_asked() -> None:
    with ChatServer([REPLY], faults=[HttpFault(404, "gone")]) as server, pytest.raises(ProposerBroken) as broken:
        proposer(server, fallback_models=("mistral/other",)).propose(request())
    assert broken.value.message == "openai/stub (404): gone; mistral/other needs a key"
    with pytest.raises(ProposerBroken) as broken:
        LlmProposer(LlmSettings("gpt-4o"), TASK, Event()).propose(request())
    assert broken.value.hint == "export OPENAI_API_KEY=…"


def test_the_request_failed_when_one_of_the_models_may_come_back() -> None:
    faults = [HttpFault(404, "gone"), *[HttpFault(500)] * 4]
    with ChatServer([REPLY], faults=faults) as server, pytest.raises(ProposalFailed):
        proposer(server, fallback_models=("openai/second",)).propose(request())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Content("I would rather wait."), "no edit was found"),
        (EMPTY, "the reply was empty"),
        (Content(REPLY[:-30], finish="length"), "cut off at 16,000 tokens"),
        (Content("\u4e00" * 1_000_001), "1,000,001 characters"),
        (answered(choices=[]), "the reply was empty"),
    ],
    ids=["unreadable", "empty", "truncated", "huge", "nothing"],
)
def test_a_reply_that_cannot_be_used_is_told_to_the_model_and_all_is_paid(fault: Fault, reason: str) -> None:
    with ChatServer([REPLY], faults=[fault], usage=(1000, 50)) as server:
        proposal = proposer(server, price=PRICE).propose(request())
    assert proposal.edits == (EDIT,)
    assert proposal.usage == Usage(2000, 100, pytest.approx(0.03))
    first, second = server.requests
    assert roles(second.messages) == ["system", "user", "assistant", "user"]
    assert second.messages[:2] == first.messages
    assert second.messages[2]["content"]
    assert reason in second.messages[3]["content"]
    assert len(second.prompt) < len(first.prompt) + 30_000


REFUSAL = {"role": "assistant", "content": None, "refusal": "I \x1b[31mcannot\x1b[0m"}
REFUSED = answered(choices=[{"index": 0, "message": REFUSAL, "finish_reason": "stop"}])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Content("", finish="content_filter"), "openai/stub refused to answer (content filter)"),
        (Content(REPLY, finish="content_filter"), "openai/stub refused to answer (content filter)"),
        (REFUSED, "openai/stub refused to answer: I cannot"),
    ],
)
def test_a_refusal_is_paid_and_the_next_model_is_asked(fault: Fault, words: str) -> None:
    with ChatServer([REPLY], faults=[fault, None, fault], usage=(1000, 50)) as server:
        proposal = proposer(server, price=PRICE, fallback_models=("openai/second",)).propose(request())
        assert (proposal.model, proposal.usage.tokens) == ("openai/second", 2100)
        with pytest.raises(ProposalFailed) as failed:
            proposer(server, price=PRICE).propose(request())
    assert failed.value.message == words
    assert (failed.value.tokens_in, failed.value.spent_usd) == (1000, pytest.approx(0.015))
    assert len(server.requests) == 3


@pytest.mark.parametrize("usage", [None, {}, *({"prompt_tokens": n, "completion_tokens": n} for n in (-5, 0, 10**30))])
def test_a_count_of_tokens_that_cannot_be_is_replaced_by_an_estimate(usage: object) -> None:
    with ChatServer([REPLY], faults=[answered(usage=usage)]) as server:
        proposal = proposer(server, price=PRICE).propose(request())
    assert 100 < proposal.usage.tokens_in - 100 < 2000
    assert 0 <= proposal.usage.tokens_out - 20 < 10
    assert proposal.usage.cost_usd == pytest.approx(PRICE.of(proposal.usage))


@pytest.mark.parametrize(
    "fault",
    [
        answered(choices=[{"index": 0, "finish_reason": "stop"}]),
        answered(choices=[{"index": 0, "message": {"role": "assistant", "content": [1]}, "finish_reason": "stop"}]),
        answered(usage={"prompt_tokens": "many", "completion_tokens": 1.5}),
        answered(choices={"a": "b"}),
        Raw("[1, 2"),
        Raw("7"),
        Raw("{" * 100_000),
    ],
)
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_an_answer_of_another_shape_is_told_in_a_line_without_our_insides(fault: Fault) -> None:
    with ChatServer(faults=[fault] * 12) as server, pytest.raises(ProposalFailed) as failed:
        proposer(server).propose(request())
    assert len(failed.value.message) < 450
    assert failed.value.message.isprintable()
    for inside in ("Traceback", "site-packages", ".py"):
        assert inside not in failed.value.message


def test_an_error_of_megabytes_is_told_in_a_line() -> None:
    nasty = "\x1b[2J\x1b]0;gone\x07\u202e" + "Error: " * 100_000
    with ChatServer(faults=[HttpFault(400, nasty)]) as server, pytest.raises(ProposerBroken) as broken:
        proposer(server).propose(request())
    assert len(broken.value.message) < 400
    assert broken.value.message.isprintable()


def test_three_useless_replies_end_the_request_and_all_is_paid() -> None:
    with ChatServer(["no", "never"], usage=(1000, 50)) as server, pytest.raises(ProposalFailed) as failed:
        proposer(server, price=PRICE).propose(request())
    assert "no edit was found" in failed.value.message
    assert (failed.value.tokens_in, failed.value.tokens_out) == (3000, 150)
    assert failed.value.spent_usd == pytest.approx(0.045)
    assert len(server.requests) == 3


def test_what_was_billed_before_the_key_went_bad_is_told() -> None:
    faults = [None, HttpFault(401)]
    with ChatServer(["no"], faults, usage=(1000, 50)) as server, pytest.raises(ProposalFailed) as failed:
        proposer(server).propose(request())
    assert failed.value.tokens_in == 1000
    assert "OPENAI_API_KEY" in failed.value.hint


def test_the_cost_of_an_unknown_model_is_unknown_and_of_a_known_one_litellms() -> None:
    with ChatServer([REPLY], usage=(1000, 100)) as server:
        assert proposer(server).propose(request()).usage == Usage(1000, 100, None)
        known = proposer(server, model="openai/gpt-4o").propose(request()).usage
    assert known == Usage(1000, 100, pytest.approx(0.0035))


def test_a_money_budget_wants_a_price_before_anything_is_sent() -> None:
    with ChatServer([REPLY]) as server:
        with pytest.raises(ProposerBroken, match="price of openai/stub is not known") as broken:
            proposer(server, require_price=True).propose(request())
        assert "price_in" in broken.value.hint
        assert server.requests == []
        assert proposer(server, require_price=True, price=PRICE).propose(request()).usage.cost_usd is not None


# --- what is set aside before a call

FULL = 1.6 + 0.02
"""USD: 16,000 tokens of a reply, and more than the prompt of these tests costs."""
LEAST = 0.1 + 0.02
"""USD: 1,000 tokens of a reply, and as much for the prompt."""


def replies(server: ChatServer) -> list[int]:
    """How long each reply was allowed to be."""
    return [one.body["max_tokens"] for one in server.requests]


def test_where_the_money_does_not_cover_a_call_nothing_is_sent_and_both_numbers_are_told() -> None:
    with ChatServer([REPLY]) as server, pytest.raises(ProposalsExhausted) as ended:
        proposer(server, price=PRICE, purse=Purse(usd=0.05)).propose(request())
    assert re.fullmatch(
        r"openai/stub: the money left does not cover another call: 0\.0500 usd left, and one can cost 0\.1\d\d\d usd",
        ended.value.message,
    )
    assert ended.value.exit_code == 0
    assert server.requests == []


@pytest.mark.parametrize("purse", [Purse(run_usd=0.05), Purse(tokens=1500)], ids=["run", "tokens"])
def test_every_limit_that_calls_use_up_is_kept(purse: Purse) -> None:
    with ChatServer([REPLY]) as server, pytest.raises(ProposalsExhausted, match="left"):
        proposer(server, price=PRICE, purse=purse).propose(request())
    assert server.requests == []


def test_a_call_that_cost_less_than_was_set_aside_leaves_room_for_the_next_one() -> None:
    purse = Purse(usd=FULL)
    with ChatServer([REPLY], usage=(1000, 50)) as server:
        asked = proposer(server, price=PRICE, purse=purse)
        for _ in range(3):
            purse.book(asked.propose(request()).usage)
    assert (purse.usd, purse.unbooked_usd) == (pytest.approx(0.045), 0.0)
    assert replies(server)[0] == 16_000
    assert 15_000 < replies(server)[2] < 16_000


def test_with_little_money_the_reply_is_shorter_but_never_shorter_than_the_longest_one_was() -> None:
    purse = Purse(usd=0.5)
    with ChatServer([REPLY], usage=(1000, 1500)) as server:
        asked = proposer(server, price=PRICE, purse=purse)
        for _ in range(3):
            asked.propose(request())
        with pytest.raises(ProposalsExhausted, match=r"0\.0200 usd left, and one can cost 0\.16\d\d usd"):
            asked.propose(request())
    first, second, third = replies(server)
    assert 16_000 > first > second > third >= 1500


def test_a_reply_that_is_cut_off_for_want_of_money_is_not_asked_for_again() -> None:
    with ChatServer([], [Content("Title: of many wo", finish="length")], usage=(1000, 1200)) as server:
        asked = proposer(server, price=PRICE, purse=Purse(usd=LEAST + 0.02))
        with pytest.raises(ProposalsExhausted):
            asked.propose(request())
    assert 1000 <= replies(server)[0] < 1300
    assert len(server.requests) == 1


def test_fewer_tokens_than_a_thousand_are_asked_for_where_the_person_wants_no_more() -> None:
    with ChatServer([REPLY]) as server:
        proposer(server, price=PRICE, max_tokens=300, purse=Purse(usd=0.06)).propose(request())
    assert replies(server) == [300]


@pytest.mark.parametrize(
    ("fault", "calls"), [(HttpFault(500), 2), (Hang(), 1), (Endless(), 1)], ids=["error", "hang", "endless"]
)
def test_each_try_is_set_aside_anew_and_one_that_was_left_behind_is_spent(fault: Fault, calls: int) -> None:
    purse = Purse(usd=LEAST)
    with ChatServer([REPLY], [fault], usage=(1000, 50)) as server:
        asked = proposer(server, price=PRICE, max_tokens=1000, call_timeout=1.0, purse=purse)
        if calls == 2:
            assert asked.propose(request()).edits == (EDIT,)
        else:
            with pytest.raises(ProposalsExhausted):
                asked.propose(request())
        assert len(server.requests) == calls
        expected = 0.015 if calls == 2 else most(server, 1000).cost_usd
    assert purse.unbooked_usd == pytest.approx(expected)


def test_a_cheaper_model_takes_over_where_the_first_one_is_too_dear() -> None:
    with ChatServer([REPLY]) as server:
        asked = proposer(server, model="openai/gpt-4o", fallback_models=("openai/gpt-4o-mini",), purse=Purse(usd=0.005))
        assert asked.propose(request()).model == "openai/gpt-4o-mini"
        failing = proposer(
            server, model="openai/gpt-4o-mini", fallback_models=("openai/gpt-4o",), purse=Purse(usd=0.005)
        )
        server.faults = (None, HttpFault(404, "gone"), *[HttpFault(500, "busy")] * 4)
        with pytest.raises(ProposalsExhausted, match=r"\(404\): gone; openai/gpt-4o: the money left"):
            failing.propose(request())
        with pytest.raises(ProposalFailed, match=r"\(500\): busy; openai/gpt-4o: the money left"):
            failing.propose(request())
    assert len(server.requests) == 6


def test_an_answer_without_usage_is_counted_by_its_length() -> None:
    with ChatServer([], faults=[Content(REPLY, has_usage=False)]) as server:
        usage = proposer(server).propose(request()).usage
    assert usage.tokens_in > 500
    assert usage.tokens_out == pytest.approx(len(REPLY) / 4, rel=0.5)


def test_an_unknown_kind_of_model_is_told_with_litellms_words() -> None:
    asked = LlmProposer(LlmSettings("no-such-provider/x"), TASK, Event())
    with pytest.raises(ProposerBroken, match="no-such-provider/x"):
        asked.propose(request())


def test_describe_shows_the_prompt_its_size_and_its_price_and_sends_nothing() -> None:
    with ChatServer([REPLY]) as server:
        text = proposer(server, price=PRICE, max_tokens=1000).describe(request())
        unknown = proposer(server).describe(request())
    assert server.requests == []
    assert text.startswith("--- system ---\n")
    assert "RATE = 3.0" in text
    assert "at most 1,000 out, at most 0.1" in text
    assert "price not known" in unknown


def test_nothing_is_printed_whatever_goes_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    with ChatServer([REPLY], faults=[HttpFault(500), Malformed(), WrongType()]) as server:
        proposer(server).propose(request())
    with pytest.raises(ProposerBroken):
        LlmProposer(LlmSettings("no-such-provider/x"), TASK, Event()).propose(request())
    assert capfd.readouterr() == ("", "")


def test_importing_the_proposer_does_not_import_litellm() -> None:
    code = "import sys, autoresearch.proposers.llm; sys.exit('litellm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
