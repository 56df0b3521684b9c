// What stands around choices: id, object, created, model, usage.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "server/api/job.h"

namespace weir::server {

struct Envelope {
  std::string id, model, fingerprint;
  int64_t created = 0;
  bool null_usage = false;  // Every chunk says "usage": null, as one with usage will follow.

  boost::json::object around(std::string_view object, boost::json::array choices) const;
};

// With a fresh id.
Envelope make_envelope(const Job& job, const std::string& fingerprint);

boost::json::object usage_json(const Usage& usage);

// One server-sent event. The data has no line breaks: it is JSON or [DONE].
std::string sse_event(std::string_view data);

// `bytes` random bytes in hexadecimal.
std::string random_hex(size_t bytes);

}  // namespace weir::server
