// Which requests compute and which wait, in order of arrival, and whether one more may come.
#pragma once

#include <cstdint>
#include <map>

#include "weir/engine.h"

namespace weir {

// What a request takes while it runs.
struct Need {
  uint32_t sequences = 1;
  uint64_t bytes = 0;   // Of keys and values, at most.
  uint64_t tokens = 0;  // Of its prompt.
};

struct LineLimits {
  uint32_t sequences = 0;
  uint64_t bytes = 0;
  uint32_t waiting_requests = 0;
  uint64_t waiting_tokens = 0;
};

// A request that can compute at once, behind all that came before it, does not wait, though the
// scheduler may not have seen it yet: only what is beyond the free sequences and bytes counts
// against the bounds. Plain data; the caller locks.
class WaitingLine {
 public:
  explicit WaitingLine(const LineLimits& limits) : limits_(limits) {}

  // kUnavailable: it would have to wait, and as many wait as may. `in_any_case` overrules that. Ids
  // ascend.
  Status add(RequestId id, const Need& need, bool in_any_case);
  void admit(RequestId id);
  // One of its sequences has ended before the others.
  void shrink(RequestId id);
  void remove(RequestId id);

  // Not admitted yet, whatever the reason.
  uint32_t requests() const { return static_cast<uint32_t>(line_.size()); }
  uint64_t tokens() const;

 private:
  // Those that cannot compute at once.
  struct Beyond {
    uint32_t requests = 0;
    uint64_t tokens = 0;
  };
  Beyond beyond(const Need& last, bool& last_waits) const;

  LineLimits limits_;
  std::map<RequestId, Need> running_, line_;
  uint32_t sequences_ = 0;  // Of what runs.
  uint64_t bytes_ = 0;
};

}  // namespace weir
