// The judge: runs a plan on an engine.
#pragma once

#include "eval/exam.h"
#include "eval/plan.h"
#include "eval/report.h"
#include "weir/engine.h"

namespace weir::eval {

// The same plan on the same build gives the same figures, times and peaks aside. kInvalid names
// the option that is wrong: a recipe, a context too long for the engine, too short a text.
Result<Report> evaluate(Engine& engine, const Plan& plan, const Note& note = {});

}  // namespace weir::eval
