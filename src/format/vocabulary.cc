#include "format/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

constexpr int32_t kControl = 3, kUserDefined = 4, kTypeMax = 6;

// Control tokens by which published models end a turn or a text, whatever the file says of them.
constexpr std::string_view kEnds[] = {
    "<|im_end|>",      "<|eot_id|>",    "<|eom_id|>",    "<|end|>",
    "<|end_of_text|>", "<|endoftext|>", "<end_of_turn>",
};

std::string key(std::string_view name) {
  return fmt::format("tokenizer.ggml.{}", name);
}

// An array that the file may lack, with an element for each token.
Result<std::optional<GgufArray>> find_list(const GgufFile& file, std::string_view name,
                                           GgufType type, uint64_t tokens) {
  WEIR_ASSIGN(const auto list, file.find_array(key(name), type));
  if (!list || list->size == tokens) return list;
  return fail(Code::kCorrupt, fmt::format("{} has {} elements; {} is right, one per token",
                                          key(name), list->size, tokens));
}

Status read_tokens(const GgufFile& file, uint32_t vocabulary, Vocabulary& out) {
  WEIR_ASSIGN(const GgufArray tokens, file.array_at(key("tokens"), GgufType::kString));
  if (tokens.size != vocabulary)
    return fail(Code::kCorrupt,
                fmt::format("{} has {} elements; {} is right, the rows of token_embd.weight",
                            key("tokens"), tokens.size, vocabulary));
  out.tokens = tokens.strings();
  WEIR_ASSIGN(const auto merges, file.find_array(key("merges"), GgufType::kString));
  if (merges) out.merges = merges->strings();
  return {};
}

Status read_scores(const GgufFile& file, uint32_t vocabulary, Vocabulary& out) {
  WEIR_ASSIGN(const auto scores, find_list(file, "scores", GgufType::kFloat32, vocabulary));
  if (!scores) return {};
  out.scores.reserve(vocabulary);
  for (uint32_t i = 0; i < vocabulary; ++i) {
    out.scores.push_back(scores->at<float>(i));
    if (!std::isfinite(out.scores.back()))
      return fail(Code::kCorrupt, fmt::format("{} holds {} for token {}; a finite number is right",
                                              key("scores"), out.scores.back(), i));
  }
  return {};
}

Status read_types(const GgufFile& file, uint32_t vocabulary, Vocabulary& out) {
  WEIR_ASSIGN(const auto types, find_list(file, "token_type", GgufType::kInt32, vocabulary));
  if (!types) return {};
  out.token_types.reserve(vocabulary);
  for (uint32_t i = 0; i < vocabulary; ++i) {
    out.token_types.push_back(types->at<int32_t>(i));
    if (out.token_types.back() < 1 || out.token_types.back() > kTypeMax)
      return fail(Code::kCorrupt,
                  fmt::format("{} holds {} for token {}; 1 to {} are right", key("token_type"),
                              out.token_types.back(), i, kTypeMax));
  }
  return {};
}

Status read_special(const GgufFile& file, uint32_t vocabulary, Vocabulary& out) {
  const struct {
    std::string_view name;
    std::optional<int32_t>& id;
  } ids[] = {
      {"bos_token_id", out.bos},         {"eos_token_id", out.eos},
      {"eot_token_id", out.eot},         {"eom_token_id", out.eom},
      {"unknown_token_id", out.unknown}, {"padding_token_id", out.padding},
  };
  for (const auto& [name, id] : ids) {
    WEIR_ASSIGN(const auto value, file.find_unsigned(key(name), 0, vocabulary - 1));
    if (value) id = static_cast<int32_t>(*value);
  }
  WEIR_ASSIGN(out.add_bos, file.find_bool(key("add_bos_token")));
  WEIR_ASSIGN(out.add_eos, file.find_bool(key("add_eos_token")));
  WEIR_ASSIGN(out.add_space_prefix, file.find_bool(key("add_space_prefix")));
  return {};
}

// Plain text that reads like an end is none: only control and user-defined tokens count.
bool special(const Vocabulary& v, size_t i) {
  return v.token_types.empty() || v.token_types[i] == kControl || v.token_types[i] == kUserDefined;
}

std::vector<int32_t> find_ends(const Vocabulary& v) {
  std::vector<int32_t> ends;
  for (const auto& id : {v.eos, v.eot, v.eom})
    if (id) ends.push_back(*id);
  for (size_t i = 0; i < v.tokens.size(); ++i)
    if (special(v, i) &&
        std::find(std::begin(kEnds), std::end(kEnds), v.tokens[i]) != std::end(kEnds))
      ends.push_back(static_cast<int32_t>(i));
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

}  // namespace

Result<Vocabulary> read_vocabulary(const GgufFile& file, uint32_t vocabulary) {
  Vocabulary out;
  WEIR_ASSIGN(out.model, file.string_at(key("model")));
  WEIR_ASSIGN(const auto pre, file.find_string(key("pre")));
  out.pre = pre.value_or("default");
  WEIR_TRY(read_tokens(file, vocabulary, out));
  WEIR_TRY(read_scores(file, vocabulary, out));
  WEIR_TRY(read_types(file, vocabulary, out));
  WEIR_TRY(read_special(file, vocabulary, out));
  WEIR_ASSIGN(const auto chat_template, file.find_string("tokenizer.chat_template"));
  out.chat_template = chat_template.value_or("");
  out.end_of_generation = find_ends(out);
  return out;
}

}  // namespace weir
