// What the server needs of a model: the engine's part of the seam between HTTP and text. Tests and
// fuzz targets put a fake in its place.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/engine.h"

namespace weir::server {

// Functions may be called from any thread. The contracts are those of weir::Engine.
class TextService {
 public:
  virtual ~TextService() = default;
  virtual const ModelInfo& info() const = 0;
  virtual Result<std::vector<Token>> tokenize(std::string_view text, bool add_special,
                                              bool parse_special) const = 0;
  virtual Result<std::string> detokenize(std::span<const Token> tokens,
                                         bool skip_special) const = 0;
  virtual Result<std::string> token_bytes(Token token) const = 0;
  virtual Result<std::vector<Token>> chat_tokens(const ChatInput& input) const = 0;
  virtual Result<RequestId> submit(Request request, EventHandler handler) = 0;
  virtual void cancel(RequestId id) = 0;
  virtual EngineStats stats() const = 0;
};

}  // namespace weir::server
