// Text as it is generated: tokens go in, whole characters come out, and stop strings are found
// across the borders of tokens. One object per stream, one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer.h"

namespace weir {

// Bytes to UTF-8. What is put out, joined, is what Python's bytes.decode("utf-8", "replace") makes
// of all bytes joined: one U+FFFD for each maximal ill-formed part.
class Utf8Stream {
 public:
  // Whole characters that `bytes` completes. At most three bytes are kept back.
  std::string push(std::string_view bytes);
  // The end: what was kept back is ill-formed. The stream may then be used afresh.
  std::string flush();

 private:
  std::string held_;
};

// Tokens to UTF-8: the pieces, joined, are exactly tokenizer.decode(all tokens, options).
class TextStream {
 public:
  // `tokenizer` must outlive the stream.
  TextStream(const Tokenizer& tokenizer, DecodeOptions options);
  std::string push(Token token);
  std::string flush();

 private:
  const Tokenizer& tokenizer_;
  DecodeOptions options_;
  Utf8Stream utf8_;
};

// Finds the first of several strings in text that comes in parts. The result does not depend on the
// parts: the stop string that ends first wins; of those that end together, the longest.
class StopMatcher {
 public:
  struct Output {
    std::string text;            // Certain: before any stop string. May be empty.
    std::optional<size_t> stop;  // The index of the stop string found; the stream is over.
  };

  // Empty strings among `stops` are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  // Keeps back the longest end that may still become a stop string. After a hit: nothing more.
  Output push(std::string_view text);
  // The end of the text: what was kept back.
  std::string flush();

 private:
  // One stop string with its prefix function (Knuth, Morris and Pratt, 1977).
  struct Pattern {
    std::string text;
    std::vector<uint32_t> border;  // Of each prefix: its longest proper border.
    size_t matched = 0;

    // Reads one byte; true if `text` ends with it.
    bool step(char byte);
  };

  std::vector<Pattern> patterns_;
  std::string held_;
  bool done_ = false;
};

}  // namespace weir
