// The server over the fake model: what the HTTP tests run against, since it starts at once.
//   fake_server [--api-key K] [--origin O] [--port N] [--SETTING MILLISECONDS|BYTES|COUNT]
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "server/server.h"
#include "server/testing/fake_service.h"

int main(int argc, char** argv) {
  weir::ServerOptions options;
  options.port = 0;
  const auto milliseconds = [](const char* text) {
    return std::chrono::milliseconds(std::atoll(text));
  };
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--api-key") options.api_keys.push_back(value);
    if (name == "--origin") options.allowed_origins.push_back(value);
    if (name == "--port") options.port = static_cast<uint16_t>(std::atoi(value));
    if (name == "--header-timeout") options.header_timeout = milliseconds(value);
    if (name == "--idle-timeout") options.idle_timeout = milliseconds(value);
    if (name == "--shutdown-timeout") options.shutdown_timeout = milliseconds(value);
    if (name == "--body-bytes-max") options.body_bytes_max = std::strtoull(value, nullptr, 10);
    if (name == "--connections-max")
      options.connections_max = static_cast<uint32_t>(std::atoi(value));
  }
  weir::server::FakeService service;
  const auto status = weir::server::serve(service, options, [](uint16_t port) {
    std::printf("weir: serving fake on http://127.0.0.1:%d\n", port);
    std::fflush(stdout);
  });
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
