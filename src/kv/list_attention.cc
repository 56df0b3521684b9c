#include "kv/list_attention.h"

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "base/check.h"
#include "kernels/attention_piece.h"
#include "kernels/elementwise.h"
#include "kernels/layout.h"
#include "tensor/tensor.h"

namespace weir {
namespace {

struct Run {
  const Slice* like = nullptr;  // Its group, reading and shift are the run's.
  size_t page = 0, pages = 0;   // Those of the list's descriptors.
  int32_t slot = 0, visible = 0;
};

bool same_run(const Slice& a, const Slice& b) {
  return a.group == b.group && a.reading == b.reading && a.shift == b.shift;
}

// The position to rotate a query at `position` to.
int32_t query_position(const Slice& slice, int32_t position) {
  if (slice.reading == Reading::kShifted) return position - slice.shift;
  return slice.reading == Reading::kFixed ? slice.shift : position;
}

// What kernels read of one list.
class ListReader {
 public:
  ListReader(const AttentionShape& shape, const LayerLists& lists, uint32_t head, int32_t position,
             const RotateHead& rotate)
      : shape_(shape), lists_(lists), place_{lists.layer, head}, rotate_(rotate) {
    const std::vector<Slice>& slices = lists.lists[head].slices;
    for (size_t i = 0; i < slices.size(); ++i) add(slices, i, position);
  }

  size_t runs() const { return runs_.size(); }
  const Run& run(size_t i) const { return runs_[i]; }
  const SliceGroup& group(size_t run) const {
    return lists_.lists[place_.head].groups[runs_[run].like->group];
  }
  bool ends_group(size_t run) const {
    return run + 1 == runs() || runs_[run + 1].like->group != runs_[run].like->group;
  }
  AttentionList list(size_t run) const {
    if (run >= runs()) return {{}, 0, 0};
    const Run& r = runs_[run];
    return {std::span(pages_).subspan(r.page, r.pages), r.slot, r.visible};
  }

 private:
  void add(const std::vector<Slice>& slices, size_t i, int32_t position);
  const float* bias(const Slice& slice, bool ends_run);
  AttentionPage read(const Slice& slice);
  AttentionPage decode(const Page& page, const Slice& slice);

  const AttentionShape& shape_;
  const LayerLists& lists_;
  const Place place_;
  const RotateHead& rotate_;
  std::vector<AttentionPage> pages_;
  std::vector<Run> runs_;
  std::deque<std::array<float, kPageSlots>> biases_;
  std::deque<Buffer> decoded_;
};

void ListReader::add(const std::vector<Slice>& slices, size_t i, int32_t position) {
  const Slice& slice = slices[i];
  const Page& page = lists_.pages[slice.page];
  WEIR_CHECK(slice.end <= page.rows, "row {} of {}", slice.end, page.rows);
  if (i == 0 || !same_run(slice, slices[i - 1])) {
    WEIR_CHECK(i == 0 || slice.group >= slices[i - 1].group, "group {} after {}", slice.group,
               slices[i - 1].group);
    runs_.push_back({&slice, pages_.size(), 0, 0, 0});
  }
  Run& run = runs_.back();
  const auto before = static_cast<int32_t>(run.pages++ * kPageSlots);
  pages_.push_back(read(slice));
  const bool ends_run = i + 1 == slices.size() || !same_run(slice, slices[i + 1]);
  if (pages_.back().k) pages_.back().bias = bias(slice, ends_run);

  // Rows up to the queries' own are seen by all of them; from there on, each sees its own and
  // those before.
  if (run.visible < 0) return;
  run.visible = before + static_cast<int32_t>(slice.end);
  const int32_t row = position - page.positions.first;
  if (slice.reading != Reading::kStored || !page.positions.each.empty()) return;
  if (row < static_cast<int32_t>(slice.begin) || row >= static_cast<int32_t>(slice.end)) return;
  run.slot = before + row, run.visible = -1;
}

// Null for zeros. Slots past the last row of a run are out of sight anyway.
const float* ListReader::bias(const Slice& slice, bool ends_run) {
  const bool plain = slice.bias.empty() && lists_.pages[slice.page].bias.empty();
  if (plain && slice.begin == 0 && (ends_run || slice.end == kPageSlots)) return nullptr;
  std::array<float, kPageSlots>& to = biases_.emplace_back();
  to.fill(kDropped);
  for (uint32_t r = slice.begin; r < slice.end; ++r) to[r] = lists_.bias(slice, r);
  return to.data();
}

AttentionPage ListReader::read(const Slice& slice) {
  const Page& page = lists_.pages[slice.page];
  if (!page.extent) return {};
  WEIR_CHECK(!page.rotated || slice.reading <= Reading::kShifted, "keys are rotated already");
  const bool rotates = !page.rotated && slice.reading != Reading::kFixed;
  if (rotates || page.codec->shape().kv != shape_.kv) return decode(page, slice);
  const AttentionPage here = page.codec->in_place(page.bytes(), page.list(place_));
  return here.k ? here : decode(page, slice);
}

AttentionPage ListReader::decode(const Page& page, const Slice& slice) {
  const auto dim = static_cast<size_t>(shape_.head_dim);
  const uint32_t count = slice.end - slice.begin;
  std::vector<float> k(count * dim), v(count * dim);
  page.codec->decode(page.bytes(), page.list(place_), slice.begin, count, k.data(), v.data());
  if (!page.rotated && slice.reading != Reading::kFixed)
    for (uint32_t r = 0; r < count; ++r)
      rotate_(&k[r * dim], slice.reading == Reading::kListed ? slice.positions.at(r)
                                                             : page.positions.at(slice.begin + r));
  const size_t half = page_half_bytes(shape_.kv, shape_.head_dim);
  std::byte* at = decoded_.emplace_back(2 * half).data();
  for (uint32_t r = 0; r < count; ++r)
    write_row(shape_.kv, shape_.head_dim, static_cast<int>(slice.begin + r), &k[r * dim],
              &v[r * dim], at, at + half);
  return {at, at + half, nullptr};
}

// For every query row and head, a Partial.
struct Partials {
  explicit Partials(size_t n, size_t head_dim)
      : dim(head_dim), max(n, kNothingSeen), sum(n), out(n * head_dim) {}
  Partial at(size_t i) { return {max[i], sum[i], std::span(out).subspan(i * dim, dim)}; }
  void merge_in(size_t i, const Partial& part) {
    Partial into = at(i);
    merge(into, part);
    max[i] = into.max, sum[i] = into.sum;
  }
  void clear(size_t i) {
    max[i] = kNothingSeen, sum[i] = 0;
    std::ranges::fill(at(i).out, 0.0f);
  }

  size_t dim;
  std::vector<float> max, sum, out;
};

// The sum of exponentials to the power of the exponent, with the same average of values.
void raise_mass(const SliceGroup& group, Partial& part) {
  if (group.mass_exponent == 1 || part.sum == 0) return;
  const double e = group.mass_exponent;
  const auto raised = static_cast<float>(exact_exp(e * exact_log(part.sum)));
  for (float& x : part.out) x *= raised / part.sum;
  part.max *= group.mass_exponent, part.sum = raised;
}

class ListAttention {
 public:
  ListAttention(ThreadPool& pool, const AttentionShape& shape, const LayerLists& lists,
                const ListQueries& queries, const RotateHead& rotate)
      : pool_(pool), shape_(shape), queries_(queries), rotate_(rotate) {
    for (uint32_t h = 0; h < lists.lists.size(); ++h)
      readers_.emplace_back(shape_, lists, h, queries.position, rotate);
  }
  void operator()();

 private:
  size_t rows_of_heads() const { return static_cast<size_t>(queries_.rows * shape_.heads); }
  const ListReader& reader(size_t i) const {  // Of row and head i.
    const size_t head = i % static_cast<size_t>(shape_.heads);
    return readers_[head / static_cast<size_t>(shape_.heads / shape_.kv_heads)];
  }
  void rotate_queries(size_t run);
  void attend_run(size_t run, float* out, float* max, float* sum);
  void merge_runs(size_t runs);
  void merge_run(size_t run, Partials& part, Partials& group, Partials& all);

  ThreadPool& pool_;
  const AttentionShape& shape_;
  const ListQueries& queries_;
  const RotateHead& rotate_;
  std::deque<ListReader> readers_;  // [kv_heads]
  std::vector<float> q_;
};

void ListAttention::rotate_queries(size_t run) {
  const auto dim = static_cast<size_t>(shape_.head_dim);
  q_.assign(queries_.q, queries_.q + rows_of_heads() * dim);
  for (size_t i = 0; i < rows_of_heads(); ++i) {
    const ListReader& r = reader(i);
    if (run >= r.runs()) continue;
    const auto row = static_cast<int32_t>(i / static_cast<size_t>(shape_.heads));
    rotate_(&q_[i * dim], query_position(*r.run(run).like, queries_.position + row));
    if (const float by = r.group(run).logit_scale; by != 1) scale(&q_[i * dim], by, dim);
  }
}

void ListAttention::attend_run(size_t run, float* out, float* max, float* sum) {
  rotate_queries(run);
  std::vector<AttentionList> lists;
  for (const ListReader& r : readers_) lists.push_back(r.list(run));
  const AttentionSpan span{lists, queries_.rows, q_.data(), out, max, sum};
  attend(pool_, shape_, {&span, 1});
}

void ListAttention::merge_run(size_t run, Partials& part, Partials& group, Partials& all) {
  for (size_t i = 0; i < rows_of_heads(); ++i) {
    const ListReader& r = reader(i);
    if (run >= r.runs()) continue;
    group.merge_in(i, part.at(i));
    if (!r.ends_group(run)) continue;
    Partial whole = group.at(i);
    raise_mass(r.group(run), whole);
    all.merge_in(i, whole);
    group.clear(i);
  }
}

void ListAttention::merge_runs(size_t runs) {
  WEIR_CHECK(shape_.window == 0, "a window of {} over {} runs", shape_.window, runs);
  const auto dim = static_cast<size_t>(shape_.head_dim);
  Partials part(rows_of_heads(), dim), group = part, all = part;
  for (size_t run = 0; run < runs; ++run) {
    attend_run(run, part.out.data(), part.max.data(), part.sum.data());
    merge_run(run, part, group, all);
  }
  for (size_t i = 0; i < all.out.size(); ++i)
    queries_.out[i] = all.sum[i / dim] > 0 ? all.out[i] / all.sum[i / dim] : 0;
}

void ListAttention::operator()() {
  size_t runs = 0;
  for (const ListReader& r : readers_) runs = std::max(runs, r.runs());
  if (runs > 1) return merge_runs(runs);
  attend_run(0, queries_.out, nullptr, nullptr);
}

}  // namespace

void attend(ThreadPool& pool, const AttentionShape& shape, const LayerLists& lists,
            const ListQueries& queries, const RotateHead& rotate) {
  WEIR_CHECK(lists.lists.size() == static_cast<size_t>(shape.kv_heads), "{} lists, {} KV heads",
             lists.lists.size(), shape.kv_heads);
  ListAttention(pool, shape, lists, queries, rotate)();
}

}  // namespace weir
