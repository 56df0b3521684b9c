#include "cli/open.h"

#include <chrono>

#include "cli/progress.h"

namespace weir::cli {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Result<OpenedModel> open_engine(const std::string& model, const EngineOptions& options) {
  Progress progress("loading " + model);
  const double start = seconds_now();
  WEIR_ASSIGN(auto engine, Engine::open(model, options, [&](uint64_t done, uint64_t total) {
                progress.update(done, total);
              }));
  return OpenedModel{std::move(engine), seconds_now() - start};
}

}  // namespace weir::cli
