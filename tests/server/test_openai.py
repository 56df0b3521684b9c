"""The official client, against the fake model (exact) and the real one."""

import openai
import pytest


@pytest.fixture(scope="module")
def locked(start_fake):
    server = start_fake("--api-key", "sk-right")
    yield server
    server.stop()


def client_of(server, key="sk-right"):
    return openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0, timeout=120)


@pytest.fixture(scope="module")
def client(locked):
    return client_of(locked)


def test_models(client):
    assert [model.id for model in client.models.list()] == ["fake"]
    assert client.models.retrieve("fake").id == "fake"


def test_completion(client):
    answer = client.completions.create(model="fake", prompt="hello", n=2, max_tokens=3, logprobs=2)
    assert [choice.text for choice in answer.choices] == ["hel", "hel"]
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].logprobs.tokens == ["h", "e", "l"]
    assert answer.choices[0].logprobs.text_offset == [0, 1, 2]
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 6
    assert answer.usage.prompt_tokens_details.cached_tokens == 0


def test_completion_stream(client):
    stream = client.completions.create(
        model="fake",
        prompt=["ab", "cd"],
        max_tokens=9,
        stream=True,
        stream_options={"include_usage": True},
    )
    texts, usage = {}, None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
    assert texts == {0: "ab", 1: "cd"}
    assert usage.completion_tokens == 4


def test_echo_scores_a_prompt(client):
    """What lm-evaluation-harness asks for a log-likelihood."""
    answer = client.completions.create(
        model="fake",
        prompt=[104, 101, 108],
        echo=True,
        logprobs=1,
        max_tokens=1,
        temperature=0,
        seed=1,
    )
    logprobs = answer.choices[0].logprobs
    assert answer.choices[0].text == "helh"
    assert logprobs.token_logprobs[0] is None and len(logprobs.token_logprobs) == 4
    for value, top in list(zip(logprobs.token_logprobs, logprobs.top_logprobs))[1:]:
        assert value == max(top.values())


def test_chat(client):
    answer = client.chat.completions.create(
        model="fake",
        messages=[
            {"role": "developer", "content": "x"},
            {"role": "user", "content": [{"type": "text", "text": "y"}]},
        ],
        max_completion_tokens=4,
        logprobs=True,
        top_logprobs=3,
        seed=1,
        stop=["zz"],
        logit_bias={"5": -1},
    )
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.message.content == '[{"r'
    assert [bytes(token.bytes).decode() for token in choice.logprobs.content] == list('[{"r')
    assert len(choice.logprobs.content[0].top_logprobs) == 3


def test_chat_stream(client):
    stream = client.chat.completions.create(
        model="fake", messages=[{"role": "user", "content": "hi"}], max_tokens=5, stream=True, n=2
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    for index in range(2):
        mine = [chunk.choices[0] for chunk in chunks if chunk.choices[0].index == index]
        assert "".join(choice.delta.content or "" for choice in mine) == '[{"ro'
        assert [choice.finish_reason for choice in mine if choice.finish_reason] == ["length"]


@pytest.mark.parametrize(
    "error,arguments",
    [
        (openai.NotFoundError, {"model": "other", "prompt": "a"}),
        (openai.BadRequestError, {"model": "fake", "prompt": "a", "temperature": 9}),
        (openai.BadRequestError, {"model": "fake", "prompt": "a" * 5000}),
        (openai.RateLimitError, {"model": "fake", "prompt": "@full"}),
        (openai.InternalServerError, {"model": "fake", "prompt": "@fail"}),
    ],
)
def test_errors(client, error, arguments):
    with pytest.raises(error):
        client.completions.create(**arguments)


def test_error_details(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="fake", prompt="a", top_p=0)
    assert caught.value.param == "top_p" and caught.value.type == "invalid_request_error"
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="fake", prompt="a" * 5000)
    assert caught.value.code == "context_length_exceeded"


def test_wrong_key(locked):
    with pytest.raises(openai.AuthenticationError):
        client_of(locked, "sk-wrong").models.list()


def test_an_error_within_a_stream(client):
    with pytest.raises(openai.APIError):
        list(client.completions.create(model="fake", prompt="@nan", max_tokens=5, stream=True))


# --- The real model ---


@pytest.fixture(scope="module")
def real_client(real):
    return client_of(real)


QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one word."}]


def test_real_chat(real_client):
    answer = real_client.chat.completions.create(
        model="smollm2", messages=QUESTION, temperature=0, max_tokens=12
    )
    assert "Paris" in answer.choices[0].message.content
    stream = real_client.chat.completions.create(
        model="smollm2", messages=QUESTION, temperature=0, max_tokens=12, stream=True
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert text == answer.choices[0].message.content


def test_real_seeds_reproduce(real_client):
    def ask(seed):
        answer = real_client.completions.create(
            model="smollm2", prompt="Once upon a time", max_tokens=12, seed=seed, n=2, temperature=1
        )
        return [choice.text for choice in answer.choices]

    first = ask(5)
    assert ask(5) == first
    assert first[0] != first[1] or ask(6) != first


def test_real_stop_and_limits(real_client):
    answer = real_client.completions.create(
        model="smollm2", prompt="1, 2, 3, 4, 5,", max_tokens=20, temperature=0, stop=[" 8"]
    )
    assert answer.choices[0].finish_reason == "stop"
    assert " 8" not in answer.choices[0].text and " 7" in answer.choices[0].text
    cut = real_client.completions.create(
        model="smollm2",
        prompt="1, 2, 3,",
        max_tokens=5,
        temperature=0,
        extra_body={"ignore_eos": True},
    )
    assert cut.usage.completion_tokens == 5 and cut.choices[0].finish_reason == "length"


def test_real_log_likelihood(real_client):
    """Scores of an echoed prompt: the likely continuation scores higher, and greedy is the top."""

    def score(text):
        answer = real_client.completions.create(
            model="smollm2", prompt=text, echo=True, logprobs=1, max_tokens=1, temperature=0
        )
        logprobs = answer.choices[0].logprobs
        assert answer.choices[0].text.startswith(text)
        assert logprobs.token_logprobs[0] is None
        assert all(value <= 0 for value in logprobs.token_logprobs[1:])
        return logprobs.token_logprobs[-2]

    assert score("The capital of France is Paris") > score("The capital of France is Tuesday")


def test_real_logprobs_add_up(real_client):
    answer = real_client.chat.completions.create(
        model="smollm2",
        messages=QUESTION,
        temperature=0,
        max_tokens=4,
        logprobs=True,
        top_logprobs=5,
    )
    for token in answer.choices[0].logprobs.content:
        assert token.logprob == max(other.logprob for other in token.top_logprobs)
        assert len(token.top_logprobs) == 5
    text = b"".join(bytes(token.bytes) for token in answer.choices[0].logprobs.content).decode()
    assert text.startswith(answer.choices[0].message.content)


def test_real_too_long_a_prompt(real_client):
    with pytest.raises(openai.BadRequestError) as caught:
        real_client.completions.create(model="smollm2", prompt="word " * 20000)
    assert caught.value.code == "context_length_exceeded"
