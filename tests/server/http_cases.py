"""Malformed and odd HTTP/1.1 requests, written from RFC 9110 and 9112.

Each case is (name, bytes, expectation): GOOD answers with 2xx; BAD answers with one 4xx (or 501,
505) and closes; CLOSE may also close without an answer; ONE answers once, whatever the status.
"""

GOOD, BAD, CLOSE, ONE = "good", "bad", "close", "one"

HOST = b"Host: a\r\n"
BODY = b'{"prompt": "a"}'
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def get(line=b"GET /health HTTP/1.1", fields=HOST):
    return line + b"\r\n" + fields + b"\r\n"


def field(text):
    return get(fields=HOST + text + b"\r\n")


def post(fields, body=b"", line=b"POST /tokenize HTTP/1.1"):
    return line + b"\r\n" + HOST + JSON + fields + b"\r\n" + body


def length(value, body=BODY):
    return post(b"Content-Length:" + value + b"\r\n", body)


def chunks(body):
    return post(CHUNKED, body)


GOOD_CASES = {
    "plain": get(),
    "head": get(b"HEAD /health HTTP/1.1"),
    "options": get(b"OPTIONS /health HTTP/1.1"),
    "options-asterisk": get(b"OPTIONS * HTTP/1.1"),
    "http10": get(b"GET /health HTTP/1.0", b""),
    "http10-host": get(b"GET /health HTTP/1.0"),
    "query": get(b"GET /health?a=b&c=%20 HTTP/1.1"),
    "absolute-form": get(b"GET http://a/health HTTP/1.1"),
    "absolute-form-case": get(b"GET HTTP://a/health HTTP/1.1"),
    "leading-crlf": b"\r\n" + get(),
    "leading-crlf-twice": b"\r\n\r\n" + get(),
    "lower-case-names": get(fields=b"host: a\r\n"),
    "upper-case-names": get(fields=b"HOST: a\r\n"),
    "no-space-after-colon": get(fields=b"Host:a\r\n"),
    "tabs-around-value": get(fields=b"Host:\t a \t\r\n"),
    "empty-value": field(b"X-Empty:"),
    "obs-text": field(b"X-Text: \xe4\xff"),
    "host-ipv6": get(fields=b"Host: [::1]:80\r\n"),
    "host-empty": get(fields=b"Host:\r\n"),
    "odd-token-name": field(b"!#$%&'*+-.^_`|~09az: x"),
    "same-field-twice": field(b"X-A: 1\r\nX-A: 2"),
    "body": length(b" %d" % len(BODY)),
    "body-zero-padded": length(b" 00%d" % len(BODY)),
    "one-chunk": chunks(b"f\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-upper-case": chunks(b"F\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-zero-padded": chunks(b"000f\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunks-of-one": chunks(b"".join(b"1\r\n%c\r\n" % c for c in BODY) + b"0\r\n\r\n"),
    "chunk-extension": chunks(b"f;a=b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-extension-quoted": chunks(b'f;a="b;c"\r\n' + BODY + b"\r\n0\r\n\r\n"),
    "last-chunk-zeros": chunks(b"f\r\n" + BODY + b"\r\n000\r\n\r\n"),
    "trailer": chunks(b"f\r\n" + BODY + b"\r\n0\r\nX-T: v\r\n\r\n"),
    "te-case": post(b"transfer-encoding: Chunked\r\n", b"f\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "connection-close": field(b"Connection: close"),
    "connection-keep-alive": field(b"Connection: keep-alive"),
    "get-with-body": get(fields=HOST + b"Content-Length: 2\r\n") + b"ab",
    "upgrade-ignored": field(b"Upgrade: h2c\r\nConnection: upgrade"),
}

BAD_CASES = {
    # The request line.
    "lower-version": get(b"GET /health http/1.1"),
    "no-version": get(b"GET /health"),
    "http09": b"GET /health\r\n\r\n",
    "version-2": get(b"GET /health HTTP/2.0"),
    "version-3": get(b"GET /health HTTP/3.0"),
    "version-0": get(b"GET /health HTTP/0.9"),
    "version-letter": get(b"GET /health HTTP/1.x"),
    "version-long": get(b"GET /health HTTP/1.10"),
    "version-no-minor": get(b"GET /health HTTP/1"),
    "version-junk": get(b"GET /health HTTP/1.1x"),
    "version-other": get(b"GET /health HTPP/1.1"),
    "double-space": get(b"GET  /health HTTP/1.1"),
    "double-space-version": get(b"GET /health  HTTP/1.1"),
    "leading-space": get(b" GET /health HTTP/1.1"),
    "trailing-space": get(b"GET /health HTTP/1.1 "),
    "tab-separators": get(b"GET\t/health\tHTTP/1.1"),
    "space-in-target": get(b"GET /hea lth HTTP/1.1"),
    "nul-in-target": get(b"GET /hea\0lth HTTP/1.1"),
    "control-in-target": get(b"GET /hea\x01lth HTTP/1.1"),
    "delete-in-target": get(b"GET /hea\x7flth HTTP/1.1"),
    "high-byte-in-target": get(b"GET /he\xe4lth HTTP/1.1"),
    "fragment": get(b"GET /health#x HTTP/1.1"),
    "relative-target": get(b"GET health HTTP/1.1"),
    "backslash-target": get(b"GET \\health HTTP/1.1"),
    "asterisk-get": get(b"GET * HTTP/1.1"),
    "authority-form": get(b"CONNECT a:80 HTTP/1.1"),
    "no-target": get(b"GET HTTP/1.1"),
    "no-method": get(b"/health HTTP/1.1"),
    "method-junk": get(b"G(T /health HTTP/1.1"),
    "method-long": get(b"G" * 100 + b" /health HTTP/1.1"),
    "target-long": get(b"GET /" + b"a" * 70000 + b" HTTP/1.1"),
    "three-empty-lines-and-more": b"\r\n" * 20 + get(),
    "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
    "http2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "smtp": b"EHLO a\r\nMAIL FROM:<a>\r\n\r\n",
    "binary": bytes(range(256)),
    # Line ends.
    "bare-lf": b"GET /health HTTP/1.1\nHost: a\n\n",
    "bare-lf-in-head": b"GET /health HTTP/1.1\r\nHost: a\n\r\n",
    "bare-lf-end": b"GET /health HTTP/1.1\r\nHost: a\r\n\n",
    "bare-cr": b"GET /health HTTP/1.1\rHost: a\r\r",
    "bare-cr-in-value": field(b"X: a\rb"),
    "crcrlf": b"GET /health HTTP/1.1\r\r\nHost: a\r\n\r\n",
    "lf-in-line": b"GET /health\n HTTP/1.1\r\nHost: a\r\n\r\n",
    "leading-lf": b"\n" + get(),
    # Fields.
    "nul-in-value": field(b"X: a\0b"),
    "nul-in-name": field(b"X\0: a"),
    "control-in-value": field(b"X: a\x08b"),
    "obs-fold": field(b"X: a\r\n b"),
    "obs-fold-tab": field(b"X: a\r\n\tb"),
    "fold-first": b"GET /health HTTP/1.1\r\n Host: a\r\n\r\n",
    "space-before-colon": field(b"X : a"),
    "tab-before-colon": field(b"X\t: a"),
    "space-in-name": field(b"X Y: a"),
    "empty-name": field(b": a"),
    "no-colon": field(b"Xa"),
    "paren-in-name": field(b"X(: a"),
    "high-byte-in-name": field(b"X\xe4: a"),
    "quote-in-name": field(b'"X": a'),
    "many-headers": get(fields=HOST + b"X: y\r\n" * 500),
    "huge-header": field(b"X: " + b"a" * 100000),
    "huge-name": field(b"X" * 100000 + b": a"),
    "many-huge-headers": get(fields=HOST + (b"X: " + b"a" * 1000 + b"\r\n") * 90),
    # Host.
    "no-host": get(fields=b""),
    "two-hosts": get(fields=HOST + HOST),
    "two-hosts-case": get(fields=b"Host: a\r\nhOST: b\r\n"),
    "host-list": get(fields=b"Host: a, b\r\n"),
    "host-space": get(fields=b"Host: a b\r\n"),
    "host-slash": get(fields=b"Host: a/b\r\n"),
    "host-user": get(fields=b"Host: u@a\r\n"),
    "host-space-before-colon": get(fields=b"Host : a\r\n"),
    # Content-Length.
    "length-negative": length(b" -1"),
    "length-plus": length(b" +15"),
    "length-underscore": length(b" 1_5"),
    "length-hex": length(b" 0xf"),
    "length-float": length(b" 15.0"),
    "length-exponent": length(b" 1e1"),
    "length-empty": length(b""),
    "length-letters": length(b" abc"),
    "length-suffix": length(b" 15a"),
    "length-inner-space": length(b" 1 5"),
    "length-overflow-64": length(b" 18446744073709551631"),
    "length-overflow-63": length(b" 9223372036854775808"),
    "length-overflow-long": length(b" " + b"9" * 100),
    "length-beyond-limit": length(b" 999999999"),
    "length-list-same": length(b" 15, 15"),
    "length-list-other": length(b" 15, 16"),
    "length-twice-same": post(b"Content-Length: 15\r\nContent-Length: 15\r\n", BODY),
    "length-twice-other": post(b"Content-Length: 15\r\nContent-Length: 1\r\n", BODY),
    "length-unicode-digits": length(" \u0661\u0665".encode()),
    # Transfer-Encoding.
    "te-and-length": post(CHUNKED + b"Content-Length: 15\r\n", b"0\r\n\r\n"),
    "length-and-te": post(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n"),
    "te-twice": post(CHUNKED + CHUNKED, b"0\r\n\r\n"),
    "te-identity": post(b"Transfer-Encoding: identity\r\n"),
    "te-gzip": post(b"Transfer-Encoding: gzip\r\n"),
    "te-gzip-chunked": post(b"Transfer-Encoding: gzip, chunked\r\n"),
    "te-chunked-gzip": post(b"Transfer-Encoding: chunked, gzip\r\n"),
    "te-chunked-chunked": post(b"Transfer-Encoding: chunked, chunked\r\n"),
    "te-xchunked": post(b"Transfer-Encoding: xchunked\r\n"),
    "te-quoted": post(b'Transfer-Encoding: "chunked"\r\n'),
    "te-empty": post(b"Transfer-Encoding:\r\n"),
    "te-parameter": post(b"Transfer-Encoding: chunked;a=b\r\n"),
    "te-vertical-tab": post(b"Transfer-Encoding: \x0bchunked\r\n"),
    "te-http10": b"POST /tokenize HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    # Chunks.
    "chunk-no-size": chunks(b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-negative": chunks(b"-f\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-plus": chunks(b"+f\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-0x": chunks(b"0xf\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-underscore": chunks(b"0_f\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-not-hex": chunks(b"g\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-leading-space": chunks(b" f\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-overflow-64": chunks(b"1000000000000000f\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-overflow-long": chunks(b"f" * 100 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-beyond-limit": chunks(b"7fffffff\r\n" + BODY),
    "chunk-too-short": chunks(b"e\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-bare-lf": chunks(b"f\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-data-bare-lf": chunks(b"f\r\n" + BODY + b"\n0\r\n\r\n"),
    "chunk-data-no-end": chunks(b"f\r\n" + BODY + b"0\r\n\r\n"),
    "chunk-bare-cr": chunks(b"f\rx" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-nul": chunks(b"f\0\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk-extension-long": chunks(b"f;" + b"a" * 100000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "trailer-long": chunks(b"f\r\n" + BODY + b"\r\n0\r\nX: " + b"a" * 100000 + b"\r\n\r\n"),
    "trailer-no-colon": chunks(b"f\r\n" + BODY + b"\r\n0\r\nabc\r\n\r\n"),
    # What the application refuses.
    "not-found": get(b"GET /nothing HTTP/1.1", HOST + b"Connection: close\r\n"),
    "dot-segments": get(b"GET /../../etc/passwd HTTP/1.1", HOST + b"Connection: close\r\n"),
    "encoded-path": get(b"GET /%68ealth HTTP/1.1", HOST + b"Connection: close\r\n"),
    "double-slash": get(b"GET //health HTTP/1.1", HOST + b"Connection: close\r\n"),
    "method-unknown": get(b"BREW /health HTTP/1.1", HOST + b"Connection: close\r\n"),
    "method-lower": get(b"get /health HTTP/1.1", HOST + b"Connection: close\r\n"),
    "trace": get(b"TRACE /health HTTP/1.1", HOST + b"Connection: close\r\n"),
    "post-to-get": post(b"Content-Length: 2\r\n", b"{}", b"POST /health HTTP/1.1"),
    "expect-unknown": post(b"Expect: magic\r\nContent-Length: 15\r\n", BODY),
    "content-encoding": post(b"Content-Encoding: gzip\r\nContent-Length: 15\r\n", BODY),
    "xml": get(
        b"POST /tokenize HTTP/1.1", HOST + b"Content-Type: text/xml\r\nContent-Length: 1\r\n"
    )
    + b"x",
}

# The input ends before the request does: no request, so no answer or one error.
CUT_CASES = {
    "nothing": b"",
    "cut-line": b"GET /hea",
    "cut-head": b"GET /health HTTP/1.1\r\nHost: a\r\n",
    "cut-body": length(b" 100"),
    "cut-chunk": chunks(b"ff\r\nabc"),
    "cut-chunks": chunks(b"f\r\n" + BODY + b"\r\n"),
    "cut-chunk-size": chunks(b"f"),
    "cut-trailer": chunks(b"f\r\n" + BODY + b"\r\n0\r\nX: y"),
    "only-crlf": b"\r\n",
}

CASES = (
    [(name, data, GOOD) for name, data in GOOD_CASES.items()]
    + [(name, data, BAD) for name, data in BAD_CASES.items()]
    + [(name, data, CLOSE) for name, data in CUT_CASES.items()]
)
