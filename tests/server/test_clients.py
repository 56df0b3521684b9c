"""Clients that vanish, read slowly, or are cut off; shutdown; keys, CORS and metrics."""

import json
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

COMPLETIONS = "/v1/completions"


def gauge(server, name, headers=None):
    text = httpx.get(server.url + "/metrics", headers=headers).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name:
                return sample.value
    raise AssertionError(f"no {name}")


def counted(server, name, **labels):
    text = httpx.get(server.url + "/metrics").text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def running(server):
    return gauge(server, "weir:num_requests_running") + gauge(server, "weir:num_requests_waiting")


def post(server, body, path=COMPLETIONS):
    data = json.dumps(body).encode()
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
    return connection


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


PHASES = {
    "before-the-prompt": ({"prompt": "@silent", "max_tokens": 9}, None),
    "non-streaming": ({"prompt": "@stall", "max_tokens": 9}, None),
    "first-token": ({"prompt": "@stall", "max_tokens": 9, "stream": True}, b"data: "),
    "mid-stream": ({"prompt": "abc@slow@forever", "max_tokens": 4000, "stream": True}, b"data: "),
    "many-choices": ({"prompt": "@slow@forever", "max_tokens": 4000, "n": 8}, None),
    "many-prompts": ({"prompt": ["@stall"] * 8, "max_tokens": 9}, None),
}


@pytest.mark.parametrize("leave", ["reset", "close", "half-close"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_vanished_client_frees_its_slot(fake, phase, leave):
    body, seen = PHASES[phase]
    wait_until(lambda: running(fake) == 0)
    connection = post(fake, body)
    wait_until(lambda: running(fake) > 0)
    while seen and seen not in connection.recv(65536):
        pass
    if leave == "reset":
        reset(connection)
    elif leave == "close":
        connection.close()
    else:
        connection.shutdown(socket.SHUT_WR)
    wait_until(lambda: running(fake) == 0, 2)
    connection.close()


HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("size", [100, 60_000, 70_000, 1_000_000])
@pytest.mark.parametrize("leave", ["reset", "close"])
def test_a_vanished_client_is_seen_behind_pipelined_bytes(fake, leave, size):
    connection = post(fake, {"prompt": "@stall", "max_tokens": 9})
    wait_until(lambda: running(fake) > 0)
    connection.sendall(HEALTH * (size // len(HEALTH) + 1))
    if leave == "reset":
        reset(connection)
    else:
        connection.close()
    wait_until(lambda: running(fake) == 0, 2)


def test_a_flood_behind_a_request_ends_it(fake):
    connection = post(fake, {"prompt": "@stall", "max_tokens": 9})
    wait_until(lambda: running(fake) > 0)
    with pytest.raises((ConnectionError, TimeoutError)):
        for _ in range(100):
            connection.sendall(HEALTH * 30_000)
    wait_until(lambda: running(fake) == 0, 2)


def test_pipelined_requests_that_are_answered_at_once_all_are(fake):
    count = 5000
    connection = socket.create_connection(("127.0.0.1", fake.port), timeout=10)
    sender = threading.Thread(target=connection.sendall, args=(HEALTH * count,))
    sender.start()
    answers = b""
    while answers.count(b"HTTP/1.1 200") < count:
        part = connection.recv(1 << 20)
        assert part, answers.count(b"HTTP/1.1 200")
        answers += part
    sender.join()
    connection.close()


def test_many_vanish_at_once(fake):
    connections = [
        post(fake, {"prompt": "@stall", "max_tokens": 9, "stream": True}) for _ in range(100)
    ]
    wait_until(lambda: running(fake) == 100)
    for connection in connections:
        reset(connection)
    wait_until(lambda: running(fake) == 0, 5)


def test_a_slow_reader_is_cut_off_and_others_are_not(fake):
    """64 choices with logprobs fill the kernel's buffers, then the server's queue: then it ends."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    slow.settimeout(10)
    slow.connect(("127.0.0.1", fake.port))
    body = json.dumps(
        {"prompt": "@slow@forever", "max_tokens": 4000, "n": 64, "stream": True}
    ).encode()
    slow.sendall(
        b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    wait_until(lambda: running(fake) > 0)
    answer = httpx.post(fake.url + COMPLETIONS, json={"prompt": "abc", "max_tokens": 3})
    assert answer.json()["choices"][0]["text"] == "abc"
    wait_until(lambda: running(fake) == 0, 20)
    slow.close()


def test_full_queue(fake):
    answer = httpx.post(fake.url + COMPLETIONS, json={"prompt": "@full"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"


def test_errors_tell_nothing_of_the_inside(fake):
    answer = httpx.post(fake.url + COMPLETIONS, json={"prompt": "@fail"})
    assert answer.status_code == 500
    assert not re.search(r"secret|/|0x[0-9a-f]", answer.json()["error"]["message"])


# --- Shutdown ---


def stream(server, body, into):
    with httpx.stream(
        "POST", server.url + COMPLETIONS, json={"stream": True, **body}, timeout=30
    ) as answer:
        for line in answer.iter_lines():
            if line:
                into.append(line)


def test_shutdown_lets_streams_finish(start_fake):
    server = start_fake("--shutdown-timeout", "20000")
    kept = httpx.Client()
    assert kept.get(server.url + "/ready").status_code == 200
    lines = []
    reader = threading.Thread(
        target=stream, args=(server, {"prompt": "a" * 100 + "@slow", "max_tokens": 100}, lines)
    )
    reader.start()
    wait_until(lambda: len(lines) > 2)
    server.signal()
    wait_until(lambda: kept.get(server.url + "/ready").status_code == 503)
    reader.join(30)
    assert lines[-1] == "data: [DONE]"
    assert server.wait() == 0


def test_shutdown_refuses_new_work(start_fake):
    server = start_fake("--shutdown-timeout", "20000")
    kept = httpx.Client()
    kept.get(server.url + "/health")
    busy = post(server, {"prompt": "@stall", "max_tokens": 9, "stream": True})
    busy.recv(1000)
    server.signal()
    time.sleep(0.2)
    answer = kept.post(server.url + COMPLETIONS, json={"prompt": "a"})
    assert answer.status_code == 503 and answer.headers["Connection"] == "close"
    assert "Retry-After" in answer.headers
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url + "/health")
    busy.close()
    assert server.wait() == 0


def test_shutdown_ends_streams_at_the_deadline(start_fake):
    server = start_fake("--shutdown-timeout", "500")
    lines = []
    reader = threading.Thread(
        target=stream, args=(server, {"prompt": "@stall", "max_tokens": 9}, lines)
    )
    reader.start()
    waiting = []
    other = threading.Thread(
        target=lambda: waiting.append(
            httpx.post(server.url + COMPLETIONS, json={"prompt": "@silent"}, timeout=30)
        )
    )
    other.start()
    wait_until(lambda: lines)
    wait_until(lambda: running(server) == 2)
    server.signal(signal.SIGINT)
    assert server.wait(15) == 0
    reader.join(10)
    other.join(10)
    assert json.loads(lines[-1].removeprefix("data: "))["error"]["code"] == "shutting_down"
    assert waiting[0].status_code == 503


def test_a_second_signal_ends_at_once(start_fake):
    server = start_fake("--shutdown-timeout", "60000")
    busy = post(server, {"prompt": "@stall", "max_tokens": 9, "stream": True})
    busy.recv(1000)
    server.signal()
    time.sleep(0.3)
    assert server.alive
    server.signal()
    assert server.wait(10) == 0
    busy.close()


def test_shutdown_when_idle(start_fake):
    server = start_fake()
    kept = httpx.Client()
    kept.get(server.url + "/health")
    server.signal()
    assert server.wait(10) == 0


# --- Keys and CORS over real sockets ---


@pytest.fixture(scope="module")
def locked(start_fake):
    server = start_fake("--api-key", "sk-right", "--origin", "http://page.example")
    yield server
    server.stop()


def test_keys(locked):
    document = httpx.get(
        locked.url + "/openapi.json", headers={"Authorization": "Bearer sk-right"}
    ).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            url = locked.url + path.replace("{model}", "fake")
            is_public = operation.get("security") == []
            assert is_public == (path in ("/health", "/ready", "/version"))
            for headers in ({}, {"Authorization": "Bearer sk-wrong"}):
                answer = httpx.request(
                    method, url, headers=headers, json={} if method == "post" else None
                )
                assert answer.status_code == (200 if is_public else 401), path


def test_cors(locked):
    preflight = {"Origin": "http://page.example", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(locked.url + COMPLETIONS, headers=preflight)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "http://page.example"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    answer = httpx.options(
        locked.url + COMPLETIONS, headers={**preflight, "Origin": "http://other"}
    )
    assert "Access-Control-Allow-Origin" not in answer.headers
    answer = httpx.get(locked.url + "/v1/models", headers={"Origin": "http://page.example"})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == "http://page.example"


def test_preflights_allow_what_sdks_send(locked):
    """The fields of OpenAI's JavaScript client, which a browser names in the preflight."""
    asked = "authorization,content-type,x-stainless-lang,x-stainless-os,x-stainless-retry-count"
    preflight = {
        "Origin": "http://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": asked,
    }
    answer = httpx.options(locked.url + COMPLETIONS, headers=preflight)
    allowed = answer.headers["Access-Control-Allow-Headers"].replace(" ", "").split(",")
    assert set(asked.split(",")) <= set(allowed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--api-key", ""], "API key must not be empty"),
        (["--origin", "foo"], "'foo' is not an origin"),
        (["--port", "TAKEN"], "cannot listen on 127.0.0.1:TAKEN: Address already in use"),
    ],
)
def test_what_cannot_be_served_ends_at_once(fake, build_dir, arguments, said):
    taken = str(fake.port)
    arguments = [argument.replace("TAKEN", taken) for argument in arguments]
    ended = subprocess.run(
        [build_dir / "fake_server", *arguments], capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 1
    assert said.replace("TAKEN", taken) in ended.stderr


def test_a_client_that_left_is_counted(fake):
    aborted = counted(fake, "weir:request_success_total", finished_reason="abort")
    left = counted(fake, "http_requests_total", handler=COMPLETIONS, status="499")
    connection = post(fake, {"prompt": "@stall", "max_tokens": 9, "n": 3})
    wait_until(lambda: running(fake) > 0)
    reset(connection)
    wait_until(lambda: counted(fake, "http_requests_total", status="499") == left + 1)
    assert counted(fake, "weir:request_success_total", finished_reason="abort") == aborted + 3


def test_metrics(fake):
    before = gauge(fake, "weir:generation_tokens_total")
    httpx.post(fake.url + COMPLETIONS, json={"prompt": "abcde", "max_tokens": 5, "n": 2})
    assert gauge(fake, "weir:generation_tokens_total") - before == 10
    text = httpx.get(fake.url + "/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name in (
        "weir:num_requests_running",
        "weir:num_requests_waiting",
        "weir:kv_cache_usage_perc",
        "weir:prompt_tokens",
        "weir:request_success",
        "weir:time_to_first_token_seconds",
        "weir:inter_token_latency_seconds",
        "weir:request_time_per_output_token_seconds",
        "weir:e2e_request_latency_seconds",
        "weir:request_prompt_tokens",
        "weir:request_generation_tokens",
        "weir:request_params_max_tokens",
        "weir:request_params_n",
        "http_requests",
        "http_request_duration_seconds",
    ):
        assert name in families, name
        if name.startswith("weir:"):
            assert all(sample.labels["model_name"] == "fake" for sample in families[name].samples)
