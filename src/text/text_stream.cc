#include "text/text_stream.h"

#include <algorithm>

#include "text/utf8.h"

namespace weir {

std::string Utf8Stream::push(std::string_view bytes) {
  held_ += bytes;
  // A cut character can only be in the last three bytes.
  size_t cut = held_.size();
  for (size_t back = 1; back <= std::min<size_t>(3, held_.size()); ++back) {
    const Utf8Step step = utf8_step(std::string_view(held_).substr(held_.size() - back));
    if (step.kind == Utf8Kind::kCut && step.length == back) cut = held_.size() - back;
  }
  std::string text = utf8_replace(std::string_view(held_).substr(0, cut));
  held_.erase(0, cut);
  return text;
}

std::string Utf8Stream::flush() {
  return utf8_replace(std::exchange(held_, {}));
}

TextStream::TextStream(const Tokenizer& tokenizer, DecodeOptions options)
    : tokenizer_(tokenizer), options_(options) {}

std::string TextStream::push(Token token) {
  // One token after another is what decode_bytes() does with many.
  std::string text = utf8_.push(tokenizer_.decode_bytes({&token, 1}, options_));
  options_.continues |= !tokenizer_.is_control(token);
  return text;
}

std::string TextStream::flush() {
  return utf8_.flush();
}

StopMatcher::StopMatcher(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    Pattern pattern;
    pattern.border.assign(stop.size(), 0);
    for (size_t i = 1, k = 0; i < stop.size(); ++i) {
      while (k > 0 && stop[i] != stop[k]) k = pattern.border[k - 1];
      if (stop[i] == stop[k]) ++k;
      pattern.border[i] = static_cast<uint32_t>(k);
    }
    pattern.text = std::move(stop);
    patterns_.push_back(std::move(pattern));
  }
}

bool StopMatcher::Pattern::step(char byte) {
  if (text.empty()) return false;
  while (matched > 0 && text[matched] != byte) matched = border[matched - 1];
  if (text[matched] == byte) ++matched;
  return matched == text.size();
}

StopMatcher::Output StopMatcher::push(std::string_view text) {
  if (done_) return {};
  for (const char byte : text) {
    held_ += byte;
    std::optional<size_t> hit;
    for (size_t i = 0; i < patterns_.size(); ++i) {
      if (!patterns_[i].step(byte)) continue;
      if (!hit || patterns_[i].text.size() > patterns_[*hit].text.size()) hit = i;
    }
    if (!hit) continue;
    done_ = true;
    held_.resize(held_.size() - patterns_[*hit].text.size());
    return {std::exchange(held_, {}), hit};
  }
  size_t keep = 0;
  for (const Pattern& pattern : patterns_) keep = std::max(keep, pattern.matched);
  Output output{held_.substr(0, held_.size() - keep), std::nullopt};
  held_.erase(0, held_.size() - keep);
  return output;
}

std::string StopMatcher::flush() {
  done_ = true;
  return std::exchange(held_, {});
}

}  // namespace weir
