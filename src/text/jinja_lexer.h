// Template text to tokens, by jinja2's rules with trim_blocks and lstrip_blocks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/status.h"

namespace weir::jinja {

struct Token {
  enum class Kind {
    kData,
    kVariableBegin,
    kVariableEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kString,
    kInteger,
    kFloat,
    kOperator,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;  // Strings without quotes and escapes; numbers without underscores.
  int line = 1;
};

// The last token is kEnd. kInvalid with the line for what is no template.
Result<std::vector<Token>> tokenize(std::string_view source);

// "line 3: expected ..."
tl::unexpected<Error> syntax_error(int line, const std::string& message);

}  // namespace weir::jinja
