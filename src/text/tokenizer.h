// Text to tokens and back, by the definition that a model file carries.
//
// Two kinds. "gpt2" is byte-level BPE (Sennrich et al., 2016; Radford et al., 2019): a regular
// expression cuts text into words, the bytes of each word are merged by rank. "llama" is BPE as
// SentencePiece does it (Kudo and Richardson, 2018): characters are merged by score, and what the
// vocabulary lacks falls back to byte tokens. Ids are those of the `tokenizers` and `sentencepiece`
// packages for the same vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/options.h"
#include "weir/status.h"

namespace weir {

// What a token is for; the numbers are GGUF's (and SentencePiece's).
enum class TokenType : int32_t {
  kNormal = 1,
  kUnknown = 2,      // Stands for what the vocabulary cannot say.
  kControl = 3,      // Never made from plain text; gives no text.
  kUserDefined = 4,  // Found in text before anything else, longest first.
  kUnused = 5,       // "gpt2": as normal. "llama": never put out, taken apart again.
  kByte = 6,         // "llama": <0xXX> is one byte.
};

// A vocabulary as a file states it, unchecked. Names of fields are those of GGUF's tokenizer.ggml.*
struct VocabularyData {
  std::string model;                 // "gpt2" or "llama".
  std::string pre;                   // "gpt2" only: a name of pre_tokenizer_names().
  std::vector<std::string> tokens;   // By id.
  std::vector<int32_t> token_types;  // TokenType by id; empty: all normal.
  std::vector<float> scores;         // By id, "llama" only; higher merges first.
  std::vector<std::string> merges;   // "gpt2" only: "left right", first merges first.
  std::optional<Token> bos, eos, eot, eom, unknown;
  std::optional<bool> add_bos, add_eos;  // Absent: bos for "llama" and for llama-bpe; no eos.
  std::optional<bool> add_space_prefix;  // "llama"; absent: true.
};

struct EncodeOptions {
  bool add_special = false;  // Put bos before and eos behind, where the vocabulary asks for them.
  // Control tokens written out in the text are tokens: never for users.
  bool parse_special = false;
  bool guarded = false;  // Parts of the text went through guard().
};

struct DecodeOptions {
  bool skip_special = true;  // Control tokens give no text; otherwise their names.
  bool continues = false;    // The tokens go on from other text: a first space is part of it.
};

// Longest text that encode() takes.
inline constexpr size_t kEncodeBytesMax = size_t{64} << 20;

// The names that VocabularyData::pre may have.
std::span<const std::string_view> pre_tokenizer_names();

// Immutable: every method may be called from any thread at once.
class Tokenizer {
 public:
  // Checks the vocabulary and builds the tables. kCorrupt names the field at fault: ids out of
  // range, lists of unequal length, tokens that are too long, byte tokens that are not all of
  // <0x00>..<0xFF>, merges of unknown tokens, add_bos without bos. kInvalid: a kind or a
  // pre-tokenizer that weir lacks. Of tokens with the same text the lowest id is used, the others
  // can only be decoded; so can empty tokens.
  static Result<std::unique_ptr<Tokenizer>> create(VocabularyData data);

  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;
  ~Tokenizer();

  // The tokens of `text`, in time n log n. kInvalid: longer than kEncodeBytesMax.
  //
  // Text that is not UTF-8 is no error. "gpt2": each ill-formed stretch is a word of its own, byte
  // for byte. "llama": each ill-formed byte reads as U+FFFD. A byte that a "gpt2" vocabulary has no
  // token for is left out, as `tokenizers` does. A "llama" vocabulary that adds a space does so
  // before the text and after each control token.
  //
  // For "qwen2" text is brought into Unicode's form NFC first, as `tokenizers` does.
  Result<std::vector<Token>> encode(std::string_view text, EncodeOptions options = {}) const;
  // A user's text, made fit to stand in a prompt that is encoded with parse_special and guarded:
  // control tokens that it spells stay text there (text/control_guard.h).
  std::string guard(std::string_view text) const;

  // The text: UTF-8, U+FFFD for what is not, as Python's bytes.decode(errors="replace"). Tokens
  // outside the vocabulary give nothing (check ids from outside by vocab_size()).
  std::string decode(std::span<const Token> tokens, DecodeOptions options = {}) const;
  // The bytes that decode() reads.
  std::string decode_bytes(std::span<const Token> tokens, DecodeOptions options = {}) const;
  // The bytes of one token in the middle of text. A control token: its name, or nothing.
  std::string piece(Token token, bool show_special) const;
  // The bytes of one token at the start of text: without the space that encode() adds there. A
  // text starts with its first token that is not a control token.
  std::string first_piece(Token token, bool show_special) const;

  size_t vocab_size() const;
  bool is_control(Token token) const;            // Control or unknown.
  bool is_end_of_generation(Token token) const;  // eos, eot, eom, and their usual names.
  std::optional<Token> bos() const;
  std::optional<Token> eos() const;
  bool adds_bos() const;
  bool adds_eos() const;

  // Lower-case hexadecimal SHA-256 of all that decides ids: equal digests encode alike.
  const std::string& digest() const;

 private:
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);

  std::unique_ptr<const Parts> parts_;
};

}  // namespace weir
