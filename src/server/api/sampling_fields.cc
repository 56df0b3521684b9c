#include "server/api/sampling_fields.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace weir::server {
namespace {

namespace json = boost::json;

float single(double value) {
  return static_cast<float>(value);
}

constexpr NumberRange kPenaltyRange{-2, 2};
constexpr NumberRange kShareRange{0, 1, false, true};

constexpr std::array kNumberFields = {
    NumberField{"temperature",
                {0, 2},
                [](Request& r, double v) { r.sampling.temperature = single(v); },
                "0 is greedy."},
    NumberField{"top_p", kShareRange, [](Request& r, double v) { r.sampling.top_p = single(v); },
                "Keep the smallest set of tokens with at least this probability."},
    NumberField{"top_k",
                {-1, kTokensMax, true},
                [](Request& r, double v) { r.sampling.top_k = static_cast<int32_t>(v); },
                "Keep the k likeliest tokens; 0 or -1: all."},
    NumberField{"min_p",
                {0, 1},
                [](Request& r, double v) { r.sampling.min_p = single(v); },
                "Keep tokens with at least this share of the likeliest one's probability."},
    NumberField{"typical_p", kShareRange,
                [](Request& r, double v) { r.sampling.typical_p = single(v); },
                "Locally typical sampling."},
    NumberField{"repetition_penalty",
                {0, 10, false, true},
                [](Request& r, double v) { r.sampling.repetition_penalty = single(v); },
                "Divides the positive logits of tokens already seen, multiplies the negative."},
    NumberField{"presence_penalty", kPenaltyRange,
                [](Request& r, double v) { r.sampling.presence_penalty = single(v); },
                "Subtracted once from the logits of tokens already generated."},
    NumberField{"frequency_penalty", kPenaltyRange,
                [](Request& r, double v) { r.sampling.frequency_penalty = single(v); },
                "Subtracted for each time a token was generated."},
    NumberField{"n",
                {1, kChoicesMax, true},
                [](Request& r, double v) { r.choices = static_cast<uint32_t>(v); },
                "Answers to generate."},
    NumberField{"min_tokens",
                {0, kTokensMax, true},
                [](Request& r, double v) { r.min_tokens = static_cast<uint32_t>(v); },
                "Nothing ends an answer before so many tokens."},
};

Status add_stop(const json::value& value, const std::string& param, Request& request) {
  if (!value.is_string()) return fail(wrong_kind(value, param, "a string"));
  const std::string_view text = value.as_string();
  if (text.empty() || text.size() > kStopBytesMax)
    return fail(
        Code::kInvalid,
        fmt::format("{} must have 1 to {} bytes, not {}.", param, kStopBytesMax, text.size()),
        param);
  request.stop.emplace_back(text);
  return {};
}

Status read_stop(const Fields& fields, Request& request) {
  const json::value* stop = fields.find("stop");
  if (!stop) return {};
  const std::string param = fields.param("stop");
  if (stop->is_string()) {
    if (stop->as_string().empty()) return {};
    return add_stop(*stop, param, request);
  }
  if (!stop->is_array()) return fail(wrong_kind(*stop, param, "a string or an array of strings"));
  if (stop->as_array().size() > kStopsMax)
    return fail(Code::kInvalid, fmt::format("{} may have at most {} strings.", param, kStopsMax),
                param);
  for (size_t i = 0; i < stop->as_array().size(); ++i)
    WEIR_TRY(add_stop(stop->as_array()[i], fmt::format("{}[{}]", param, i), request));
  return {};
}

Status read_stop_tokens(const Fields& fields, const ModelInfo& model, Request& request) {
  WEIR_ASSIGN(const json::array* tokens, fields.array("stop_token_ids"));
  if (!tokens) return {};
  const std::string param = fields.param("stop_token_ids");
  if (tokens->size() > kStopTokensMax)
    return fail(Code::kInvalid,
                fmt::format("{} may have at most {} tokens.", param, kStopTokensMax), param);
  WEIR_ASSIGN(request.stop_tokens, to_tokens(*tokens, model, param));
  return {};
}

Result<Token> parse_token(std::string_view text, const ModelInfo& model) {
  Token token = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), token);
  if (error != std::errc() || end != text.data() + text.size() || token < 0 ||
      static_cast<uint32_t>(token) >= model.vocabulary)
    return fail(Code::kInvalid,
                fmt::format("A key of logit_bias must be a token id below {}.", model.vocabulary),
                "logit_bias");
  return token;
}

Status read_logit_bias(const Fields& fields, const ModelInfo& model, Request& request) {
  WEIR_ASSIGN(const json::object* biases, fields.object("logit_bias"));
  if (!biases) return {};
  if (biases->size() > kLogitBiasMax)
    return fail(Code::kInvalid,
                fmt::format("logit_bias may have at most {} entries.", kLogitBiasMax),
                "logit_bias");
  for (const auto& [key, value] : *biases) {
    WEIR_ASSIGN(const Token token, parse_token(key, model));
    WEIR_ASSIGN(const double bias,
                to_number(value, {-100, 100}, fmt::format("logit_bias[{}]", token)));
    request.sampling.logit_bias.emplace_back(token, single(bias));
  }
  return {};
}

// Asks for nothing: false, empty, or the number that changes nothing.
bool is_harmless(const json::value& value, std::optional<double> neutral) {
  if (value.is_number()) return neutral && value.to_number<double>() == *neutral;
  if (value.is_bool()) return !value.as_bool();
  if (value.is_array()) return value.as_array().empty();
  if (value.is_object()) return value.as_object().empty();
  return value.is_string() && value.as_string().empty();
}

}  // namespace

std::span<const NumberField> number_fields() {
  return kNumberFields;
}

Status read_sampling(const Fields& fields, const ModelInfo& model, Request& request) {
  for (const NumberField& field : kNumberFields) {
    WEIR_ASSIGN(const auto value, fields.number(field.name, field.range));
    if (value) field.set(request, *value);
  }
  WEIR_ASSIGN(const auto seed, fields.integer64("seed"));
  if (seed) request.sampling.seed = static_cast<uint64_t>(*seed);
  WEIR_ASSIGN(auto kv, fields.string("kv"));
  request.kv = std::move(kv).value_or("");
  WEIR_ASSIGN(request.ignore_eos, fields.boolean("ignore_eos", false));
  WEIR_ASSIGN(request.skip_special_tokens, fields.boolean("skip_special_tokens", true));
  WEIR_TRY(read_stop(fields, request));
  WEIR_TRY(read_stop_tokens(fields, model, request));
  return read_logit_bias(fields, model, request);
}

Status refuse_unsupported(const Fields& fields) {
  struct Refused {
    const char* name;
    std::optional<double> neutral;
  };
  constexpr std::array kRefused = {
      Refused{"audio", {}},
      Refused{"allowed_token_ids", {}},
      Refused{"bad_words", {}},
      Refused{"chat_template", {}},
      Refused{"continue_final_message", {}},
      Refused{"documents", {}},
      Refused{"function_call", {}},
      Refused{"functions", {}},
      Refused{"grammar", {}},
      Refused{"guided_choice", {}},
      Refused{"guided_grammar", {}},
      Refused{"guided_json", {}},
      Refused{"guided_regex", {}},
      Refused{"include_stop_str_in_output", {}},
      Refused{"json_schema", {}},
      Refused{"length_penalty", 1},
      Refused{"logits_processors", {}},
      Refused{"mirostat", 0},
      Refused{"mirostat_mode", 0},
      Refused{"n_predict", -1},
      Refused{"prompt_embeds", {}},
      Refused{"prompt_logprobs", {}},
      Refused{"repeat_penalty", 1},
      Refused{"structured_outputs", {}},
      Refused{"suffix", {}},
      Refused{"top_a", 0},
      Refused{"truncate_prompt_tokens", {}},
      Refused{"use_beam_search", {}},
      Refused{"web_search_options", {}},
  };
  for (const auto& [name, neutral] : kRefused) {
    const json::value* value = fields.find(name);
    if (value && !is_harmless(*value, neutral))
      return fail(Code::kInvalid, fmt::format("{} is not supported.", name), name);
  }
  return {};
}

Result<Token> to_token(const json::value& value, const ModelInfo& model, const std::string& param) {
  const NumberRange range{0, static_cast<double>(model.vocabulary) - 1, true};
  WEIR_ASSIGN(const double number, to_number(value, range, param));
  return static_cast<Token>(number);
}

Result<std::vector<Token>> to_tokens(const json::array& array, const ModelInfo& model,
                                     const std::string& param) {
  std::vector<Token> tokens;
  tokens.reserve(array.size());
  for (size_t i = 0; i < array.size(); ++i) {
    const auto token = to_token(array[i], model, param);
    if (!token) return fail(to_token(array[i], model, fmt::format("{}[{}]", param, i)).error());
    tokens.push_back(*token);
  }
  return tokens;
}

}  // namespace weir::server
