#include "server/engine_service.h"

#include <utility>

#include "server/server.h"
#include "weir/server.h"

namespace weir {
namespace server {

const ModelInfo& EngineService::info() const {
  return engine_.info();
}

Result<std::vector<Token>> EngineService::tokenize(std::string_view text, bool add_special,
                                                   bool parse_special) const {
  return engine_.tokenize(text, add_special, parse_special);
}

Result<std::string> EngineService::detokenize(std::span<const Token> tokens,
                                              bool skip_special) const {
  return engine_.detokenize(tokens, skip_special);
}

Result<std::string> EngineService::token_bytes(Token token) const {
  return engine_.token_bytes(token);
}

Result<std::vector<Token>> EngineService::chat_tokens(const ChatInput& input) const {
  return engine_.chat_tokens(input);
}

Result<RequestId> EngineService::submit(Request request, EventHandler handler) {
  return engine_.submit(std::move(request), std::move(handler));
}

void EngineService::cancel(RequestId id) {
  engine_.cancel(id);
}

EngineStats EngineService::stats() const {
  return engine_.stats();
}

}  // namespace server

Status serve(Engine& engine, const ServerOptions& options,
             const std::function<void(uint16_t port)>& listening) {
  server::EngineService service(engine);
  return server::serve(service, options, listening);
}

}  // namespace weir
