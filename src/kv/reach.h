// Reach: which rows a query of a list may read, as a rule over positions. Rows out of reach of
// every query still to come are freed; that changes no bit.
#pragma once

#include <cstdint>

namespace weir {

struct Reach {
  enum class Kind {
    kAll,          // Every row at or before the query.
    kWindow,       // The last `window` positions, the query's own included.
    kSinksWindow,  // Those, and the first `sinks` positions.
    kStrided,      // Those, and every `stride`-th position before them.
    kOwnBlock,     // From the start of the query's own block of `window` positions to that block's
                   // end.
  };
  Kind kind = Kind::kAll;
  int32_t window = 0;
  int32_t sinks = 0;
  int32_t stride = 0;

  // True if a query at position `query` reads the row at position `row`.
  bool sees(int32_t query, int32_t row) const {
    switch (kind) {
      case Kind::kAll:
        return row <= query;
      case Kind::kWindow:
        return row <= query && row > query - window;
      case Kind::kSinksWindow:
        return row <= query && (row > query - window || row < sinks);
      case Kind::kStrided:
        return row <= query && (row > query - window || row % stride == 0);
      case Kind::kOwnBlock:
        return row / window == query / window;
    }
    return false;
  }

  // True if some query at `next` or later still reads the row.
  bool needed(int32_t next, int32_t row) const {
    switch (kind) {
      case Kind::kAll:
        return true;
      case Kind::kWindow:
        return row > next - window;
      case Kind::kSinksWindow:
        return row > next - window || row < sinks;
      case Kind::kStrided:
        return row > next - window || row % stride == 0;
      case Kind::kOwnBlock:
        return row / window >= next / window;
    }
    return true;
  }
};

}  // namespace weir
