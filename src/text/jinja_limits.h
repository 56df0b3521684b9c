// What a template may use. A template comes from a model file and is hostile until proven
// otherwise; real ones stay below a hundredth of each of these.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::jinja {

inline constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxOutputBytes = std::size_t{64} << 20;
// Strings alive plus all lists and dicts made, for one rendering.
inline constexpr std::size_t kMaxValueBytes = std::size_t{256} << 20;
// One step is one node evaluated, one item visited or 64 bytes of text handled.
inline constexpr std::uint64_t kMaxSteps = 10'000'000;
// Brackets and blocks inside one another, and the height of a syntax tree.
inline constexpr int kMaxNesting = 100;
inline constexpr int kMaxTreeHeight = 300;
// Nodes being evaluated inside one another, through macro calls too. With the sanitizers' large
// frames this much stays below 4 MiB of stack.
inline constexpr int kMaxEvalDepth = 1000;
// Lists and dicts inside one another when a value is printed, compared or made from JSON.
inline constexpr int kMaxValueDepth = 200;
// jinja2's sandbox has the same limit.
inline constexpr std::int64_t kMaxRange = 100'000;

}  // namespace weir::jinja
