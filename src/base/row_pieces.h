// Rows of a step over threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>

#include "base/number.h"
#include "base/thread_pool.h"

namespace weir {

// Calls body(row) for each row, in pieces that are worth a thread's while: a row of a small
// operation takes about as long as waking a thread that spins.
template <typename Body>
void for_each_row(ThreadPool& pool, size_t rows, const Body& body) {
  constexpr size_t kRowsMin = 2, kRowsMax = 8, kPiecesPerThread = 2;
  const size_t pieces = kPiecesPerThread * static_cast<size_t>(pool.size());
  const size_t size = std::clamp(ceil_div(rows, pieces), kRowsMin, kRowsMax);
  const auto piece = [&](size_t i) {
    for (size_t r = i * size; r < std::min(rows, (i + 1) * size); ++r) body(r);
  };
  pool.for_each(ceil_div(rows, size), std::cref(piece));
}

}  // namespace weir
