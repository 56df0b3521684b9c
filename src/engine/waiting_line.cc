#include "engine/waiting_line.h"

#include <fmt/format.h>

namespace weir {

Status WaitingLine::add(RequestId id, const Need& need, bool in_any_case) {
  bool waits = false;
  const Beyond others = beyond(need, waits);
  const bool full = others.requests >= limits_.waiting_requests ||
                    others.tokens + need.tokens > limits_.waiting_tokens;
  if (waits && full && !in_any_case)
    return fail(Code::kUnavailable,
                fmt::format("the queue is full: {} requests with {} tokens wait; {} requests with "
                            "{} tokens may, and this one has {}",
                            others.requests, others.tokens, limits_.waiting_requests,
                            limits_.waiting_tokens, need.tokens));
  line_.emplace(id, need);
  return {};
}

void WaitingLine::admit(RequestId id) {
  auto node = line_.extract(id);
  sequences_ += node.mapped().sequences;
  bytes_ += node.mapped().bytes;
  running_.insert(std::move(node));
}

void WaitingLine::shrink(RequestId id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  Need& need = found->second;
  const uint64_t part = need.bytes / need.sequences;
  --need.sequences;
  need.bytes -= part;
  --sequences_;
  bytes_ -= part;
  if (need.sequences == 0) running_.erase(found);
}

void WaitingLine::remove(RequestId id) {
  line_.erase(id);
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  sequences_ -= found->second.sequences;
  bytes_ -= found->second.bytes;
  running_.erase(found);
}

uint64_t WaitingLine::tokens() const {
  uint64_t sum = 0;
  for (const auto& [id, need] : line_) sum += need.tokens;
  return sum;
}

// First come, first served: behind one that waits, all wait.
WaitingLine::Beyond WaitingLine::beyond(const Need& last, bool& last_waits) const {
  uint64_t sequences = sequences_, bytes = bytes_;
  bool waits = false;
  const auto place = [&](const Need& need) {
    sequences += need.sequences;
    bytes += need.bytes;
    waits = waits || sequences > limits_.sequences || bytes > limits_.bytes;
    return waits;
  };
  Beyond out;
  for (const auto& [id, need] : line_) {
    if (!place(need)) continue;
    ++out.requests;
    out.tokens += need.tokens;
  }
  last_waits = place(last);
  return out;
}

}  // namespace weir
