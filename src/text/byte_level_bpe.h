// Byte-level BPE: words are bytes, merged pair by pair in the order of the merge list (Sennrich et
// al., 2016; Radford et al., 2019).
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/merge_table.h"
#include "text/plain_encoder.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"

namespace weir {

class ByteLevelBpe final : public PlainEncoder {
 public:
  // `data` is a checked vocabulary.
  static Result<std::unique_ptr<const PlainEncoder>> create(const VocabularyData& data);

  Status encode(std::string_view text, std::vector<Token>* tokens) const override;
  std::string bytes(Token token) const override { return bytes_[static_cast<size_t>(token)]; }

 private:
  using TokenOfText = boost::unordered_flat_map<std::string_view, Token>;

  explicit ByteLevelBpe(PreTokenizer pre_tokenizer) : pre_tokenizer_(std::move(pre_tokenizer)) {}
  // The lowest token with each text; a control token only where no other has its text.
  static TokenOfText index(const VocabularyData& data);
  void add_tokens(const VocabularyData& data, const TokenOfText& index);
  Status add_merge(const VocabularyData& data, const TokenOfText& index, size_t rank);
  // Kept from word to word of one call.
  struct Scratch {
    RegexScratch regex;
    std::vector<size_t> ends;
    MergeScratch merge;
  };
  void encode_word(std::string_view word, Scratch* scratch, std::vector<Token>* tokens) const;
  // The words of well-formed text.
  Status encode_words(std::string_view text, Scratch* scratch, std::vector<Token>* tokens) const;

  PreTokenizer pre_tokenizer_;
  std::vector<std::string> bytes_;                            // By token.
  std::array<Token, 256> byte_tokens_{};                      // -1: none.
  boost::unordered_flat_map<std::string_view, Token> words_;  // Into bytes_; for whole words.
  MergeTable merges_;
};

}  // namespace weir
