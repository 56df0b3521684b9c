// What the tests of methods share: views of rows that nobody computed.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/policy.h"

namespace weir {

using Slots = std::vector<int32_t>;

// Layers whose rows stand at positions 10, 11, ...; attention as it is given, for each layer, and
// one head's keys.
class FakeView final : public PolicyView {
 public:
  FakeView(uint32_t query_heads, uint32_t its_kv_heads, int32_t rows_there) : rows_(rows_there) {
    length = prompt = rows_there + 10;
    heads = query_heads, kv_heads = its_kv_heads;
    layers = {0}, layers_in_all = 1;
    head_dim = 2;
  }
  using PolicyView::rows;
  int32_t rows(uint32_t layer, uint32_t) const override {
    return layer_rows.empty() ? rows_ : layer_rows[layer];
  }
  int32_t position(uint32_t, uint32_t, int32_t slot) const override { return slot + 10; }
  float weight(uint32_t, uint32_t, int32_t slot) const override {
    return weights.empty() ? 1 : weights[static_cast<size_t>(slot)];
  }
  std::vector<float> keys(uint32_t, uint32_t) const override { return head_keys; }
  WindowAttention window(uint32_t layer) const override { return attention.at(layer); }
  std::span<const float> mass(uint32_t, uint32_t head) const override { return masses[head]; }

  std::vector<int32_t> layer_rows;         // [layers], where they are not equal.
  std::vector<WindowAttention> attention;  // [layers]
  std::vector<std::vector<float>> masses;
  std::vector<float> head_keys, weights;

 private:
  int32_t rows_;
};

inline std::unique_ptr<Policy> policy_of(std::string_view name,
                                         std::vector<std::pair<const char*, const char*>> set) {
  for (const PolicyEntry* entry : policies()) {
    if (entry->info.name != name) continue;
    Arguments arguments(entry->info);
    for (const auto& [parameter, value] : set) EXPECT_TRUE(arguments.set(parameter, value));
    return entry->make(arguments);
  }
  ADD_FAILURE() << name;
  return nullptr;
}

}  // namespace weir
