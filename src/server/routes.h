// The route table of weir's server.
#pragma once

#include <vector>

#include "server/api/generate.h"
#include "server/router.h"

namespace weir::server {

// Without a key: /health, /ready and /version, which load balancers ask. /metrics needs one: it
// tells what other clients do, and scrapers can send keys. The workplace must outlive the routes.
std::vector<Route> make_routes(Workplace& workplace);

}  // namespace weir::server
