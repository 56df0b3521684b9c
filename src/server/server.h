// The server over a TextService; weir::serve (weir/server.h) is this over an engine.
#pragma once

#include "server/service.h"
#include "weir/server.h"

namespace weir::server {

Status serve(TextService& service, const ServerOptions& options,
             const std::function<void(uint16_t port)>& listening);

}  // namespace weir::server
