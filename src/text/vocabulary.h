// Checks that every kind of vocabulary needs before its tables are built.
#pragma once

#include "text/tokenizer.h"

namespace weir {

// Longest text of one token, and of one that is searched for in text.
inline constexpr size_t kTokenBytesMax = size_t{1} << 16;
inline constexpr size_t kMatchedTokenBytesMax = 1024;
inline constexpr size_t kVocabularyMax = size_t{1} << 24;

// Lists of equal length, types, token texts, special ids.
Status check_vocabulary(const VocabularyData& data);

// Requires a checked vocabulary. In a "llama" vocabulary the unknown id is kUnknown even if its
// type says normal.
TokenType type_of(const VocabularyData& data, size_t token);
// Control and unknown tokens: never made from plain text.
bool is_control_type(TokenType type);

// Lower-case hexadecimal SHA-256 of all fields.
std::string vocabulary_digest(const VocabularyData& data);

}  // namespace weir
