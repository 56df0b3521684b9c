// Cuts text into the words that byte-level BPE merges inside of.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "text/regex.h"
#include "weir/status.h"

namespace weir {

// Immutable; any thread.
class PreTokenizer {
 public:
  // kInvalid, with the known names, if `name` is not among them.
  static Result<PreTokenizer> create(std::string_view name);

  // Sets `ends` to where each word of `text` ends, ascending; the last is text.size(). `text` is
  // well-formed UTF-8. Fails as Regex::find does.
  Status split(std::string_view text, RegexScratch* scratch, std::vector<size_t>* ends) const;

  // A word that is a token as a whole is not merged (`tokenizers`' ignore_merges, Llama 3).
  bool whole_words_first() const { return whole_words_first_; }
  // Text is to be in form NFC before it is cut.
  bool normalizes() const { return normalizes_; }

 private:
  PreTokenizer(std::vector<Regex> steps, bool whole_words_first, bool normalizes)
      : steps_(std::move(steps)), whole_words_first_(whole_words_first), normalizes_(normalizes) {}

  // One after the other: each cuts its matches out of the parts that those before it left.
  std::vector<Regex> steps_;
  bool whole_words_first_, normalizes_;
};

}  // namespace weir
