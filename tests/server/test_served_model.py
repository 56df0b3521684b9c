"""What only a real model shows: queues that fill, clients that leave, counters that grow."""

import re
import time

import httpx
import pytest
import schemathesis
from schemathesis import GenerationMode
from test_clients import COMPLETIONS, counted, gauge, post, reset, running, wait_until
from test_schema import run

# Long enough not to end before a test has looked.
LONG = {"prompt": "Once upon a time", "max_tokens": 1500, "ignore_eos": True}


class Small:
    """A server with few places, as the helpers of test_clients want it."""

    def __init__(self, served):
        self.served = served
        self.url = served.url
        self.port = int(re.search(r":(\d+)", served.url.removeprefix("http:"))[1])


@pytest.fixture(scope="module")
def small(serve, smollm2):
    """Two sequences compute and one request waits."""
    limits = ["--max-num-seqs", "2", "--max-num-queued-reqs", "1", "--max-num-queued-tokens", "64"]
    yield Small(serve(str(smollm2), "--port", "0", "--max-model-len", "2048", *limits))


@pytest.fixture
def idle(small):
    wait_until(lambda: running(small) == 0, 60)
    return small


def answer(server, **fields):
    body = {"prompt": "Once", "max_tokens": 2, **fields}
    return httpx.post(server.url + COMPLETIONS, json=body, timeout=60)


def test_places_fill_then_the_queue_then_429(idle):
    clients = []
    for count in range(1, 4):
        clients.append(post(idle, LONG))
        wait_until(lambda: running(idle) == count)
    wait_until(lambda: gauge(idle, "weir:num_requests_running") == 2)
    refused = answer(idle)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    reset(clients.pop())
    wait_until(lambda: running(idle) == 2)
    assert clients
    for client in clients:
        reset(client)
    wait_until(lambda: running(idle) == 0)
    assert answer(idle).status_code == 200


def test_an_idle_server_takes_more_than_may_wait(idle):
    long = answer(idle, prompt="word " * 200)
    assert long.status_code == 200, long.text
    assert long.json()["usage"]["prompt_tokens"] > 64
    many = answer(idle, prompt=["a", "b", "c", "d", "e", "f"])
    assert many.status_code == 200, many.text
    assert len(many.json()["choices"]) == 6


def test_more_choices_than_compute_at_once_are_refused(idle):
    refused = answer(idle, n=3)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "n"
    assert "2" in refused.json()["error"]["message"]
    assert len(answer(idle, n=2).json()["choices"]) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_is_counted_with_what_was_computed(idle, stream):
    tokens = counted(idle, "weir:generation_tokens_total")
    prompts = counted(idle, "weir:prompt_tokens_total")
    aborted = counted(idle, "weir:request_success_total", finished_reason="abort")
    left = counted(idle, "http_requests_total", handler=COMPLETIONS, status="499")
    client = post(idle, {**LONG, "stream": stream})
    wait_until(lambda: counted(idle, "weir:generation_tokens_total") >= tokens + 3)
    assert running(idle) == 1
    assert 0 < counted(idle, "weir:prompt_tokens_total") - prompts < 20
    reset(client)
    wait_until(lambda: running(idle) == 0)
    wait_until(lambda: counted(idle, "http_requests_total", status="499") == left + 1)
    assert counted(idle, "weir:request_success_total", finished_reason="abort") == aborted + 1
    computed = counted(idle, "weir:generation_tokens_total")
    assert tokens + 3 <= computed < tokens + 1500
    time.sleep(0.2)
    assert counted(idle, "weir:generation_tokens_total") == computed


def test_a_long_prompt_left_early_counts_what_was_computed(idle):
    prompts = counted(idle, "weir:prompt_tokens_total")
    client = post(idle, {"prompt": [100] * 2000, "max_tokens": 2})
    wait_until(lambda: running(idle) == 1)
    reset(client)
    wait_until(lambda: running(idle) == 0)
    assert counted(idle, "weir:prompt_tokens_total") - prompts <= 2000


def test_tools_that_the_template_ignores_are_refused(idle):
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    body = {"messages": [{"role": "user", "content": "hi"}], "tools": [tool], "max_tokens": 2}
    refused = httpx.post(idle.url + "/v1/chat/completions", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "tools"


def test_a_long_prompt_without_max_tokens_is_continued_as_far_as_it_fits(idle):
    full = answer(idle, prompt=[100] * 2044, max_tokens=None)
    assert full.status_code == 200, full.text
    assert full.json()["usage"]["completion_tokens"] <= 4


def test_bad_requests_made_from_the_schema(idle):
    run(schemathesis.openapi.from_url(idle.url + "/openapi.json"), GenerationMode.NEGATIVE)


def test_a_recipe_is_taken_and_a_bad_one_names_its_word(idle):
    prompt = "One two three four five six seven eight nine ten. " * 30
    kept = answer(idle, prompt=prompt, kv="keep=snapkv(budget=0.5,window=8)", temperature=0)
    assert kept.status_code == 200
    assert kept.json()["usage"]["prompt_tokens"] > 300
    everything = answer(idle, prompt=prompt, temperature=0)
    same = answer(idle, prompt=prompt, temperature=0, kv="keep=all")
    assert same.json()["choices"] == everything.json()["choices"]
    assert answer(idle, prompt=prompt, kv="read=quest(pages=3,dense=0)").status_code == 200
    for body in ({}, {"stream": True}):
        for recipe, wrong, there in [("keep=snapkw(budget=0.5)", "snapkw", "streaming"),
                                     ("read=request", "request", "quest"),
                                     ("read=certified(error=2)", "error", "1.9"),
                                     ("reads=quest", "reads", "keep, store, read")]:
            bad = answer(idle, kv=recipe, **body)
            assert bad.status_code == 400
            error = bad.json()["error"]
            assert error["param"] == "kv" and error["type"] == "invalid_request_error"
            assert wrong in error["message"] and there in error["message"]
