// /openapi.json, made from the route table and the table of numeric fields.
#pragma once

#include <span>
#include <string>

#include "server/router.h"
#include "weir/engine.h"

namespace weir::server {

std::string openapi_document(std::span<const Route> routes, const ModelInfo& model);

}  // namespace weir::server
