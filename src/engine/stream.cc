#include "engine/stream.h"

namespace weir {

// Rows that choose what they read do so among pages that had their summaries at the last multiple
// of a page's rows.
int32_t Stream::next_point() const {
  const int32_t length = cache.length();
  const int32_t point = std::min(cache.next_point(), keep ? keep->next_point(length) : kNoPoint);
  if (!cache.retriever()) return point;
  if (length < decodes_from) return std::min(point, decodes_from);
  return std::min(point, (length / kPageSlots + 1) * kPageSlots);
}

bool Stream::edits_at(int32_t position) const {
  return cache.store().next_point(position - 1) == position ||
         (keep && keep->next_point(position - 1) == position);
}

Cascade Stream::cascade() const {
  const int32_t length = cache.length(), end = keep ? keep->cascade_end(length) : 0;
  if (end == 0 || end > known()) return {};
  return {end, layer_, std::max(at_, length), cache.store() ? kPageSlots : kNoPoint};
}

Room Stream::room(uint64_t length, int32_t prompt_end) const {
  return keep ? keep->room(cache, length, prompt_end) : Room::plain(length);
}

float* Stream::hidden_row(int32_t position, int32_t end) {
  const size_t d = cache.shape().d_model;
  const auto row = [&](int32_t at) { return static_cast<size_t>(at - cache.length()) * d; };
  if (hidden_.size() < row(end)) {
    hidden_bytes_.set(row(end) * sizeof(float));
    hidden_.resize(row(end));
  }
  return &hidden_[row(position)];
}

void Stream::pass(uint32_t begin, uint32_t end, int32_t position) {
  const Cascade cascade = this->cascade();
  const bool whole = end == cache.shape().layers, last = position == cascade.end;
  if (whole && (begin == 0 || cascade.end == 0 || last)) return count(position);
  if (cascade.end == 0) return;
  layer_ = last ? end : begin, at_ = last ? cache.length() : position;
  if (last)
    keep->pass(cache, end, position);
  else
    cache.pass(begin, end, position);
}

// At a point a recipe edits and encodes rows before anyone forks or reads them.
void Stream::count(int32_t end) {
  const int32_t from = cache.length();
  hidden_ = {}, hidden_bytes_.set(0);
  layer_ = 0, at_ = 0;
  const bool retrieved = retrieves(from), at_point = edits_at(end);
  cache.advance(
      std::span(tokens).subspan(static_cast<size_t>(from), static_cast<size_t>(end - from)),
      retrieved);
  if (keep) keep->advance(cache);
  if (at_point) cache.seal();
  cache.summarise();
}

}  // namespace weir
