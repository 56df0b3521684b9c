// The fields that completions and chats share. The table of numbers is used twice: to read requests
// and to describe them in /openapi.json.
#pragma once

#include <span>
#include <string_view>

#include "server/api/fields.h"
#include "weir/engine.h"

namespace weir::server {

struct NumberField {
  std::string_view name;
  NumberRange range;
  void (*set)(Request& request, double value);
  std::string_view description;
};

inline constexpr double kTokensMax = 2147483647;
inline constexpr double kLogprobsMax = 20;
inline constexpr double kChoicesMax = 128;
inline constexpr size_t kStopsMax = 16;
inline constexpr size_t kStopBytesMax = 1024;
inline constexpr size_t kStopTokensMax = 128;
inline constexpr size_t kLogitBiasMax = 1024;

std::span<const NumberField> number_fields();

// Reads them all into `request`: numbers, seed, stop, stop_token_ids, logit_bias, ignore_eos,
// skip_special_tokens.
Status read_sampling(const Fields& fields, const ModelInfo& model, Request& request);

// Fields that ask for what is not there and would change the answer: refused rather than ignored.
// All other unknown fields are ignored.
Status refuse_unsupported(const Fields& fields);

Result<Token> to_token(const boost::json::value& value, const ModelInfo& model,
                       const std::string& param);
Result<std::vector<Token>> to_tokens(const boost::json::array& array, const ModelInfo& model,
                                     const std::string& param);

}  // namespace weir::server
