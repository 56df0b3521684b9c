// A model's graph: embed, layer and head over the rows of a step. The engine owns the loop over
// layers, so that it can run ranges of them, narrow the rows between them, or leave early.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "format/model_file.h"
#include "kernels/matmul.h"
#include "kv/cache.h"
#include "model/profile.h"
#include "weir/observe.h"
#include "weir/status.h"

namespace weir {

// What is watched of a sequence, and by whom.
struct Watch {
  uint32_t what = 0;  // A union of Observable.
  Observer observer;
};

// Consecutive rows of one sequence in a step: rows [first, first + rows) of the step's rows stand
// at positions [position, position + rows).
struct RowSpan {
  Cache* cache = nullptr;
  int32_t position = 0;
  uint32_t first = 0;
  uint32_t rows = 0;
  const Watch* watch = nullptr;  // Null: nothing.
  bool retrieves = false;  // Its rows choose what they read (kv/retriever.h), where the cache can.
};

// The rows of a step, sequences side by side. Each row's result depends on its own sequence only.
struct Rows {
  std::span<const RowSpan> spans;  // In order of `first`, without gaps.
  size_t count = 0;
  float* x = nullptr;  // The residual stream, [count][d_model].
};

// Bytes of weights laid out so far.
using PackProgress = std::function<void(uint64_t bytes)>;

// Owned by the engine's thread. REQUIRES the file to outlive it.
class Model {
 public:
  virtual ~Model() = default;

  // Lays the weights out. kInvalid where a tensor has a shape that the kernels cannot take.
  static Result<std::unique_ptr<Model>> create(const ModelFile& file, Arithmetic arithmetic,
                                               ThreadPool& pool, const PackProgress& progress);

  // The shape of its sequences' caches, with keys and values in type `kv`.
  virtual CacheShape cache_shape(DType kv, uint32_t step_tokens_max) const = 0;
  virtual uint64_t weight_bytes() const = 0;

  // Before the first layer of a step: what depends on positions alone.
  virtual void begin(const Rows& rows) = 0;
  // Row i of rows.x becomes the embedding of tokens[i].
  virtual void embed(std::span<const int32_t> tokens, const Rows& rows) = 0;
  // Runs layer `l`: writes its keys and values into the caches, which have room for them, and
  // replaces rows.x.
  virtual void layer(uint32_t l, const Rows& rows) = 0;
  // logits[i] = the vocabulary's logits, [vocabulary], of row picked[i] of rows.x.
  virtual void head(const Rows& rows, std::span<const uint32_t> picked, float* logits) = 0;

  Profile& profile() { return profile_; }

 private:
  Profile profile_;
};

}  // namespace weir
