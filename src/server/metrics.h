// What is counted, under the names that vLLM gave them, prefixed weir: instead of vllm:.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/http/wakeup.h"
#include "server/service.h"

namespace weir::server {

// Any thread may call any function.
class Metrics {
 public:
  explicit Metrics(const std::string& model_name);
  ~Metrics();

  void http_request(std::string_view route, std::string_view method, int status,
                    Clock::duration duration);

  // One prompt's request, told by what its client was sent.
  void time_to_first_token(Clock::duration duration);
  void between_tokens(Clock::duration duration);
  struct Finished {
    Usage usage;
    uint32_t choices = 1, max_tokens = 0;
    Clock::duration total{}, decoding{};
  };
  void finished(const Finished& finished);
  // One choice's end: "stop", "length", "abort" or "error".
  void choice_finished(std::string_view reason);

  // The exposition text, with the engine's present state.
  std::string render(const EngineStats& stats);

 private:
  struct Registered;
  std::unique_ptr<Registered> registered_;
};

}  // namespace weir::server
