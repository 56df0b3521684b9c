// The components of /openapi.json.
#pragma once

#include <boost/json.hpp>

#include "weir/engine.h"

namespace weir::server {

// "components": request and response schemas by name.
boost::json::object openapi_components(const ModelInfo& model);

}  // namespace weir::server
