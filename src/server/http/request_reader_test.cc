#include "server/http/request_reader.h"

#include <gtest/gtest.h>

namespace weir::server {
namespace {

using State = RequestReader::State;

// Feeds in pieces of `step` bytes; what is not taken is offered again.
State read(RequestReader& reader, std::string_view bytes, size_t step) {
  std::string inbox;
  for (size_t i = 0; i < bytes.size(); i += step) {
    inbox += bytes.substr(i, step);
    while (!inbox.empty()) {
      const size_t taken = reader.feed(inbox);
      inbox.erase(0, taken);
      if (taken == 0) break;
    }
  }
  return reader.state();
}

struct Case {
  const char* name;
  std::string bytes;
  int status;  // 0: a good request.
};

const std::string kHost = "Host: a\r\n";
std::string get(const std::string& line, const std::string& fields) {
  return line + "\r\n" + fields + "\r\n";
}
std::string with(const std::string& fields) {
  return get("POST / HTTP/1.1", kHost + fields);
}

std::vector<Case> cases() {
  return {
      {"plain", get("GET / HTTP/1.1", kHost), 0},
      {"leading_empty_line", "\r\n" + get("GET / HTTP/1.1", kHost), 0},
      {"absolute_form", get("GET http://a/x?y HTTP/1.1", kHost), 0},
      {"http10_no_host", get("GET / HTTP/1.0", ""), 0},
      {"asterisk", get("OPTIONS * HTTP/1.1", kHost), 0},
      {"body", with("Content-Length: 2\r\n") + "ab", 0},
      {"chunks", with("Transfer-Encoding: chunked\r\n") + "1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n", 0},
      {"chunks_trailer", with("Transfer-Encoding: chunked\r\n") + "1\r\na\r\n0\r\nX: y\r\n\r\n", 0},
      {"no_version", get("GET /", kHost), 400},
      {"http2", get("GET / HTTP/2.0", kHost), 505},
      {"version_letters", get("GET / HTTP/1.x", kHost), 400},
      {"two_spaces", get("GET  / HTTP/1.1", kHost), 400},
      {"tab_in_line", get("GET\t/ HTTP/1.1", kHost), 400},
      {"no_host", get("GET / HTTP/1.1", ""), 400},
      {"two_hosts", get("GET / HTTP/1.1", kHost + kHost), 400},
      {"bad_host", get("GET / HTTP/1.1", "Host: a b\r\n"), 400},
      {"bare_lf", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"bare_cr", get("GET / HTTP/1.1", kHost + "X: a\rb\r\n"), 400},
      {"nul", get("GET / HTTP/1.1", kHost + std::string("X: a\0b\r\n", 8)), 400},
      {"obs_fold", get("GET / HTTP/1.1", kHost + "X: a\r\n b\r\n"), 400},
      {"space_before_colon", get("GET / HTTP/1.1", kHost + "X : a\r\n"), 400},
      {"no_colon", get("GET / HTTP/1.1", kHost + "X\r\n"), 400},
      {"empty_name", get("GET / HTTP/1.1", kHost + ": a\r\n"), 400},
      {"relative_target", get("GET x HTTP/1.1", kHost), 400},
      {"length_negative", with("Content-Length: -1\r\n"), 400},
      {"length_plus", with("Content-Length: +1\r\n"), 400},
      {"length_underscore", with("Content-Length: 1_0\r\n"), 400},
      {"length_hex", with("Content-Length: 0x1\r\n"), 400},
      {"length_empty", with("Content-Length:\r\n"), 400},
      {"length_list", with("Content-Length: 1, 1\r\n"), 400},
      {"length_twice", with("Content-Length: 1\r\nContent-Length: 1\r\n"), 400},
      {"length_overflow", with("Content-Length: 99999999999999999999\r\n"), 400},
      {"length_large", with("Content-Length: 1000000000\r\n"), 413},
      {"te_and_length", with("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), 400},
      {"te_twice", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"te_gzip", with("Transfer-Encoding: gzip, chunked\r\n"), 400},
      {"te_identity", with("Transfer-Encoding: identity\r\n"), 400},
      {"te_http10", get("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"), 400},
      {"chunk_underscore", with("Transfer-Encoding: chunked\r\n") + "0_2\r\nab\r\n0\r\n\r\n", 400},
      {"chunk_0x", with("Transfer-Encoding: chunked\r\n") + "0x2\r\nab\r\n0\r\n\r\n", 400},
      {"chunk_negative", with("Transfer-Encoding: chunked\r\n") + "-1\r\nab\r\n", 400},
      {"chunk_empty", with("Transfer-Encoding: chunked\r\n") + "\r\nab\r\n", 400},
      {"chunk_overflow", with("Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\na\r\n",
       400},
      {"chunk_no_crlf", with("Transfer-Encoding: chunked\r\n") + "1\r\nabc\r\n", 400},
      {"chunk_large", with("Transfer-Encoding: chunked\r\n") + "ffffff\r\na\r\n", 413},
      {"head_large", get("GET / HTTP/1.1", kHost + "X: " + std::string(20000, 'x') + "\r\n"), 431},
      {"line_large", get("GET /" + std::string(20000, 'x') + " HTTP/1.1", kHost), 431},
  };
}

TEST(RequestReader, StrictWholeAndInPieces) {
  for (const Case& test : cases()) {
    for (const size_t step : {size_t{1}, size_t{2}, size_t{7}, test.bytes.size()}) {
      RequestReader reader({16 << 10, 1 << 20});
      const State state = read(reader, test.bytes, step);
      if (test.status == 0) {
        EXPECT_EQ(state, State::kComplete) << test.name << " " << step;
      } else {
        ASSERT_EQ(state, State::kFailed) << test.name << " " << step;
        EXPECT_EQ(reader.failure().status, test.status) << test.name << " " << step;
      }
    }
  }
}

TEST(RequestReader, ManyHeaders) {
  std::string fields = kHost;
  for (int i = 0; i < 200; ++i) fields += "A: b\r\n";
  RequestReader reader({16 << 10, 1 << 20});
  EXPECT_EQ(read(reader, get("GET / HTTP/1.1", fields), 100), State::kFailed);
  EXPECT_EQ(reader.failure().status, 431);
}

TEST(RequestReader, TakesApartARequest) {
  RequestReader reader({16 << 10, 1 << 20});
  const std::string bytes =
      "POST /a/b?c=d HTTP/1.1\r\nHOST: x\r\nX-Y:  z \t\r\nContent-Length: 3\r\n\r\nabcGET";
  EXPECT_EQ(read(reader, bytes, 5), State::kComplete);
  const HttpRequest& request = reader.request();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_EQ(request.query, "c=d");
  EXPECT_EQ(request.header("x-y"), "z");
  EXPECT_EQ(request.body, "abc");
}

TEST(RequestReader, StopsAtTheEndOfARequest) {
  RequestReader reader({16 << 10, 1 << 20});
  const std::string one = get("GET / HTTP/1.1", kHost);
  EXPECT_EQ(reader.feed(one + one), one.size());
  EXPECT_EQ(reader.state(), State::kComplete);
  EXPECT_EQ(reader.feed(one), 0u);
}

TEST(RequestReader, OneByteChunks) {
  RequestReader reader({16 << 10, 1 << 20});
  std::string bytes = with("Transfer-Encoding: chunked\r\n");
  for (int i = 0; i < 50000; ++i) bytes += "1\r\nx\r\n";
  EXPECT_EQ(read(reader, bytes + "0\r\n\r\n", 4096), State::kComplete);
  EXPECT_EQ(reader.request().body.size(), 50000u);
}

}  // namespace
}  // namespace weir::server
