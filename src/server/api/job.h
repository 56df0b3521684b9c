// A request for text, read and checked: what to generate and how to say it.
#pragma once

#include <string>
#include <vector>

#include "server/api/reply_format.h"
#include "weir/engine.h"

namespace weir::server {

struct Job {
  const ReplyFormat* format = nullptr;
  std::string model;              // As the client named it.
  std::vector<Request> requests;  // One per prompt, all with the same `choices`.
  std::vector<std::string> echo;  // A text per prompt to begin its answers with; or empty.
  bool logprobs = false;
  bool stream = false;
  bool include_usage = false;
};

}  // namespace weir::server
