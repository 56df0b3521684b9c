// The engine's requests: how many wait, which run, which id is whose.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "engine/generation.h"

namespace weir {

class GenerationQueue {
 public:
  GenerationQueue(Loop& loop, GenerationContext context, const EngineOptions& options);

  // From any thread. kUnavailable: the queue is full, or draining.
  Result<RequestId> submit(Request request, EventHandler handler);
  void cancel(RequestId id);
  bool drain(std::chrono::milliseconds deadline);

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
  uint32_t waiting_ = 0, alive_ = 0;
  uint64_t waiting_tokens_ = 0, prompt_tokens_ = 0, generated_tokens_ = 0;
  bool draining_ = false;
};

}  // namespace weir
