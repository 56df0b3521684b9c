// The judge: runs a plan on an engine.
#pragma once

#include <functional>
#include <string>

#include "eval/plan.h"
#include "eval/report.h"
#include "weir/engine.h"

namespace weir::eval {

// Told what is being done, now and then.
using Note = std::function<void(const std::string& what)>;

// The same plan on the same build gives the same figures, times and peaks aside. kInvalid names
// the option that is wrong: a recipe, a context too long for the engine, too short a text.
Result<Report> evaluate(Engine& engine, const Plan& plan, const Note& note = {});

}  // namespace weir::eval
