// What text_probe does with chat templates.
#pragma once

#include "text/probe.h"

namespace weir::probe {

// {"template", "messages", "tools", "documents", "add_generation_prompt", "bos_token", "eos_token",
// "extra", "now"} -> {"text"}. All but the template may be left out.
boost::json::object render(const boost::json::object& request);

}  // namespace weir::probe
