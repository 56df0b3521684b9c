// One sequence inside the engine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kv/cache.h"
#include "kv/keeper.h"
#include "model/model.h"
#include "sched/scheduler.h"
#include "weir/options.h"

namespace weir {

struct Stream;

// Whoever owns streams that compute: a request, or an append by hand. All calls come from the loop.
class Driver {
 public:
  virtual ~Driver() = default;
  // Promises memory to its streams; called once, when the scheduler has found that it fits.
  virtual void admit() = 0;
  // Logits of consecutive rows of one of its streams, [rows][vocabulary], the first at `position`:
  // in ascending order, those of the last row known after the stream's cache has advanced. May
  // change them.
  virtual void on_logits(Stream& stream, int32_t position, std::span<float> logits) = 0;
  // Ends it early: its streams are done after this.
  virtual void cancel() = 0;
};

// A stream is in the loop's list while it has tokens to compute, and is `done` once it has none.
struct Stream {
  Stream(uint64_t its_id, Cache its_cache)
      : id(its_id), cache(std::move(its_cache)), hidden_bytes_(cache.pool(), 0) {}

  int32_t known() const { return static_cast<int32_t>(tokens.size()); }
  // Rows may be computed up to here before the recipe has a say.
  int32_t next_point() const;
  // How the rows to come pass the layers, if not each through all at once.
  Cascade cascade() const;
  // Whether rows from `position` on choose what they read: those past a prompt do.
  bool retrieves(int32_t position) const { return cache.retriever() && position >= decodes_from; }
  // What it may need on its way to `length` tokens, with a prompt that ends at `prompt_end`.
  Room room(uint64_t length, int32_t prompt_end) const;
  // The residual stream, [d_model], of rows from `position` on: those that stopped between layers.
  // With room up to `end`.
  float* hidden_row(int32_t position, int32_t end);
  // A step has taken rows up to `position` through the layers [begin, end): what is done where rows
  // count, or a cascade has come so far.
  void pass(uint32_t begin, uint32_t end, int32_t position);

  uint64_t id;
  Cache cache;                   // cache.length() tokens are computed.
  std::unique_ptr<Keeper> keep;  // Null: every row stays.
  std::vector<Token> tokens;     // All there are, computed or not.
  size_t prompt_rest = 0;        // The next append is the rest of a prompt, so many tokens or more.
  Watch watch;

  Driver* driver = nullptr;
  Logits wanted = Logits::kLast;
  uint64_t peak_bytes = 0;   // Promised on admission.
  uint32_t sequences = 1;    // What the scheduler counts it as: before the fork, all choices.
  int32_t prompt = 0;        // Its first so many tokens are a request's prompt, computed by it.
  int32_t decodes_from = 0;  // Where the last prompt ends, a request's or one by hand.
  bool admitted = false;
  bool done = false;

 private:
  // Whether rows are edited or encoded once those before `position` count.
  bool edits_at(int32_t position) const;
  void count(int32_t end);

  std::vector<float> hidden_;  // Of rows from cache.length() on that stopped between layers.
  UsedBytes hidden_bytes_;
  uint32_t layer_ =
      0;  // Where a cascade stands: the layer, and the position of its next row there.
  int32_t at_ = 0;
};

}  // namespace weir
