// The HTTP server over an engine.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "weir/engine.h"
#include "weir/status.h"

namespace weir {

struct ServerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;                         // 0: any free port.
  std::vector<std::string> served_model_names;  // Empty: the name the model was opened by.
  std::vector<std::string> api_keys;            // Empty: no key is asked for.
  std::vector<std::string> allowed_origins;     // CORS; empty: none; "*": any.
  uint64_t body_bytes_max = 8 << 20;            // 413 beyond it.
  uint32_t header_bytes_max = 16 << 10;         // 431 beyond it.
  uint32_t connections_max = 4096;              // Further ones wait to be accepted.
  std::chrono::milliseconds header_timeout{
      10'000};                                     // For a request to arrive whole, body included.
  std::chrono::milliseconds idle_timeout{60'000};  // Between requests of a connection, and for a
                                                   // reader that takes nothing.
  std::chrono::milliseconds shutdown_timeout{30'000};
};

// Serves until SIGTERM or SIGINT: then takes no new work, finishes streams or ends them at
// shutdown_timeout, and returns. A second signal ends at once. `listening` is called with the port
// once requests are taken. kIo: the address cannot be bound. kInvalid: an empty API key, or an
// allowed origin that is none.
Status serve(Engine& engine, const ServerOptions& options,
             const std::function<void(uint16_t port)>& listening);

}  // namespace weir
