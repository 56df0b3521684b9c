// Role 2 of 3: which rows a sequence keeps. A policy is one file under policies/ that names itself
// with a PolicyEntry; nobody else needs to know of it. It says when it plans and what must be
// observed for it, and answers with edits; the cache alone carries them out.
//
// What a later query reads changes only at points: counts of tokens that follow from the tokens,
// the operations and the recipe, and never from chunks, batches, threads or pressure.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "kv/edit.h"
#include "kv/layer_budget.h"
#include "kv/method.h"
#include "kv/method_table.h"

namespace weir {

// After which tokens a policy plans.
struct Points {
  bool prompt_end = false;  // After the last token of each prompt.
  int32_t every = 0;        // After token `every`, 2 `every`, ...; 0: not.
  bool in_prompt = false;   // Those inside of prompts too, else only those past the prompt.
  // A prompt's plan can be made layer by layer, as soon as each has seen the prompt (a cascade).
  bool by_layer = false;
};

// What must be observed for it, and is only then. At most one of the two.
struct Needs {
  int32_t window = 0;  // The attention of the last so many queries before a point.
  bool mass = false;   // The attention that each row has got from all queries so far.
  int32_t window_past_prompt = window;  // Of so many where a point comes after a prompt's end.
};

// Softmax probabilities of the last queries over a layer's rows, for each query head.
struct WindowAttention {
  int32_t queries = 0, rows = 0;  // Rows of the head that has the most.
  // [heads][queries][rows]; zeros for rows after the query, and where the head has none.
  std::vector<float> p;

  std::span<const float> of(uint32_t head, int32_t query) const {
    const auto n = static_cast<size_t>(rows);
    return std::span(p).subspan((head * static_cast<size_t>(queries) + query) * n, n);
  }
};

// What a policy sees at a point: live rows only, by layer and slot.
class PolicyView {
 public:
  virtual ~PolicyView() = default;

  int32_t length = 0;                // Tokens so far.
  int32_t prompt = 0;                // Of those, up to the end of the last prompt.
  uint32_t heads = 0, kv_heads = 0;  // Query heads are those of KV heads in order.
  uint32_t head_dim = 0;
  std::vector<uint32_t>
      layers;                // That may be edited. In a cascade, those that have seen the prompt
  size_t layers_in_all = 0;  // of so many.

  // Slots of a KV head are in order of position.
  virtual int32_t rows(uint32_t layer, uint32_t kv_head) const = 0;
  // Of any head: all have as many, unless the policy left them unequally many.
  int32_t rows(uint32_t layer) const { return rows(layer, 0); }
  virtual int32_t position(uint32_t layer, uint32_t kv_head, int32_t slot) const = 0;
  // How many rows the row in a slot stands for.
  virtual float weight(uint32_t layer, uint32_t kv_head, int32_t slot) const = 0;
  // The keys as they are stored, [rows][head_dim]. Decoded when called.
  virtual std::vector<float> keys(uint32_t layer, uint32_t kv_head) const = 0;
  // Where Needs asks for it. Computed when called.
  virtual WindowAttention window(uint32_t layer) const = 0;
  // Likewise: sums of probabilities, [rows] of its KV head.
  virtual std::span<const float> mass(uint32_t layer, uint32_t head) const = 0;
};

// Of one sequence. Called on the engine's thread.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual Points points() const = 0;
  virtual Needs needs() const = 0;
  // The most rows that its plans leave from here on, until a prompt ends elsewhere than at `prompt`
  // (as the view has it).
  virtual LayerRows kept_max(int32_t prompt) const = 0;
  // Whether they may leave heads of a layer unequally many: above, the heads' mean counts.
  virtual bool ragged() const { return false; }
  // Edits of distinct layers. A function of the view and of what was planned before. In a cascade
  // called for the first layers, then for these as that plan left them and some more, and so on;
  // the last plan leaves what one plan for all layers would have.
  virtual std::vector<Edit> plan(const PolicyView& view) = 0;
  // A copy, with its state.
  virtual std::unique_ptr<Policy> fork() const = 0;
};

using PolicyEntry = MethodEntry<std::unique_ptr<Policy> (*)(const Arguments& arguments)>;

// By name.
inline std::vector<const PolicyEntry*> policies() {
  return MethodTable<PolicyEntry>::all();
}

}  // namespace weir
