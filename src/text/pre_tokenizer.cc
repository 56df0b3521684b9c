#include "text/pre_tokenizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <span>
#include <string>

#include "text/pre_tokenizer_classes.h"
#include "text/tokenizer.h"

namespace weir {
namespace {

// In these patterns <S>, <L>, <N>, <D>, <C> stand for the classes of pre_tokenizer_classes.h.
constexpr const char* kGpt2[] = {
    R"('s|'t|'re|'ve|'m|'ll|'d| ?[<L>]+| ?[<N>]+| ?[^<S><L><N>]+|[<S>]+(?![^<S>])|[<S>]+)"};
constexpr const char* kSmollm[] = {"[<N><D>]", kGpt2[0]};
constexpr const char* kLlama3[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n<L><N>]?[<L>]+|[<N>]{1,3}| ?[^<S><L><N>]+[\r\n]*)"
    R"(|[<S>]*[\r\n]+|[<S>]+(?![^<S>])|[<S>]+)"};
constexpr const char* kQwen2[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n<L><N>]?[<L>]+|[<N>]| ?[^<S><L><N>]+[\r\n]*)"
    R"(|[<S>]*[\r\n]+|[<S>]+(?![^<S>])|[<S>]+)"};
constexpr const char* kDeepseek[] = {
    R"([\r\n])", "[<S>]?[<C>]+",
    R"([<S>]?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)",
    // "\s+$". To look behind finds the same match, at the first space of a run, without trying the
    // others: on a long run that would take quadratic time.
    R"((?<![<S>])[<S>]++\z)", R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)",
    "[<N><D>]"};

struct Definition {
  std::string_view name;
  std::span<const char* const> steps;
  bool whole_words_first, normalizes;
};

constexpr std::array<Definition, 5> kDefinitions = {{{"gpt-2", kGpt2, false, false},
                                                     {"smollm", kSmollm, false, false},
                                                     {"llama-bpe", kLlama3, true, false},
                                                     {"qwen2", kQwen2, false, true},
                                                     {"deepseek-llm", kDeepseek, false, false}}};

constexpr auto kNames = [] {
  std::array<std::string_view, kDefinitions.size()> names;
  for (size_t i = 0; i < names.size(); ++i) names[i] = kDefinitions[i].name;
  return names;
}();

std::string expand(std::string_view pattern) {
  constexpr std::array<std::pair<std::string_view, const char*>, 5> kClasses = {
      {{"<S>", kSpaceClass},
       {"<L>", kLetterClass},
       {"<N>", kNumberClass},
       {"<D>", kDigitClass},
       {"<C>", kDeepseekLetterClass}}};
  std::string expanded(pattern);
  for (const auto& [name, characters] : kClasses) {
    for (size_t at = expanded.find(name); at != std::string::npos; at = expanded.find(name, at)) {
      expanded.replace(at, name.size(), characters);
    }
  }
  return expanded;
}

// Cuts one part, text[begin, end), and appends where its words end.
Status cut(const Regex& step, std::string_view text, size_t begin, size_t end,
           RegexScratch* scratch, std::vector<size_t>* ends) {
  const std::string_view part = text.substr(begin, end - begin);
  size_t done = 0;
  while (done < part.size()) {
    WEIR_ASSIGN(const auto match, step.find(part, done, scratch));
    if (!match) break;
    if (match->begin > done) ends->push_back(begin + match->begin);
    ends->push_back(begin + match->end);
    done = match->end;
  }
  if (done < part.size()) ends->push_back(end);
  return {};
}

}  // namespace

std::span<const std::string_view> pre_tokenizer_names() {
  return kNames;
}

Result<PreTokenizer> PreTokenizer::create(std::string_view name) {
  for (const Definition& definition : kDefinitions) {
    if (definition.name != name) continue;
    std::vector<Regex> steps;
    for (const char* pattern : definition.steps) {
      WEIR_ASSIGN(Regex step, Regex::compile(expand(pattern)));
      steps.push_back(std::move(step));
    }
    return PreTokenizer(std::move(steps), definition.whole_words_first, definition.normalizes);
  }
  return fail(Code::kInvalid, fmt::format("tokenizer.ggml.pre is '{}'; weir knows {}", name,
                                          fmt::join(kNames, ", ")));
}

Status PreTokenizer::split(std::string_view text, RegexScratch* scratch,
                           std::vector<size_t>* ends) const {
  ends->clear();
  if (!text.empty()) ends->push_back(text.size());
  std::vector<size_t> before;
  for (const Regex& step : steps_) {
    before.swap(*ends);
    ends->clear();
    size_t begin = 0;
    for (const size_t end : before) {
      WEIR_TRY(cut(step, text, begin, end, scratch, ends));
      begin = end;
    }
  }
  return {};
}

}  // namespace weir
