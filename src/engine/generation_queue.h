// The engine's requests: how many wait, which run, which id is whose.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "engine/generation.h"
#include "engine/waiting_line.h"

namespace weir {

class GenerationQueue {
 public:
  GenerationQueue(Loop& loop, GenerationContext context, const EngineOptions& options);

  // From any thread. kInvalid: more choices than sequences that compute at once. kUnavailable: the
  // queue is full, or draining.
  Result<RequestId> submit(Request request, EventHandler handler);
  void cancel(RequestId id);
  bool drain(std::chrono::milliseconds deadline);

  const GenerationContext& context() const { return context_; }
  // Adds its figures.
  void report(EngineStats& stats) const;

 private:
  void forget(Generation& generation);

  Loop& loop_;
  GenerationContext context_;
  const EngineOptions& options_;
  std::unordered_map<RequestId, std::unique_ptr<Generation>> generations_;  // The loop's.

  mutable std::mutex mutex_;
  std::condition_variable empty_;
  RequestId last_id_ = 0;
  WaitingLine line_;
  uint32_t alive_ = 0;
  bool draining_ = false;

  std::atomic<uint64_t> generated_tokens_{0};
};

}  // namespace weir
