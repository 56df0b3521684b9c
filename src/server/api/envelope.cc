#include "server/api/envelope.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <chrono>
#include <utility>
#include <vector>

namespace weir::server {

namespace json = boost::json;

json::object Envelope::around(std::string_view object, json::array choices) const {
  json::object out;
  out["id"] = id;
  out["object"] = object;
  out["created"] = created;
  out["model"] = model;
  out["system_fingerprint"] = fingerprint;
  out["choices"] = std::move(choices);
  if (null_usage) out["usage"] = nullptr;
  return out;
}

Envelope make_envelope(const Job& job, const std::string& fingerprint) {
  using std::chrono::system_clock;
  Envelope envelope;
  envelope.id = std::string(job.format->id_prefix()) + random_hex(12);
  envelope.model = job.model;
  envelope.fingerprint = fingerprint;
  envelope.created = system_clock::to_time_t(system_clock::now());
  envelope.null_usage = job.stream && job.include_usage;
  return envelope;
}

json::object usage_json(const Usage& usage) {
  json::object out;
  out["prompt_tokens"] = usage.prompt_tokens;
  out["completion_tokens"] = usage.completion_tokens;
  out["total_tokens"] = uint64_t{usage.prompt_tokens} + usage.completion_tokens;
  out["prompt_tokens_details"] = json::object{{"cached_tokens", usage.cached_tokens}};
  return out;
}

std::string sse_event(std::string_view data) {
  return fmt::format("data: {}\n\n", data);
}

std::string random_hex(size_t bytes) {
  std::vector<unsigned char> random(bytes);
  RAND_bytes(random.data(), static_cast<int>(bytes));
  std::string out;
  for (const unsigned char byte : random) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace weir::server
