// One sequence's keep method at work: knows the points to come and what they may need in memory,
// notes what the method must see, and at a point plans and has the cache carry it out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kv/cache.h"
#include "kv/probabilities.h"
#include "kv/recipe.h"

namespace weir {

inline constexpr int32_t kWholePrompt = INT32_MAX;

// Owned by the engine's thread, as the cache is. Ends before its cache, whose promise covers what
// it notes.
class Keeper {
 public:
  // Null where the recipe keeps all. The others outlive it.
  static std::unique_ptr<Keeper> make(const Recipe& recipe, const CacheShape& shape,
                                      PagePool& pages, Probabilities& probabilities);
  // For a fork of its cache, made before.
  std::unique_ptr<Keeper> fork() const;

  // A prompt ends before position `end`; none of its tokens is computed yet.
  void expect_prompt(int32_t end) { prompt_ = end; }
  int32_t prompt() const { return prompt_; }
  // The first point after `length` tokens: rows up to there may be computed, no more.
  int32_t next_point(int32_t length) const { return next_point(length, prompt_); }
  // Of a prompt, the last so many tokens must be computed in its presence: what came before them
  // leaves no trace in it. kWholePrompt: all must.
  int32_t tail() const;
  // The most rows that a plan leaves of a prompt of so many tokens.
  LayerRows kept_max(int32_t prompt) const { return policy_->kept_max(prompt); }

  // What a sequence of `length` tokens, of which its layers hold `rows`, may need on its way to
  // `tokens`, with prompts that end at `prompt`.
  Room room(int32_t length, const LayerRows& rows, uint64_t tokens, int32_t prompt) const;
  // The same of its cache as it is.
  Room room(const Cache& cache, uint64_t tokens, int32_t prompt) const;

  // Where a cascade ends that begins after `length` tokens, the rest of a prompt passing one layer
  // after the other; 0: there is none.
  int32_t cascade_end(int32_t length) const { return cascades(length, prompt_) ? prompt_ : 0; }

  // Whether it observes at all.
  bool looks() const { return needs_.window > 0 || needs_.mass; }
  // Notes queries of a step, whose rows are written and do not count yet.
  void observe(const Cache& cache, const LayerQueries& queries);
  // In a cascade, the layers before this one have the rows up to its end, `position`: plans for
  // them and edits.
  void pass(Cache& cache, uint32_t layers_end, int32_t position);
  // All rows of a step count. At a point: plans, edits, and settles for what is needed from then
  // on.
  void advance(Cache& cache);

 private:
  class View;
  using Mass = std::vector<std::vector<float>>;  // [heads][rows]

  Keeper(const Recipe& recipe, const CacheShape& shape, PagePool& pages,
         Probabilities& probabilities);
  Keeper(const Keeper& other);
  int32_t next_point(int32_t length, int32_t prompt) const;
  bool cascades(int32_t length, int32_t prompt) const;
  // That a cascade lets pass between two plans.
  uint64_t whole_layers() const;
  // Of rows between layers.
  uint64_t hidden_bytes(uint64_t rows) const { return rows * shape_->d_model * sizeof(float); }
  void plan(Cache& cache, std::span<const uint32_t> layers, int32_t position);
  int32_t window_before(int32_t point, int32_t prompt) const;
  // Of the last queries and their probabilities over so many rows: what a plan looks at.
  uint64_t scratch_bytes(uint64_t queries, uint64_t rows) const {
    return queries * shape_->heads * (rows + shape_->head_dim) * sizeof(float);
  }
  void note_window(const LayerQueries& queries);
  void forget_window();
  void add_mass(const Cache& cache, const LayerQueries& queries);
  void follow(const Cache& cache, const Edit& edit);

  const CacheShape* shape_;
  Probabilities* probabilities_;
  std::string act_;                     // The recipe, for keys.
  std::shared_ptr<const Codec> codec_;  // Of most rows.
  std::unique_ptr<Policy> policy_;
  Points points_;
  Needs needs_;
  int32_t prompt_ = 0;
  std::vector<uint32_t> layers_;            // That it may edit.
  std::vector<std::vector<float>> window_;  // [layer][position % noted_][heads * head_dim].
  int32_t noted_ = 0;                       // Queries that it has room for.
  int32_t noted_from_ = 0, noted_end_ = 0;  // Positions whose queries are in it, or were.
  std::vector<Mass> mass_;                  // [layer]
  UsedBytes notes_;                         // Of both.
  UsedBytes scratch_;                       // While it plans.
};

}  // namespace weir
