from __future__ import annotations

import pytest

from autoresearch.proposers.providers import key_variables, missing_key, provider

MODELS_AND_KEYS = [
    ("anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY"),
    ("claude-opus-4-1", "ANTHROPIC_API_KEY"),
    ("openai/gpt-4o", "OPENAI_API_KEY"),
    ("gpt-4o-mini", "OPENAI_API_KEY"),
    ("o3-mini", "OPENAI_API_KEY"),
    ("gemini/gemini-2.5-pro", "GEMINI_API_KEY"),
    ("mistral/mistral-large-latest", "MISTRAL_API_KEY"),
    ("groq/llama-3.3-70b-versatile", "GROQ_API_KEY"),
    ("deepseek/deepseek-chat", "DEEPSEEK_API_KEY"),
    ("openrouter/anthropic/claude-sonnet-4.5", "OPENROUTER_API_KEY"),
    ("xai/grok-4", "XAI_API_KEY"),
    ("together_ai/meta-llama/Llama-3-70b", "TOGETHERAI_API_KEY"),
    ("cohere/command-r", "COHERE_API_KEY"),
    ("fireworks_ai/some-model", "FIREWORKS_API_KEY"),
    ("azure/my-deployment", "AZURE_API_KEY"),
]


@pytest.mark.parametrize(("model", "variable"), MODELS_AND_KEYS)
def test_a_model_without_its_key_names_the_variable(model: str, variable: str) -> None:
    assert missing_key(model, {}) == variable
    assert missing_key(model, {variable: "secret"}) is None


@pytest.mark.parametrize("model", ["ollama/llama3", "hosted_vllm/mine", "bedrock/anthropic.claude-v2", "mine", ""])
def test_a_provider_that_needs_no_key_or_is_not_known_misses_none(model: str) -> None:
    assert missing_key(model, {}) is None
    assert key_variables(model) == ()


def test_any_of_the_variables_that_litellm_reads_will_do() -> None:
    assert missing_key("gemini/gemini-2.5-pro", {"GOOGLE_API_KEY": "secret"}) is None


def test_an_empty_variable_is_no_key() -> None:
    assert missing_key("openai/gpt-4o", {"OPENAI_API_KEY": " "}) == "OPENAI_API_KEY"


def test_the_provider_is_what_stands_before_the_first_slash() -> None:
    assert provider("openrouter/anthropic/claude") == "openrouter"
    assert provider("gpt-4o") == "openai"
    assert provider("mine") == ""
