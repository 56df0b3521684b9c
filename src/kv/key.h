// The name of a page's content: a SHA-256 chain over everything that its bits follow from. Equal
// keys mean equal bits; whoever finds a page by its key still compares the stored key whole.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernels/layout.h"

namespace weir {

struct PageKey {
  std::array<std::byte, 32> digest{};
  auto operator<=>(const PageKey&) const = default;
};

// What all pages of a sequence have in common. Every field enters the key with its length, so that
// no two different values spell the same bytes.
struct KeyIngredients {
  std::string numerics;   // numerics_id(); ISA where its bits differ; shards.
  std::string weights;    // Digest of the model's weights and configuration.
  std::string tokenizer;  // Digest of the vocabulary and its rules.
  std::string codec;      // Codec::id() of open pages; a recipe's codec is part of a lineage.
  std::string rope;       // Base, scaling, divisors.
  std::string adapter;    // Digest of an adapter, or empty.
  std::string artifacts;  // Digests of fitted artifacts that a recipe uses, or empty.
  std::string tenant;     // Salt made from the server's own identity of the caller.
};

// Which arithmetic ("integer", "float"), and the version of its bits.
std::string numerics_id(std::string_view arithmetic, uint32_t version = kArithmeticVersion);

// The key before the first page.
PageKey root_key(const KeyIngredients& ingredients);

// The key of the page that follows `before`: `inputs` is the digest of each row's input (a token's
// bytes; media by content), `lineage` names the lossy acts that came before it (empty: clean).
PageKey next_key(const PageKey& before, std::span<const std::byte> inputs,
                 std::string_view lineage);

}  // namespace weir
