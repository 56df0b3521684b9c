// Role 3 of 3: which pages a query row reads. A retriever is one file under retrievers/ that names
// itself with a RetrieverEntry; nobody else needs to know of it.
//
//   page of 64 rows -> summary, a fixed number of floats for each KV head      (page_index.h)
//   query row + summaries -> pages -> what they gave -> more pages -> ... -> none (retrieval.h)
//
// A choice is made for each query row alone: a function of its queries, of the summaries, and of
// what the pages that it has read gave. So it is the same however rows were scheduled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/attention.h"
#include "kv/method.h"
#include "kv/method_table.h"

namespace weir {

// Rows of one KV head, as attention reads them.
struct PageRows {
  uint32_t count = 0, head_dim = 0;
  const float* k = nullptr;  // [count][head_dim], decoded where they are encoded.
  const float* v = nullptr;
  const float* bias = nullptr;  // [count], as AttentionPage::bias.
  float factor_limit = 0;       // Where some lie on grids, grid_factor_limit() of their bits.
};

// What one query row reads of one KV head, as it goes. The rows before its own stand in `pages`
// full pages that have summaries, and in a tail that is always read, as the first page is.
struct PageRead {
  uint32_t heads = 0, head_dim = 0;  // The query heads of the KV head.
  float scale = 1;                   // Multiplies every logit.
  const float* q = nullptr;          // [heads][head_dim], rotated.

  std::vector<const float*> summaries;  // [pages]
  std::vector<float> tail;              // Of the tail, likewise; empty if it is not asked for.
  int32_t tail_pages = 0;

  int32_t round = 0;            // 0: nothing is read yet.
  std::vector<bool> read;       // [pages] Read by now, or to be read in this round.
  std::vector<Partial> so_far;  // [heads] What was read gave; from round 1 on.

  std::vector<int32_t> named;  // To be read in this round.
  std::vector<float> notes;    // The method's own, from round to round.
  std::vector<float> bounds;   // [heads] Of a method that certifies: what its last call found.

  int32_t pages() const { return static_cast<int32_t>(summaries.size()); }
  void name(int32_t page) {
    if (read[static_cast<size_t>(page)]) return;
    read[static_cast<size_t>(page)] = true;
    named.push_back(page);
  }
};

// Immutable and called from any thread. Outlives every summary that it made.
class Retriever {
 public:
  virtual ~Retriever() = default;

  // Layers before this one are read whole.
  virtual uint32_t dense_layers() const = 0;
  virtual size_t summary_floats(uint32_t head_dim) const = 0;
  // Writes that many floats.
  virtual void summarise(const PageRows& rows, float* to) const = 0;
  // Whether its reads leave a bound on their error, and have a summary of the tail for it.
  virtual bool certifies() const { return false; }
  // Names pages to be read next; in round 0 beside the first page and the tail. After that, naming
  // none ends the read, and leaves `bounds` where it certifies: each head's output stands, in the
  // Euclidean norm, at most so far from attention over all rows in exact arithmetic.
  virtual void next(PageRead& read) const = 0;
};

using RetrieverEntry =
    MethodEntry<std::shared_ptr<const Retriever> (*)(const Arguments& arguments)>;

// By name.
inline std::vector<const RetrieverEntry*> retrievers() {
  return MethodTable<RetrieverEntry>::all();
}

// For the entries of such methods: the layers that are read whole.
Parameter dense_parameter(double initial);

}  // namespace weir
