"""Which variables are secret, and their values in text and in streams."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from urllib.parse import quote

import pytest

from autoresearch.core.secret_names import looks_secret, says_secret
from autoresearch.core.secrets import MASK, NO_SECRETS, Redactor, Secrets, harmless, hidden

KEY = "sk-ant-api03-Zq9_x8Y7w6V5"
PEM = (
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTU\n-----END PRIVATE KEY-----"
)


def secrets(**variables: str) -> Secrets:
    return Secrets.of(variables, is_path=lambda path: path.startswith("/home/ada"))


SECRET_NAMES = (
    "GH_TOKEN NPM_TOKEN HF_TOKEN WANDB_API_KEY PGPASSWORD MYSQL_PWD SSHPASS SSH_AUTH_SOCK DOCKER_AUTH_CONFIG "
    "KUBECONFIG DOCKER_CONFIG NETRC AWS_PROFILE AWS_SESSION_TOKEN GOOGLE_APPLICATION_CREDENTIALS apiKey api-key "
    "npm_config__authToken GITHUBTOKEN2 KAGGLE_KEY PGPASSFILE REDISCLI_AUTH SLACK_WEBHOOK_URL BW_SESSION OP_SESSION_my "
    "STORAGE_CONNECTION_STRING HTTP_AUTHORIZATION MODAL_TOKEN_ID CLAUDE_CODE_OAUTH_TOKEN SENTRY_DSN GH_PAT API_TOKENS "
    "secretsauce CI_JOB_JWT ANTHROPIC_BASE_URL"
).split()
HARMLESS_NAMES = (
    "KEYBOARD_LAYOUT TOKENIZERS_PARALLELISM MONKEY MONKEYPATCH XDG_SESSION_ID XDG_SESSION_TYPE SSH_TTY SSH_CONNECTION "
    "DESKTOP_SESSION SESSION_MANAGER MAX_TOKENS MAX_NEW_TOKENS TOKENS_PER_BATCH NUM_TOKENS HOTKEY TURKEY PWD OLDPWD "
    "PASSENGERS PATTERN AUTHOR COMPASS SACRED_DIR XAUTHORITY HF_HOME WANDB_MODE NVIDIA_VISIBLE_DEVICES OLLAMA_HOST "
    "PYTHON_KEYRING_BACKEND CONDA_PREFIX GPG_TTY DBUS_SESSION_BUS_ADDRESS SSL_CERT_FILE"
).split()


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_that_say_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_names_that_only_sound_like_it(name: str) -> None:
    assert not looks_secret(name)


def test_a_clouds_name_makes_a_variable_secret_but_not_its_value() -> None:
    assert looks_secret("AWS_REGION")
    assert not says_secret("AWS_REGION")
    assert secrets(AWS_REGION="us-east-1", AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7").redact(
        "us-east-1 wJalrXUtnFEMI/K7"
    ) == (f"us-east-1 {MASK}")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "short",
        "default",
        "DISABLED",
        "production",
        "created_at",
        "experiment",
        "4096",
        "1234567.89",
        "1,000,000",
        "2024:12",
        "/home/ada/.ssh/id_rsa",
        "~/keys/id_rsa",
        "https://example.org/v1/login",
    ],
)
def test_values_that_are_no_secrets_are_not_looked_for(value: str) -> None:
    assert secrets(SORT_KEY=value) == NO_SECRETS
    assert NO_SECRETS.redact(f"a {value} b") == f"a {value} b"


@pytest.mark.parametrize("value", [KEY, "1234567890123456", "swordfishes", "/not/there+base64=="])
def test_values_that_are_secrets(value: str) -> None:
    held = secrets(DB_PASSWORD=value)
    assert held.redact(f"<{value}>{value}") == f"<{MASK}>{MASK}"
    assert held.found_in(f"x{value}y")
    assert not held.found_in(value[:-1])


def test_a_key_is_known_by_its_looks_under_any_name() -> None:
    assert secrets(FOO="ghp_0123456789abcdefABCDEF").found_in("x ghp_0123456789abcdefABCDEF")
    assert secrets(FOO="hf_transfer", BAR="sk-learn") == NO_SECRETS


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgres://ada:tr0ub4dor@db:5432/x", "tr0ub4dor"),
        ("redis://:tr0ub4dor@db", "tr0ub4dor"),
        ("https://ada:tr0ub%21dor@proxy:3128", "tr0ub!dor"),
        ("https://x-access-token-0123456789@github.com/a/b", "x-access-token-0123456789"),
        ("mysql://ada:p@ssw0rd!@db", "p@ssw0rd!"),
        ("Server=db;User=ada;Password=tr0ub4dor;Timeout=3", "tr0ub4dor"),
    ],
)
def test_the_password_in_a_url_is_a_secret_under_any_name(url: str, password: str) -> None:
    held = secrets(DATABASE_URL=url)
    assert held.redact(f"({password})") == f"({MASK})"
    assert password not in held.redact(url)
    assert held.redact("db:5432 ada") == "db:5432 ada"


def test_a_key_of_several_lines_is_found_whole_and_by_the_line() -> None:
    held = secrets(DEPLOY_KEY=PEM)
    assert held.redact(f"a{PEM}b") == f"a{MASK}b"
    body = PEM.splitlines()[1]
    assert held.redact(f"  {body}\r\n") == f"  {MASK}\r\n"
    assert held.redact(json.dumps({"key": PEM})) == json.dumps({"key": MASK})
    assert not held.found_in("-----BEGIN PRIVATE KEY-----")
    assert secrets(SERVICE_CREDENTIALS=json.dumps({"private_key": PEM})).found_in(PEM)


def test_other_spellings_are_found() -> None:
    value = 'p"w\\d/é {x}\t9'
    held = secrets(APP_PASSWORD=value)
    for spelled in (json.dumps(value), json.dumps(value, ensure_ascii=False), repr({"k": value}), quote(value)):
        assert MASK in held.redact(spelled)
        assert "w" not in held.redact(spelled)
    assert secrets(X_TOKEN="Bearer abcdefgh12").redact("abcdefgh12") == MASK


def test_overlapping_secrets_leave_nothing_of_either() -> None:
    held = secrets(A_TOKEN="abcdefgh12345678", B_TOKEN="12345678zzzzzzzz", C_TOKEN="abcdefgh12345678-more")
    assert held.redact("(abcdefgh12345678zzzzzzzz)") == f"({MASK})"
    assert held.redact("(abcdefgh12345678-more)") == f"({MASK})"


def test_what_a_text_holds_already_can_be_left_in_it() -> None:
    held = secrets(A_TOKEN="abcdefgh12345678", B_TOKEN="ijklmnop87654321")
    before = "key = 'abcdefgh12345678'\n"
    after = before + "other = 'ijklmnop87654321'\n"
    assert held.not_in(before).redact(after) == f"{before}other = '{MASK}'\n"


def test_secrets_are_not_shown_by_accident() -> None:
    assert KEY not in repr(secrets(A_KEY=KEY))


def test_variables_are_hidden_by_name_and_by_value_but_not_what_everything_needs() -> None:
    variables = {
        "HOME": "/home/developer1",
        "DB_PASSWORD": "developer1",
        "ARGS": "--login developer1",
        "PROXY": "http://a:b@proxy",
        "MIRROR": "https://mirror.example.org",
        "AWS_REGION": "eu",
        "SSH_AUTH_SOCK": "/run/agent",
    }
    assert hidden(variables) == {"DB_PASSWORD", "ARGS", "PROXY", "AWS_REGION", "SSH_AUTH_SOCK"}
    assert list(harmless(variables)) == ["HOME", "MIRROR", "SSH_AUTH_SOCK"]


def streamed(held: Secrets, chunks: Sequence[bytes]) -> bytes:
    redactor = Redactor(held)
    return b"".join([*(redactor.feed(chunk) for chunk in chunks), redactor.end()])


@pytest.mark.parametrize("cut", range(len(KEY) + 5))
def test_a_secret_is_found_wherever_a_stream_is_cut(cut: int) -> None:
    text = f"a {KEY} b".encode()
    assert streamed(secrets(A_KEY=KEY), [text[:cut], text[cut:]]) == f"a {MASK} b".encode()
    assert streamed(secrets(A_KEY=KEY), [bytes([one]) for one in text]) == f"a {MASK} b".encode()


def test_a_stream_that_ends_within_a_secret_shows_what_it_had() -> None:
    assert streamed(secrets(A_KEY=KEY), [b"x", KEY[:10].encode()]) == b"x" + KEY[:10].encode()


def test_only_what_may_be_the_beginning_of_a_secret_is_held_back() -> None:
    redactor = Redactor(secrets(A_KEY="abcabcabcabd"))
    assert redactor.feed(b"step 1 abc") == b"step 1 "
    assert redactor.feed(b"abcx\n") == b"abcabcx\n"
    assert redactor.feed(b"step 2\n") == b"step 2\n"
    assert redactor.end() == b""


def test_without_secrets_a_stream_passes_as_it_is() -> None:
    data = b"x" * 100
    assert Redactor(NO_SECRETS).feed(data) is data


def test_a_stream_gives_what_the_whole_text_gives_and_holds_little() -> None:
    held = secrets(
        A_TOKEN="aaaaaaaaaaaa", B_TOKEN="abababababab", C_TOKEN="babaaaaaaaaaaaab", D_TOKEN="aaaaaaaaaaaaab-c"
    )
    chance = random.Random(7)
    for _ in range(300):
        text = "".join(chance.choice(["a", "b", "a", "ab", "-c", "aaaaaaaaaaaa", "x"]) for _ in range(60))
        redactor, given, rest = Redactor(held), b"", text.encode()
        while rest:
            size = chance.randint(1, 9)
            given += redactor.feed(rest[:size])
            rest = rest[size:]
            assert len(redactor._held) < max(map(len, held.forms))
        assert given + redactor.end() == held.redact(text).encode(), text


def test_bytes_that_are_no_text_are_found_and_passed_on() -> None:
    value = b"caf\xe9-\xff-0123456789".decode("utf-8", "surrogateescape")
    assert (
        streamed(secrets(A_KEY=value), [b"\xfe caf\xe9-\xff-0123", b"456789 \xfe"])
        == b"\xfe " + MASK.encode() + b" \xfe"
    )
