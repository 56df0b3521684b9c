#include "kernels/attention.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/thread_pool.h"
#include "kernels/attention_piece.h"
#include "kernels/kernel_table.h"
#include "tensor/tensor.h"

namespace weir {
namespace {

// Consecutive rows of one KV head of a span; a row is a query row and a head of the group, [row of
// the span][head of the group].
struct Block {
  const AttentionSpan* span;
  int head;
  int32_t row, rows;
  int32_t piece, pieces;  // Those that some row sees.
  size_t fold;            // Where its folds begin, in floats, if it is split.
};

struct Task {
  uint32_t block;
  int32_t piece, pieces;
};

// The slots [first, end) that a query row sees.
struct Sight {
  int32_t first, end;
};
Sight sight(const AttentionShape& shape, const AttentionList& list, int32_t query) {
  if (list.visible >= 0) return {0, list.visible};
  const int32_t end = list.slot + query + 1;
  return {shape.window > 0 ? std::max(0, end - shape.window) : 0, end};
}

// Memory that grows and is kept from call to call.
float* grow(Buffer& buffer, size_t floats) {
  if (buffer.size() < floats * sizeof(float)) buffer = Buffer(floats * sizeof(float));
  return buffer.as<float>();
}

// What one thread needs for one block at a time.
struct Scratch {
  Scratch() {
    constexpr size_t kRows = kBlockRows * kRowStride;
    constexpr size_t kFold = kBlockRows * (kMaxHeadDim + 2);
    float* at = grow(buffer, 2 * kRows + kPieceSlots * 16 + 2 * kFold);
    q = at, logit = q + kRows, tile = logit + kRows;
    sum = tile + kPieceSlots * 16, part = sum + kFold;
  }
  Buffer buffer;
  float *q, *logit, *tile, *sum, *part;
  int32_t first[kBlockRows], end[kBlockRows];
};

Scratch& scratch() {
  static thread_local Scratch mine;
  return mine;
}

AttentionFold fold_at(float* at, int rows) {
  return {at, at + rows, at + 2 * rows};
}

// One call. Lives in the caller's thread and is kept, so that nothing is allocated in steady state.
class Attend {
 public:
  void operator()(ThreadPool& pool, const AttentionShape& shape,
                  std::span<const AttentionSpan> spans, Split split) {
    shape_ = shape;
    group_ = shape.heads / shape.kv_heads;
    plan_blocks(spans, pool.size());
    plan_tasks(pool.size(), split);
    pool.for_each(tasks_.size(), [this](size_t i) { do_task(tasks_[i]); });
  }

 private:
  static constexpr size_t kTasksPerThread = 4;
  static constexpr size_t kMostSplitFloats = size_t{8} << 20;

  void plan_blocks(std::span<const AttentionSpan> spans, int threads);
  void add_blocks(const AttentionSpan& span, int32_t rows);
  void add_block(Block block);
  void plan_tasks(int threads, Split split);
  size_t fold_floats(const Block& b) const {
    return static_cast<size_t>(b.rows) * (shape_.head_dim + 2);
  }

  void do_task(const Task& task);
  void gather(const Block& b, Scratch& my) const;
  void fold(const Block& b, int32_t piece, bool more, Scratch& my, float* to) const;
  void clear(const Block& b, float* sum) const;
  void merge(const Block& b, float* sum, float* part) const {
    kernels().merge_folds(fold_at(sum, b.rows), fold_at(part, b.rows), b.rows, shape_.head_dim);
  }
  void finish(const Block& b, float* sum) const;
  // Of the block's row `row`, in [rows][heads].
  size_t output(const Block& b, int32_t row) const {
    const int32_t at = b.row + row;
    return static_cast<size_t>(at / group_) * shape_.heads + b.head * group_ + at % group_;
  }

  AttentionShape shape_;
  int group_ = 1;
  bool split_ = false;
  std::vector<Block> blocks_;
  std::vector<Task> tasks_;
  Buffer folds_;
  std::unique_ptr<std::atomic<int32_t>[]> left_;  // Pieces of each block that are not folded yet.
  size_t left_size_ = 0;
};

// Large blocks read K and V less often; small ones keep all threads busy.
void Attend::plan_blocks(std::span<const AttentionSpan> spans, int threads) {
  size_t rows = 0;
  for (const AttentionSpan& s : spans) rows += static_cast<size_t>(s.rows) * shape_.heads;
  const size_t wanted = rows / (kTasksPerThread * static_cast<size_t>(threads)) + 1;
  const size_t strips = std::clamp<size_t>(wanted / kStripRows, 4, kBlockRows / kStripRows);
  blocks_.clear();
  for (const AttentionSpan& s : spans) add_blocks(s, static_cast<int32_t>(strips) * kStripRows);
}

void Attend::add_blocks(const AttentionSpan& span, int32_t rows) {
  const int32_t all = span.rows * group_;
  if (all == 0) return;
  WEIR_CHECK(span.lists.size() == static_cast<size_t>(shape_.kv_heads), "{} lists, {} KV heads",
             span.lists.size(), shape_.kv_heads);
  for (int32_t row = (all - 1) / rows * rows; row >= 0; row -= rows)  // The longest first.
    for (int head = 0; head < shape_.kv_heads; ++head)
      add_block({&span, head, row, std::min(rows, all - row), 0, 0, 0});
}

void Attend::add_block(Block b) {
  const AttentionList& list = b.span->lists[b.head];
  const int32_t first = sight(shape_, list, b.row / group_).first;
  const int32_t end = sight(shape_, list, (b.row + b.rows - 1) / group_).end;
  if (first < end) {
    const size_t pages = (static_cast<size_t>(end) + kPageSlots - 1) / kPageSlots;
    WEIR_CHECK(pages <= list.pages.size(), "{} slots in {} pages", end, list.pages.size());
    for (size_t p = static_cast<size_t>(first) / kPageSlots; p < pages; ++p)
      WEIR_CHECK(list.pages[p].k && list.pages[p].v, "page {} is seen and freed", p);
    b.piece = first / kPieceSlots;
    b.pieces = (end - 1) / kPieceSlots + 1 - b.piece;
  }
  blocks_.push_back(b);
}

void Attend::plan_tasks(int threads, Split split) {
  size_t floats = 0, pieces = 0;
  for (Block& b : blocks_) {
    b.fold = floats;
    floats += fold_floats(b) * b.pieces;
    pieces += b.pieces;
  }
  const size_t enough = kTasksPerThread * static_cast<size_t>(threads);
  split_ =
      split == Split::kAlways || (split == Split::kAuto && threads > 1 && blocks_.size() < enough &&
                                  pieces > blocks_.size() && floats <= kMostSplitFloats);
  tasks_.clear();
  if (split_) grow(folds_, floats);
  if (split_ && left_size_ < blocks_.size()) {
    left_size_ = 2 * blocks_.size();
    left_ = std::make_unique<std::atomic<int32_t>[]>(left_size_);
  }
  // Several pieces in a row where there are many: what comes next is fetched in advance.
  const auto run = static_cast<int32_t>(std::clamp<size_t>(pieces / (2 * enough), 1, 8));
  for (uint32_t i = 0; i < blocks_.size(); ++i) {
    const Block& b = blocks_[i];
    if (!split_ || b.pieces <= 1) {
      tasks_.push_back({i, b.piece, b.pieces});
      continue;
    }
    left_[i].store(b.pieces, std::memory_order_relaxed);
    for (int32_t p = 0; p < b.pieces; p += run)
      tasks_.push_back({i, b.piece + p, std::min(run, b.pieces - p)});
  }
}

void Attend::do_task(const Task& task) {
  const Block& b = blocks_[task.block];
  Scratch& my = scratch();
  gather(b, my);
  const bool whole = task.pieces == b.pieces;
  float* parts = whole ? nullptr : folds_.as<float>() + b.fold;
  const auto part = [&](int32_t piece) { return parts + fold_floats(b) * (piece - b.piece); };
  if (whole) clear(b, my.sum);
  const int32_t end = task.piece + task.pieces;
  for (int32_t piece = task.piece; piece < end; ++piece) {
    fold(b, piece, piece + 1 < end, my, whole ? my.part : part(piece));
    if (whole) merge(b, my.sum, my.part);
  }
  if (whole) return finish(b, my.sum);
  // Who folds the last piece merges all, in order.
  if (left_[task.block].fetch_sub(task.pieces, std::memory_order_acq_rel) > task.pieces) return;
  clear(b, my.sum);
  for (int32_t p = 0; p < b.pieces; ++p) merge(b, my.sum, part(b.piece + p));
  finish(b, my.sum);
}

void Attend::gather(const Block& b, Scratch& my) const {
  for (int32_t r = 0; r < b.rows; ++r) {
    const float* from = b.span->q + output(b, r) * shape_.head_dim;
    float* to = my.q + static_cast<size_t>(r) * kRowStride;
    for (int d = 0; d < shape_.head_dim; ++d) to[d] = from[d] * shape_.scale;
  }
}

void Attend::fold(const Block& b, int32_t piece, bool more, Scratch& my, float* to) const {
  const AttentionList& list = b.span->lists[b.head];
  const int32_t start = piece * kPieceSlots;
  for (int32_t r = 0; r < b.rows; ++r) {
    const Sight seen = sight(shape_, list, (b.row + r) / group_);
    my.first[r] = std::clamp(seen.first - start, 0, kPieceSlots);
    my.end[r] = std::clamp(seen.end - start, 0, kPieceSlots);
  }
  AttentionPiece p;
  p.rows = b.rows, p.head_dim = shape_.head_dim, p.kv = shape_.kv;
  p.q = my.q, p.first = my.first, p.end = my.end;
  p.pages = list.pages.data() + start / kPageSlots;
  p.pages_ahead = more ? static_cast<int>(list.pages.size()) - start / kPageSlots : 0;
  p.logit = my.logit, p.tile = my.tile;
  kernels().fold_piece(p, fold_at(to, b.rows));
}

void Attend::clear(const Block& b, float* sum) const {
  const AttentionFold to = fold_at(sum, b.rows);
  std::fill_n(to.max, b.rows, kNothingSeen);
  std::fill_n(to.sum, b.rows, 0.0f);
  std::fill_n(to.out, static_cast<size_t>(b.rows) * shape_.head_dim, 0.0f);
}

void Attend::finish(const Block& b, float* sum) const {
  const AttentionFold from = fold_at(sum, b.rows);
  const bool divide = b.span->max == nullptr;
  for (int32_t r = 0; r < b.rows; ++r) {
    const size_t to = output(b, r);
    kernels().finish_row(from.out + static_cast<size_t>(r) * shape_.head_dim, from.sum[r],
                         shape_.head_dim, divide, b.span->out + to * shape_.head_dim);
    if (divide) continue;
    b.span->max[to] = from.max[r];
    b.span->sum[to] = from.sum[r];
  }
}

}  // namespace

void attend(ThreadPool& pool, const AttentionShape& shape, std::span<const AttentionSpan> spans,
            Split split) {
  WEIR_CHECK(shape.head_dim > 0 && shape.head_dim % 16 == 0 && shape.head_dim <= kMaxHeadDim,
             "head_dim {}", shape.head_dim);
  WEIR_CHECK(shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0, "{} heads over {}",
             shape.heads, shape.kv_heads);
  static thread_local Attend mine;
  mine(pool, shape, spans, split);
}

void merge(Partial& into, const Partial& part) {
  kernels().merge_folds(
      {&into.max, &into.sum, into.out.data()},
      {const_cast<float*>(&part.max), const_cast<float*>(&part.sum), part.out.data()}, 1,
      static_cast<int>(into.out.size()));
}

void finish(const Partial& part, float* to) {
  kernels().finish_row(part.out.data(), part.sum, static_cast<int>(part.out.size()), true, to);
}

void multiply_key_tile(const float* q, int rows, const float* tile, int head_dim, float* to,
                       int to_stride) {
  kernels().multiply_key_tile(q, rows, tile, head_dim, to, to_stride);
}

}  // namespace weir
