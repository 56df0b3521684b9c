// The tokenizer's definition as a file states it: plain data for src/text. Views into the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "format/gguf.h"
#include "weir/status.h"

namespace weir {

// Lists by token id have the same length, or are empty where the file has none. Ids are below it.
struct Vocabulary {
  std::string_view model;                // "gpt2": byte-level BPE; "llama": SentencePiece BPE.
  std::string_view pre;                  // Name of the pre-tokenizer, "default" where absent.
  std::vector<std::string_view> tokens;  // Any bytes, by id.
  std::vector<float> scores;             // By id; finite.
  std::vector<int32_t> token_types;      // By id; 1 normal, 2 unknown, 3 control, 4 user defined,
                                         // 5 unused, 6 byte.
  std::vector<std::string_view> merges;  // "left right", the first merges first.
  std::optional<int32_t> bos, eos, eot, eom, unknown, padding;
  std::optional<bool> add_bos, add_eos, add_space_prefix;  // Absent: as the model kind does.
  std::vector<int32_t> end_of_generation;  // eos, eot, eom and control tokens well known to end a
                                           // turn, such as <|im_end|>. Ascending.
  std::string_view chat_template;          // Jinja source, or empty.
};

// kCorrupt names the key at fault. `vocabulary` is the number of tokens there must be.
Result<Vocabulary> read_vocabulary(const GgufFile& file, uint32_t vocabulary);

}  // namespace weir
