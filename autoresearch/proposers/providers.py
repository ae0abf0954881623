"""Which environment variable holds the key of a model's provider.

A small table of the common providers, so that a missing key is reported before LiteLLM is imported (which takes
seconds). It does not know every provider: for one that is not in it, the provider itself says what is missing. It does
not check that a key is any good, and providers that take more than a key (AWS, Google Cloud) are left to LiteLLM.
"""

from __future__ import annotations

from collections.abc import Mapping

_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "azure": ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_AD_TOKEN", "AZURE_CLIENT_ID"),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "replicate": ("REPLICATE_API_KEY", "REPLICATE_API_TOKEN"),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_AI_TOKEN"),
    "xai": ("XAI_API_KEY",),
}
"""Per provider the variables that LiteLLM reads, the usual one first."""

_BARE_NAMES: Mapping[str, str] = {
    "chatgpt-": "openai",
    "claude-": "anthropic",
    "command-": "cohere",
    "gpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
}
"""How model names without a provider begin."""


def provider(model: str) -> str:
    """The provider's name as LiteLLM spells it; empty when the model's name does not tell."""
    prefix, slash, _ = model.partition("/")
    if slash:
        return prefix
    return next((name for start, name in _BARE_NAMES.items() if model.startswith(start)), "")


def key_variables(model: str) -> tuple[str, ...]:
    """The variables any one of which may hold the key, the usual one first; empty when none is needed or known."""
    return _VARIABLES.get(provider(model), ())


def missing_key(model: str, env: Mapping[str, str]) -> str | None:
    """The variable to set before this model can be used; None when there is one, or none is needed or known.

    A model that is reached through an `api_base` needs no key: that is for the caller to know.
    """
    variables = key_variables(model)
    return variables[0] if variables and not any(env.get(name, "").strip() for name in variables) else None
