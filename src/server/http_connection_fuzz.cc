// Any bytes, cut anywhere, to a whole connection over memory. Whatever comes, the answers are whole
// HTTP responses, never more of them than there can be requests, and the next connection works.
#include <spdlog/spdlog.h>

#include <cstdint>
#include <cstdlib>

#include "server/testing/memory_server.h"

namespace {

using weir::server::MemoryServer;

// The first byte of each piece is its length; lengths from 200 up stand for all the rest.
std::vector<std::string> pieces_of(const uint8_t* data, size_t size) {
  std::vector<std::string> pieces;
  while (size > 1) {
    const size_t length = std::min<size_t>(data[0] >= 200 ? size : data[0] + 1u, size - 1);
    pieces.emplace_back(reinterpret_cast<const char*>(data + 1), length);
    data += length + 1;
    size -= length + 1;
  }
  return pieces;
}

size_t count(const std::string& text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static MemoryServer* server = [] {
    spdlog::set_level(spdlog::level::off);
    auto* made = new MemoryServer();
    made->service.answer_inline();
    return made;
  }();
  const auto pieces = pieces_of(data, size);
  std::string input;
  for (const std::string& piece : pieces) input += piece;
  const std::string output = server->serve(pieces);
  if (!output.empty() && !output.starts_with("HTTP/1.1 ")) std::abort();
  if (count(output, "\r\nConnection: ") > count(input, "\r\n\r\n") + 1) std::abort();
  static unsigned runs = 0;
  if (++runs % 64 != 0) return 0;
  const std::string good = server->serve({"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"});
  if (!good.starts_with("HTTP/1.1 200 OK\r\n")) std::abort();
  return 0;
}
