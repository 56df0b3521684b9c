"""Raw HTTP: odd bytes whole and byte by byte, pipelining, slow and vanishing clients."""

import json
import random
import socket
import time

import h11
import pytest
from http_cases import BAD, CASES, CLOSE, GOOD
from soak import soak

GET = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
POST_TOKENIZE = b"POST /tokenize " + HEAD
POST_COMPLETIONS = b"POST /v1/completions " + HEAD


def connect(server, timeout=10):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive_all(connection):
    """Everything until the server closes (or resets, which may follow a refusal)."""
    data = b""
    while True:
        try:
            more = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not more:
            return data
        data += more


def responses(data, methods=("GET",) * 10):
    """The responses in `data`, by h11's reading: it raises on anything malformed or left over."""
    found = []
    for method in methods:
        if not data:
            return found
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        parser.send(h11.EndOfMessage())
        parser.receive_data(data)
        status, body = None, b""
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(b"")
                continue
            if isinstance(event, h11.InformationalResponse):
                found.append((event.status_code, b""))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                break
        found.append((status, body))
        data = parser.trailing_data[0]
    return found


def talk(server, data, step):
    with connect(server) as connection:
        try:
            for i in range(0, len(data), step):
                connection.sendall(data[i : i + step])
            connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # Refused before all was sent.
        return receive_all(connection)


def check(name, data, expectation, output):
    method = data.lstrip(b"\r\n").split(b" ")[0].decode("latin1")
    answers = responses(output, ("HEAD" if method == "HEAD" else "GET",) * 10)
    assert len(answers) <= 1, f"{name}: {answers}"
    if expectation == GOOD:
        assert answers and answers[0][0] // 100 == 2, f"{name}: {answers}"
    elif expectation == BAD:
        assert answers and (answers[0][0] // 100 == 4 or answers[0][0] == 505), f"{name}: {answers}"
        assert set(json.loads(answers[0][1])["error"]) == {"message", "type", "param", "code"}
    elif answers:
        assert answers[0][0] // 100 == 4, f"{name}: {answers}"


def test_there_are_enough_cases():
    assert len(CASES) >= 120
    assert len({name for name, _, _ in CASES}) == len(CASES)


@pytest.mark.parametrize("name,data,expectation", CASES, ids=[case[0] for case in CASES])
def test_raw(fake, name, data, expectation):
    pid = fake.process.pid
    for step in (max(len(data), 1), 1 if len(data) < 3000 else 997):
        output = talk(fake, data, step)
        # A vanished client's half-read answer is no answer; a refusal may be cut by a reset.
        if output or expectation != BAD or step > 1:
            check(name, data, expectation, output)
        assert responses(talk(fake, GET, 1000))[0][0] == 200
    assert fake.process.pid == pid and fake.alive


def altered(rng, data):
    """`data` with a few of its bytes changed, dropped, repeated, or mixed with another case's."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, size = rng.randint(0, len(data)), rng.randint(1, 12)
        data[at : at + rng.choice([0, 0, size])] = rng.choice(
            [
                rng.randbytes(size),
                bytes(rng.choices(b"\r\n\t :;,0\x00\xff", k=size)),
                data[at : at + size] * rng.randint(0, 3),
                rng.choice(CASES)[1][:200],
            ]
        )
    return bytes(data)


@pytest.mark.parametrize("seed", range(soak(4, 400)))
def test_altered(fake, seed):
    rng = random.Random(seed)
    for name, data, _ in CASES:
        data = altered(rng, data)
        output = talk(fake, data, rng.choice([1 << 20, max(len(data) // 3, 1), 97]))
        assert not output or output.startswith(b"HTTP/1.1 "), f"{name}: {data!r}"
        assert b"HTTP/1.1 500" not in output, f"{name}: {data!r}"
    assert responses(talk(fake, GET, 1000))[0][0] == 200
    assert fake.alive


def test_a_refused_request_ends_the_connection(fake):
    smuggled = b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n"
    for name, data, expectation in CASES:
        if expectation == BAD and b"Connection: close" not in data:
            with connect(fake) as connection:
                try:
                    connection.sendall(data + smuggled)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                output = receive_all(connection)
            assert len(responses(output)) <= 1, name


def test_pipelining(fake):
    one = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    body = b'{"prompt":"abc"}'
    two = POST_TOKENIZE + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    answers = responses(talk(fake, one + two + one, 1 << 20))
    assert [status for status, _ in answers] == [200, 200, 200]
    assert json.loads(answers[1][1])["count"] == 4


def test_pipelined_bytes_are_no_disconnect(fake):
    body = b'{"prompt":"abc@slow","max_tokens":20}'
    post = POST_COMPLETIONS + b"Content-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )
    with connect(fake) as connection:
        connection.sendall(post)
        time.sleep(0.02)
        connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answers = responses(receive_all(connection))
    assert [status for status, _ in answers] == [200, 200]


def test_expect_continue(fake):
    body = b'{"prompt":"a"}'
    head = POST_TOKENIZE + b"Connection: close\r\nExpect: 100-continue\r\n"
    with connect(fake) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(body)
        assert receive_all(connection).startswith(b"HTTP/1.1 200 OK\r\n")
    with connect(fake) as connection:
        connection.sendall(head + b"Content-Length: 999999999\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_large_bodies_are_refused_unread(fake):
    head = POST_TOKENIZE + b"Transfer-Encoding: chunked\r\n\r\n"
    with connect(fake) as connection:
        connection.sendall(head)
        sent = 0
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        try:
            while sent < 256 << 20:
                connection.sendall(piece)
                sent += len(piece)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
    assert sent < 256 << 20


def resident(server):
    with open(f"/proc/{server.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def test_refused_work_takes_no_memory(fake):
    body = b'{"prompt":"a","n":100000000}'
    post = POST_COMPLETIONS + b"Content-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )
    before = resident(fake)
    for _ in range(50):
        assert responses(talk(fake, post, 1 << 20))[0][0] == 400
    assert resident(fake) - before < 10 << 20


@pytest.fixture(scope="module")
def hasty(start_fake):
    server = start_fake("--header-timeout", "400", "--idle-timeout", "800")
    yield server
    server.stop()


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET /health HTTP/1.1\r\nHo",
        POST_TOKENIZE + b"Content-Length: 9\r\n\r\n{",
    ],
)
def test_slow_requests_are_ended(hasty, head):
    with connect(hasty) as connection:
        connection.sendall(head)
        output = receive_all(connection)
    if head:
        assert responses(output)[0][0] == 408
    else:
        assert output == b""


def test_slowloris(hasty):
    """Connections that send a byte now and then end at the deadline; others are served."""
    slow = [connect(hasty) for _ in range(100)]
    for connection in slow:
        connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
    ended = time.monotonic() + 10
    open_ones = set(slow)
    while open_ones and time.monotonic() < ended:
        assert responses(talk(hasty, GET, 1000))[0][0] == 200
        for connection in list(open_ones):
            try:
                connection.sendall(b"a")
            except OSError:
                open_ones.discard(connection)
        time.sleep(0.1)
    assert not open_ones
    for connection in slow:
        connection.close()


def test_connections_wait_their_turn(start_fake):
    server = start_fake("--connections-max", "2")
    first, second = connect(server), connect(server)
    for connection in (first, second):
        connection.sendall(GET)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    third = connect(server)
    third.sendall(GET)
    third.settimeout(0.3)
    with pytest.raises(TimeoutError):
        third.recv(1000)
    first.close()
    third.settimeout(10)
    assert third.recv(1000).startswith(b"HTTP/1.1 200")
    server.stop()


def test_many_idle_connections(fake):
    idle = [connect(fake) for _ in range(500)]
    assert responses(talk(fake, GET, 1000))[0][0] == 200
    for connection in idle:
        connection.close()
