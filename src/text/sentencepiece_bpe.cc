#include "text/sentencepiece_bpe.h"

#include <algorithm>

#include "text/utf8.h"

namespace weir {
namespace {

// What SentencePiece's normalizer makes of `text` by the identity rule.
std::string normalize(std::string_view text, bool add_space_prefix) {
  std::string normal;
  normal.reserve(text.size() + text.size() / 2);
  if (add_space_prefix) normal += kSpaceSymbol;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (text[0] == ' ') {
      normal += kSpaceSymbol;
    } else if (step.kind == Utf8Kind::kCharacter) {
      normal += text.substr(0, step.length);
    } else {
      for (size_t i = 0; i < step.length; ++i) normal += kReplacementCharacter;
    }
    text.remove_prefix(step.length);
  }
  return normal;
}

// The merging of one text.
class Pass {
 public:
  Pass(const PieceTable& pieces, std::string_view text) : pieces_(pieces), text_(text) {}

  void run(std::vector<Token>* tokens) {
    split();
    for (int32_t i = 0; i + 1 < static_cast<int32_t>(symbols_.size()); ++i) offer(i, i + 1);
    while (!heap_.empty()) merge_best();
    bool after_unknown = false;
    for (int32_t i = 0; i >= 0; i = symbols_[i].next) {
      after_unknown = append(piece(symbols_[i]), after_unknown, tokens);
    }
  }

 private:
  struct Symbol {
    uint32_t begin, size;  // size 0: merged into its left neighbour.
    int32_t previous, next;
    bool user_defined;  // Stays as it is.
  };
  struct Candidate {
    float score;
    int32_t left, right;
    uint32_t size;
    // The order of a heap: the best is the greatest.
    bool operator<(const Candidate& other) const {
      return score != other.score ? score < other.score : left > other.left;
    }
  };

  std::string_view piece(const Symbol& symbol) const {
    return text_.substr(symbol.begin, symbol.size);
  }
  std::string_view joined(const Symbol& left, const Symbol& right) const {
    return text_.substr(left.begin, left.size + right.size);
  }

  void split() {
    for (size_t at = 0; at < text_.size();) {
      const size_t matched = pieces_.match_user_defined(text_.substr(at));
      const size_t size = matched > 0 ? matched : utf8_step(text_.substr(at)).length;
      const auto index = static_cast<int32_t>(symbols_.size());
      symbols_.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(size), index - 1,
                          at + size < text_.size() ? index + 1 : -1, matched > 0});
      at += size;
    }
  }

  // Puts the pair on the heap if it is a piece.
  void offer(int32_t left, int32_t right) {
    if (left < 0 || right < 0) return;
    const Symbol& a = symbols_[left];
    const Symbol& b = symbols_[right];
    if (a.user_defined || b.user_defined) return;
    const std::string_view text = joined(a, b);
    const Token token = pieces_.find(text);
    if (token < 0) return;
    heap_.push_back({pieces_.score(token), left, right, a.size + b.size});
    std::push_heap(heap_.begin(), heap_.end());
    if (pieces_.has_unused() && pieces_.is_unused(token)) parts_[text] = {piece(a), piece(b)};
  }

  void merge_best() {
    std::pop_heap(heap_.begin(), heap_.end());
    const Candidate best = heap_.back();
    heap_.pop_back();
    Symbol& left = symbols_[best.left];
    Symbol& right = symbols_[best.right];
    if (left.size == 0 || right.size == 0 || left.size + right.size != best.size) return;
    left.size += right.size;
    left.next = right.next;
    right.size = 0;
    if (left.next >= 0) symbols_[left.next].previous = best.left;
    offer(left.previous, best.left);
    offer(best.left, left.next);
  }

  // Appends the tokens of a piece; one that is unused is taken apart again. Says whether the last
  // was unknown.
  bool append(std::string_view whole, bool after_unknown, std::vector<Token>* tokens) {
    std::vector<std::string_view> stack = {whole};
    while (!stack.empty()) {
      const std::string_view part = stack.back();
      stack.pop_back();
      Token token = pieces_.find(part);
      if (token >= 0 && pieces_.is_unused(token)) {
        if (const auto parts = parts_.find(part); parts != parts_.end()) {
          stack.push_back(parts->second.second);
          stack.push_back(parts->second.first);
          continue;
        }
        token = -1;  // A single character.
      }
      if (token >= 0) tokens->push_back(token);
      if (token < 0) pieces_.append_unknown(part, after_unknown, tokens);
      after_unknown = token < 0;
    }
    return after_unknown;
  }

  const PieceTable& pieces_;
  std::string_view text_;
  std::vector<Symbol> symbols_;
  std::vector<Candidate> heap_;
  // Of unused pieces: the last two parts they were made of.
  boost::unordered_flat_map<std::string_view, std::pair<std::string_view, std::string_view>> parts_;
};

}  // namespace

Result<std::unique_ptr<const PlainEncoder>> SentencePieceBpe::create(const VocabularyData& data) {
  WEIR_ASSIGN(PieceTable pieces, PieceTable::create(data));
  return std::unique_ptr<const PlainEncoder>(
      new SentencePieceBpe(std::move(pieces), data.add_space_prefix.value_or(true)));
}

Status SentencePieceBpe::encode(std::string_view text, std::vector<Token>* tokens) const {
  if (text.empty()) return {};
  const std::string normal = normalize(text, add_space_prefix_);
  Pass(pieces_, normal).run(tokens);
  return {};
}

}  // namespace weir
