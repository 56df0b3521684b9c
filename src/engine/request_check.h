// Bounds of a request, as include/weir/options.h states them.
#pragma once

#include "engine/generation.h"
#include "weir/engine.h"

namespace weir {

// kInvalid with the field's name as param.
Status check(const Request& request, const ModelInfo& model, const GenerationContext& context);

// A request runs all of its choices at once, so they must be no more than may run.
Status check_choices(const Request& request, const EngineOptions& options);

}  // namespace weir
