// Regular expressions over UTF-8 by PCRE2, compiled to machine code where the system allows it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "weir/status.h"

// PCRE2's own types, so that its header stays inside regex.cc.
struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;
struct pcre2_real_jit_stack_8;

namespace weir {

// What one thread needs to match; made once for many matches.
class RegexScratch {
 public:
  RegexScratch();
  ~RegexScratch();
  RegexScratch(const RegexScratch&) = delete;
  RegexScratch& operator=(const RegexScratch&) = delete;

 private:
  friend class Regex;
  pcre2_real_match_data_8* data_;
  pcre2_real_match_context_8* context_;
  pcre2_real_jit_stack_8* stack_;
};

// Immutable; any thread. Patterns are weir's own, never a caller's.
class Regex {
 public:
  struct Match {
    size_t begin, end;
  };

  static Result<Regex> compile(std::string_view pattern);

  // The first match at or after `from`. `text` is well-formed UTF-8 and `from` a border of its
  // characters. kUnavailable: out of memory, or more steps than the match limit allows.
  Result<std::optional<Match>> find(std::string_view text, size_t from,
                                    RegexScratch* scratch) const;

 private:
  explicit Regex(std::shared_ptr<pcre2_real_code_8> code) : code_(std::move(code)) {}

  std::shared_ptr<pcre2_real_code_8> code_;
};

}  // namespace weir
