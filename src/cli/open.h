#pragma once

#include <memory>
#include <string>

#include "weir/engine.h"

namespace weir::cli {

struct OpenedModel {
  std::unique_ptr<Engine> engine;
  double load_s = 0;
};

// Engine::open with progress shown.
Result<OpenedModel> open_engine(const std::string& model, const EngineOptions& options);

// Seconds since some moment in the past.
double seconds_now();

}  // namespace weir::cli
