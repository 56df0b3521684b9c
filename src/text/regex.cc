#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <string>

namespace weir {
namespace {

// Steps of one match. weir's patterns take a few for each character of the longest run of white
// space, so that only a pattern gone wrong comes near.
constexpr uint32_t kMatchSteps = 1u << 30;
constexpr size_t kJitStackBytesMin = 32 << 10;
constexpr size_t kJitStackBytesMax = 1 << 20;

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

}  // namespace

RegexScratch::RegexScratch()
    : data_(pcre2_match_data_create(1, nullptr)),
      context_(pcre2_match_context_create(nullptr)),
      stack_(pcre2_jit_stack_create(kJitStackBytesMin, kJitStackBytesMax, nullptr)) {
  if (context_ == nullptr) return;
  pcre2_set_match_limit(context_, kMatchSteps);
  if (stack_ != nullptr) pcre2_jit_stack_assign(context_, nullptr, stack_);
}

RegexScratch::~RegexScratch() {
  pcre2_match_data_free(data_);
  pcre2_match_context_free(context_);
  pcre2_jit_stack_free(stack_);
}

Result<Regex> Regex::compile(std::string_view pattern) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
  if (code == nullptr) {
    return fail(Code::kInternal, fmt::format("pattern at byte {}: {}", offset, message_of(error)));
  }
  // Where machine code is not allowed PCRE2 interprets: slower, the same matches.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  return Regex(std::shared_ptr<pcre2_code>(code, pcre2_code_free));
}

Result<std::optional<Regex::Match>> Regex::find(std::string_view text, size_t from,
                                                RegexScratch* scratch) const {
  if (scratch->data_ == nullptr || scratch->context_ == nullptr) {
    return fail(Code::kUnavailable, "no memory to cut text into words");
  }
  const int found =
      pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                  PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, scratch->data_, scratch->context_);
  if (found == PCRE2_ERROR_NOMATCH) return std::optional<Match>();
  if (found < 0) {
    return fail(Code::kUnavailable, "cutting text into words: " + message_of(found));
  }
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(scratch->data_);
  return std::optional<Match>(Match{range[0], range[1]});
}

}  // namespace weir
