#include "text/byte_level_bpe.h"

#include <fmt/format.h>

#include "text/byte_alphabet.h"
#include "text/nfc.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace weir {
namespace {

// Added tokens are written as they are; the others in the byte alphabet, unless a character is not
// of it (`tokenizers` then takes the text as it is).
std::string bytes_of(TokenType type, const std::string& text) {
  if (type == TokenType::kUserDefined || is_control_type(type)) return text;
  return bytes_from_alphabet(text).value_or(text);
}

}  // namespace

ByteLevelBpe::TokenOfText ByteLevelBpe::index(const VocabularyData& data) {
  TokenOfText index;
  index.reserve(data.tokens.size());
  for (const bool control : {false, true}) {
    for (size_t token = 0; token < data.tokens.size(); ++token) {
      if (is_control_type(type_of(data, token)) == control) {
        index.emplace(data.tokens[token], static_cast<Token>(token));
      }
    }
  }
  return index;
}

void ByteLevelBpe::add_tokens(const VocabularyData& data, const TokenOfText& index) {
  bytes_.reserve(data.tokens.size());
  for (size_t token = 0; token < data.tokens.size(); ++token) {
    bytes_.push_back(bytes_of(type_of(data, token), data.tokens[token]));
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    const auto found = index.find(byte_to_alphabet(static_cast<uint8_t>(byte)));
    const bool usable =
        found != index.end() && !is_control_type(type_of(data, static_cast<size_t>(found->second)));
    byte_tokens_[byte] = usable ? found->second : -1;
  }
  if (!pre_tokenizer_.whole_words_first()) return;
  for (size_t token = 0; token < data.tokens.size(); ++token) {
    if (is_control_type(type_of(data, token)) || !bytes_from_alphabet(data.tokens[token])) continue;
    words_.emplace(bytes_[token], static_cast<Token>(token));
  }
}

Status ByteLevelBpe::add_merge(const VocabularyData& data, const TokenOfText& index, size_t rank) {
  const std::string& merge = data.merges[rank];
  // The alphabet has no space, so that the only one stands between the two.
  const size_t space = merge.find(' ', 1);
  if (space == std::string::npos || space + 1 == merge.size()) {
    return fail(Code::kCorrupt,
                fmt::format("tokenizer.ggml.merges[{}] is not two tokens and a space", rank));
  }
  const std::string left = merge.substr(0, space);
  const std::string right = merge.substr(space + 1);
  const std::array<std::string, 3> texts = {left, right, left + right};
  std::array<Token, 3> tokens{};
  for (size_t i = 0; i < 3; ++i) {
    const auto found = index.find(texts[i]);
    if (found == index.end()) {
      constexpr const char* kParts[] = {"left part", "right part", "result"};
      return fail(Code::kCorrupt,
                  fmt::format("tokenizer.ggml.merges[{}]: its {} is not a token", rank, kParts[i]));
    }
    // Plain text must never become a control token: such a merge does nothing.
    if (is_control_type(type_of(data, static_cast<size_t>(found->second)))) return {};
    tokens[i] = found->second;
  }
  merges_.add(tokens[0], tokens[1], static_cast<uint32_t>(rank), tokens[2]);
  return {};
}

Result<std::unique_ptr<const PlainEncoder>> ByteLevelBpe::create(const VocabularyData& data) {
  WEIR_ASSIGN(PreTokenizer pre_tokenizer, PreTokenizer::create(data.pre));
  std::unique_ptr<ByteLevelBpe> bpe(new ByteLevelBpe(std::move(pre_tokenizer)));
  const TokenOfText index = ByteLevelBpe::index(data);
  bpe->add_tokens(data, index);
  if (data.merges.size() > kVocabularyMax) {
    return fail(Code::kCorrupt, fmt::format("tokenizer.ggml.merges has {} entries; weir takes {}",
                                            data.merges.size(), kVocabularyMax));
  }
  for (size_t rank = 0; rank < data.merges.size(); ++rank) {
    WEIR_TRY(bpe->add_merge(data, index, rank));
  }
  return bpe;
}

void ByteLevelBpe::encode_word(std::string_view word, Scratch* scratch,
                               std::vector<Token>* tokens) const {
  if (pre_tokenizer_.whole_words_first()) {
    const auto whole = words_.find(word);
    if (whole != words_.end()) {
      tokens->push_back(whole->second);
      return;
    }
  }
  auto& merged = scratch->merge.word;
  merged.clear();
  for (const char byte : word) {
    const Token token = byte_tokens_[static_cast<uint8_t>(byte)];
    if (token >= 0) merged.push_back(token);
  }
  merges_.apply(&scratch->merge);
  tokens->insert(tokens->end(), merged.begin(), merged.end());
}

Status ByteLevelBpe::encode_words(std::string_view text, Scratch* scratch,
                                  std::vector<Token>* tokens) const {
  std::string normalized;
  if (pre_tokenizer_.normalizes()) {
    WEIR_ASSIGN(normalized, to_nfc(text));
    text = normalized;
  }
  WEIR_TRY(pre_tokenizer_.split(text, &scratch->regex, &scratch->ends));
  size_t begin = 0;
  for (const size_t end : scratch->ends) {
    encode_word(text.substr(begin, end - begin), scratch, tokens);
    begin = end;
  }
  return {};
}

Status ByteLevelBpe::encode(std::string_view text, std::vector<Token>* tokens) const {
  Scratch scratch;
  while (!text.empty()) {
    const size_t valid = utf8_valid_length(text);
    WEIR_TRY(encode_words(text.substr(0, valid), &scratch, tokens));
    text.remove_prefix(valid);
    size_t invalid = 0;
    while (invalid < text.size() && utf8_valid_length(text.substr(invalid, 4)) == 0) ++invalid;
    if (invalid > 0) encode_word(text.substr(0, invalid), &scratch, tokens);
    text.remove_prefix(invalid);
  }
  return {};
}

}  // namespace weir
