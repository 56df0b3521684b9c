// Any body, to every reader of bodies: a job or an error, never a fault. Limits hold for the job.
#include <cstdint>
#include <cstdlib>

#include "server/api/plain.h"
#include "server/api/utf8.h"
#include "server/testing/fake_service.h"

namespace {

using namespace weir::server;

void check(const weir::Result<Job>& job) {
  if (!job) return;
  for (const weir::Request& request : job->requests) {
    const bool fits = !request.prompt.empty() && request.choices >= 1 && request.choices <= 128 &&
                      request.prompt.size() <= 4096 && request.sampling.temperature >= 0 &&
                      request.sampling.top_p > 0 && request.logprobs <= 20;
    if (!fits) std::abort();
  }
}

void check(const weir::Result<std::string>& text) {
  if (text && !is_valid_utf8(*text)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FakeService service;
  static const std::vector<std::string> names = {"fake"};
  const JobContext context{service, names};
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 4) {
    case 0:
      check(read_completion(body, context));
      break;
    case 1:
      check(read_chat(body, context));
      break;
    case 2:
      check(tokenize(body, context));
      break;
    default:
      check(detokenize(body, context));
  }
  return 0;
}
