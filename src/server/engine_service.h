// weir::Engine as a TextService.
#pragma once

#include "server/service.h"

namespace weir::server {

class EngineService : public TextService {
 public:
  // The engine must outlive the service.
  explicit EngineService(Engine& engine) : engine_(engine) {}

  const ModelInfo& info() const override;
  Result<std::vector<Token>> tokenize(std::string_view text, bool add_special,
                                      bool parse_special) const override;
  Result<std::string> detokenize(std::span<const Token> tokens, bool skip_special) const override;
  Result<std::string> token_bytes(Token token) const override;
  Result<std::vector<Token>> chat_tokens(const ChatInput& input) const override;
  Result<RequestId> submit(Request request, EventHandler handler) override;
  void cancel(RequestId id) override;
  EngineStats stats() const override;

 private:
  Engine& engine_;
};

}  // namespace weir::server
