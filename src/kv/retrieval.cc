#include "kv/retrieval.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/layout.h"

namespace weir {

void Retrieval::Partials::resize(size_t heads, size_t dim) {
  out.resize(heads * dim), max.resize(heads), sum.resize(heads);
}

void Retrieval::plan_rows(std::span<const AttentionSpan> spans) {
  span_rows_.clear();
  for (size_t i = 0; i < readers_.size(); ++i) {
    const Reader& reader = readers_[i];
    const int32_t rows = spans[reader.span].rows;
    span_rows_.push_back(rows);
    const int32_t slot = reader.cache->layer(layer_).slot(reader.position);
    for (int32_t r = 0; r < rows; ++r) rows_.push_back({i, static_cast<size_t>(r), slot + r});
  }
  const size_t reads = rows_.size() * kv_heads_;
  reads_.resize(reads), pages_.resize(reads), lists_.resize(reads);
  all_.resize(rows_.size() * heads_, dim_), part_.resize(rows_.size() * heads_, dim_);
  bounds_.assign(rows_.size() * heads_, 0);
}

void Retrieval::begin(uint32_t layer, const AttentionShape& shape, std::span<const Reader> readers,
                      std::vector<AttentionSpan>& spans) {
  readers_.assign(readers.begin(), readers.end());
  layer_ = layer, shape_ = shape;
  rows_.clear();
  if (readers_.empty()) return;
  heads_ = static_cast<size_t>(shape.heads), kv_heads_ = static_cast<size_t>(shape.kv_heads);
  group_ = heads_ / kv_heads_, dim_ = static_cast<size_t>(shape.head_dim);
  plan_rows(spans);
  pool_.for_each(reads_.size(), [&](size_t i) {
    start(i, spans);
    choose(i);
  });
  for (size_t row = 0; row < rows_.size(); ++row)
    spans.push_back(span(row, reads_[row * kv_heads_].q, all_));
  for (const Reader& reader : readers_) spans[reader.span].rows = 0;
}

// The first page and the tail are read whatever the method says.
void Retrieval::start(size_t i, std::span<const AttentionSpan> spans) {
  const Row& row = rows_[i / kv_heads_];
  const auto head = static_cast<uint32_t>(i % kv_heads_);
  const PageIndex& index = cache(row).index(layer_);
  PageRead& read = reads_[i];
  read.heads = static_cast<uint32_t>(group_), read.head_dim = static_cast<uint32_t>(dim_);
  read.scale = shape_.scale;
  read.q = spans[readers_[row.reader].span].q + (row.in_span * heads_ + head * group_) * dim_;
  read.summaries.clear(), read.tail.clear(), read.named.clear(), read.bounds.clear();
  for (int32_t p = 0; p < index.pages(); ++p) read.summaries.push_back(index.summary(p, head));
  read.tail_pages = row.slot / kPageSlots + 1 - read.pages();
  WEIR_CHECK(read.tail_pages > 0, "slot {}, {} pages with summaries", row.slot, read.pages());
  read.round = 0;
  read.read.assign(read.summaries.size(), false);
  read.so_far.assign(group_, {});
  if (read.pages() > 0) read.name(0);
  const Retriever& retriever = *cache(row).retriever();
  if (!retriever.certifies()) return;
  const int32_t from = read.pages() * kPageSlots;
  read.tail.resize(retriever.summary_floats(read.head_dim));
  summarise_slots(retriever, table(row), head, from, row.slot + 1 - from, read.head_dim,
                  read.tail.data());
}

void Retrieval::choose(size_t i) {
  cache(rows_[i / kv_heads_]).retriever()->next(reads_[i]);
  std::ranges::sort(reads_[i].named);
  list(i);
}

// What the kernels read in this round.
void Retrieval::list(size_t i) {
  const Row& row = rows_[i / kv_heads_];
  const PageRead& read = reads_[i];
  const auto cached = table(row).pages(static_cast<uint32_t>(i % kv_heads_));
  std::vector<AttentionPage>& pages = pages_[i];
  pages.clear();
  for (const int32_t p : read.named) pages.push_back(cached[static_cast<size_t>(p)]);
  const auto slots = static_cast<int32_t>(pages.size()) * kPageSlots;
  lists_[i] = {pages, 0, slots};
  if (read.round > 0) return;
  const auto tail =
      cached.subspan(static_cast<size_t>(read.pages()), static_cast<size_t>(read.tail_pages));
  pages.insert(pages.end(), tail.begin(), tail.end());
  lists_[i] = {pages, row.slot - read.pages() * kPageSlots + slots, -1};
}

AttentionSpan Retrieval::span(size_t row, const float* q, Partials& to) {
  const size_t at = row * heads_;
  return {std::span(lists_).subspan(row * kv_heads_, kv_heads_),
          1,
          q,
          &to.out[at * dim_],
          &to.max[at],
          &to.sum[at]};
}

// False once all are done.
bool Retrieval::choose_again() {
  pool_.for_each(reads_.size(), [&](size_t i) {
    PageRead& read = reads_[i];
    if (read.round > 0 && read.named.empty()) return;
    for (size_t h = 0; h < group_; ++h) {
      read.so_far[h] = all_.head(heads_at(i) + h, dim_);
    }
    ++read.round;
    read.named.clear();
    choose(i);
  });
  round_.clear(), round_rows_.clear();
  for (size_t row = 0; row < rows_.size(); ++row) {
    const auto reads = std::span(reads_).subspan(row * kv_heads_, kv_heads_);
    if (std::ranges::all_of(reads, [](const PageRead& r) { return r.named.empty(); })) continue;
    round_.push_back(span(row, reads[0].q, part_));
    round_rows_.push_back(row);
  }
  return !round_.empty();
}

void Retrieval::merge_round() {
  for (const size_t row : round_rows_)
    for (size_t at = row * heads_; at < (row + 1) * heads_; ++at) {
      Partial into = all_.head(at, dim_);
      merge(into, part_.head(at, dim_));
      all_.max[at] = into.max, all_.sum[at] = into.sum;
    }
}

void Retrieval::finish(std::span<AttentionSpan> spans) {
  if (readers_.empty()) return;
  while (choose_again()) {
    attend(pool_, shape_, round_);
    merge_round();
  }
  for (size_t i = 0; i < readers_.size(); ++i) spans[readers_[i].span].rows = span_rows_[i];
  for (size_t row = 0; row < rows_.size(); ++row)
    deliver(rows_[row], row * heads_, spans[readers_[rows_[row].reader].span]);
  for (size_t i = 0; i < reads_.size(); ++i) {
    count(i);
    std::ranges::copy(reads_[i].bounds, &bounds_[heads_at(i)]);
  }
}

// As attend() leaves it: divided, unless somebody means to merge more.
void Retrieval::deliver(const Row& row, size_t from, const AttentionSpan& to) {
  for (size_t h = 0; h < heads_; ++h, ++from) {
    const size_t at = row.in_span * heads_ + h;
    const Partial head = all_.head(from, dim_);
    if (!to.max) {
      weir::finish(head, to.out + at * dim_);
      continue;
    }
    std::ranges::copy(head.out, to.out + at * dim_);
    to.max[at] = head.max, to.sum[at] = head.sum;
  }
}

void Retrieval::count(size_t i) {
  const Row& row = rows_[i / kv_heads_];
  const PageRead& read = reads_[i];
  const auto tail = static_cast<uint64_t>(read.tail_pages);
  const auto chosen = static_cast<uint64_t>(std::ranges::count(read.read, true));
  readers_[row.reader].cache->count_reads({chosen + tail, read.summaries.size() + tail});
}

Retrieval::Work Retrieval::work() const {
  Work out;
  for (size_t i = 0; i < rows_.size() * kv_heads_; ++i) {
    const Row& row = rows_[i / kv_heads_];
    const PageRead& read = reads_[i];
    // Of all KV heads, up to a slot.
    const auto bytes_to = [&](int32_t slot) { return table(row).bytes_read(slot); };
    const int32_t tail = read.pages() * kPageSlots;
    uint64_t bytes = bytes_to(row.slot + 1) - bytes_to(tail);
    auto slots = static_cast<uint64_t>(row.slot + 1 - tail);
    for (int32_t p = 0; p < read.pages(); ++p) {
      if (!read.read[static_cast<size_t>(p)]) continue;
      bytes += bytes_to((p + 1) * kPageSlots) - bytes_to(p * kPageSlots);
      slots += kPageSlots;
    }
    out.bytes += bytes / kv_heads_, out.macs += slots * 2 * group_ * dim_;
  }
  return out;
}

std::span<const float> Retrieval::bounds(size_t reader) const {
  if (!readers_[reader].cache->retriever()->certifies()) return {};
  size_t first = 0;
  for (size_t i = 0; i < reader; ++i) first += static_cast<size_t>(span_rows_[i]);
  return std::span(bounds_).subspan(first * heads_,
                                    static_cast<size_t>(span_rows_[reader]) * heads_);
}

}  // namespace weir
