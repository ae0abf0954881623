"""Which names of environment variables say that their value is secret.

Judged by the name alone: what is in the value is looked at in `core.secrets`.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+")
"""Between the words of a name: API_KEY, api-key, apiKey."""
_SECRET_WORD = re.compile(
    "(?<!MON)(?<!DON)(?<!TUR)(?<!HOT)(?<!HOC)(?<!JOC)(?<!WHIS)KEYS?\\d*$"
    "|(TOKEN|PASSPHRASE|CREDENTIAL|(?<!SA)CRED|COOKIE)S?\\d*$"
    "|^(AUTH|AUTHORIZATION|BEARER|PASS|PAT|PGPASSFILE|PWD|DSN|JWT|NETRC|WEBHOOK)$"
    "|SECRET|PASSW(OR)?D|PASSCODE|SSHPASS"
)
_SECRET_NAME = re.compile("^(BW|OP)_SESSION|(^|_)CONN(ECTION)?_?STR(ING)?S?(_|$)")
_HARMLESS_NAME = re.compile(r"(OLD)?PWD$|(?=.*TOKENS)(.*_)?(MAX|MIN|N|NUM|PER|TOTAL)_")
_PROVIDER = re.compile(
    "(ANTHROPIC|AI21|ALIBABA|ALICLOUD|ALIYUN|AWS|AZURE|BEDROCK|CEREBRAS|CLOUDFLARE|CLOUDSDK|COHERE|DASHSCOPE"
    "|DATABRICKS|DEEPINFRA|DEEPSEEK|DIGITALOCEAN|FIREWORKS|GCLOUD|GCP|GEMINI|GOOGLE|GROQ|HCLOUD|HEROKU|IBMCLOUD"
    "|LINODE|LITELLM|MISTRAL|MOONSHOT|NEBIUS|NVIDIA_NIM|OCI|OPENAI|OPENROUTER|PERPLEXITY|REPLICATE|RUNPOD|SAMBANOVA"
    "|SCW|SNOWFLAKE|TENCENTCLOUD|TOGETHER|TOGETHERAI|VERTEX|VERTEXAI|VOLCENGINE|VULTR|WATSONX|XAI)_"
    "|(KUBECONFIG|DOCKER_CONFIG)$"
)


@lru_cache(maxsize=1000)
def says_secret(name: str) -> bool:
    """Does the name of a variable say key, token, secret, password or credential?"""
    upper = name.upper()
    if _HARMLESS_NAME.match(upper):
        return False
    return bool(_SECRET_NAME.search(upper)) or any(_SECRET_WORD.search(word.upper()) for word in _WORDS.split(name))


@lru_cache(maxsize=1000)
def looks_secret(name: str) -> bool:
    """The same, or does it begin with the name of a provider or a cloud, or lead to the credentials of one?"""
    return says_secret(name) or bool(_PROVIDER.match(name.upper()))
