// A random sequence for attention's tests: its queries, its lists, and what plain attention in
// double precision makes of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <random>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/attention.h"
#include "kernels/grid.h"
#include "tensor/tensor.h"

namespace weir {

struct SequenceOptions {
  AttentionShape shape;
  int tokens = 300;
  bool ragged = false;  // Dropped rows, rows that stand for several, half-empty pages.
  int extra = 0;        // KV head h's list begins with h * extra slots more.
  uint32_t seed = 1;
};

class TestSequence {
 public:
  explicit TestSequence(const SequenceOptions& options)
      : o(options), random_(options.seed), lists_(o.shape.kv_heads) {
    const size_t row = static_cast<size_t>(o.shape.heads) * o.shape.head_dim;
    for (size_t i = 0; i < row * o.tokens; ++i) q.push_back(normal_(random_));
    out.assign(q.size(), std::numeric_limits<float>::quiet_NaN());
    for (int h = 0; h < o.shape.kv_heads; ++h) make_list(h);
  }

  int slots(int head) const { return o.tokens + head * o.extra; }
  // Of this list's slot, as the page holds it: [head_dim].
  std::vector<float> k(int head, int slot) const { return row(head, slot, true); }
  std::vector<float> v(int head, int slot) const { return row(head, slot, false); }
  float bias(int head, int slot) const { return lists_[head].bias[slot]; }
  std::vector<AttentionPage>& pages(int head) { return lists_[head].pages; }

  // Puts slot `slot` of each list where the pages have it, or `value` instead.
  void write_token(int token) {
    for (int h = 0; h < o.shape.kv_heads; ++h)
      for (int slot = token == 0 ? 0 : token + h * o.extra; slot <= token + h * o.extra; ++slot)
        put(h, slot, &lists_[h].k[at(slot)], &lists_[h].v[at(slot)]);
  }
  void write_all() {
    for (int t = 0; t < o.tokens; ++t) write_token(t);
  }
  // Puts every `every`-th full page of each list on grids.
  void encode(GridForm form, int every) {
    const int dim = o.shape.head_dim;
    const size_t half = grid_half_bytes(form, dim);
    for (int h = 0; h < o.shape.kv_heads; ++h)
      for (int p = 0; (p + 1) * kPageSlots <= slots(h); p += every) {
        std::vector<float> keys, values;
        for (int s = p * kPageSlots; s < (p + 1) * kPageSlots; ++s) {
          for (const float x : k(h, s)) keys.push_back(x);
          for (const float x : v(h, s)) values.push_back(x);
        }
        std::byte* at = encoded_.emplace_back(2 * half).data();
        write_grid(form, dim, keys.data(), values.data(), at, at + half);
        AttentionPage& page = lists_[h].pages[p];
        page = {at, at + half, page.bias, form};
      }
  }
  // Puts every `every`-th full page of each list in directions with lengths; `own` of its keys and
  // values lie apart.
  void share(int every, int own) {
    for (int h = 0; h < o.shape.kv_heads; ++h)
      for (int p = 0; (p + 1) * kPageSlots <= slots(h); p += every) {
        AttentionPage to = directions(own);
        auto* at = encoded_.back().data();
        for (int half = 0; half < 2; ++half)
          for (int i = 0; i < own; ++i)
            const_cast<uint8_t*>(to.own_slots)[half * own + i] =
                static_cast<uint8_t>(i * 20 + (p + 5 * half) % 19);
        for (int s = 0; s < kPageSlots; ++s) put_direction(h, p * kPageSlots + s, to, at);
        to.bias = lists_[h].pages[p].bias;
        lists_[h].pages[p] = to;
      }
  }
  void fill(int head, int slot, float value) {
    const std::vector<float> all(o.shape.head_dim, value);
    put(head, slot, all.data(), all.data());
  }

  // Tokens [token, token + count). Valid until the next call for the same place.
  AttentionSpan span(int token, int count) {
    descriptors_.emplace_back();
    auto& lists = descriptors_.back();
    for (int h = 0; h < o.shape.kv_heads; ++h)
      lists.push_back({lists_[h].pages, token + h * o.extra, -1});
    const size_t from = static_cast<size_t>(token) * o.shape.heads * o.shape.head_dim;
    return {lists, count, &q[from], &out[from]};
  }

  // sum of exp(logit) v over the slots that (token, head) sees, and of the magnitudes of its terms.
  std::vector<double> reference(int token, int head, bool rounded) const {
    const int h = head / (o.shape.heads / o.shape.kv_heads), end = token + h * o.extra + 1;
    const float* query = &q[(static_cast<size_t>(token) * o.shape.heads + head) * o.shape.head_dim];
    std::vector<double> sum(o.shape.head_dim);
    double total = 0, top = -1e300;
    std::vector<double> logits;
    const int first = o.shape.window ? std::max(0, end - o.shape.window) : 0;
    for (int s = first; s < end; ++s) {
      const std::vector<float> key = rounded ? k(h, s) : original(lists_[h].k, s);
      double dot = 0;
      for (int d = 0; d < o.shape.head_dim; ++d) dot += double{query[d]} * key[d];
      logits.push_back(dot * o.shape.scale + bias(h, s));
      top = std::max(top, logits.back());
    }
    for (int s = first; s < end; ++s) {
      const std::vector<float> value = rounded ? v(h, s) : original(lists_[h].v, s);
      const double weight = std::exp(logits[s - first] - top);
      total += weight;
      for (int d = 0; d < o.shape.head_dim; ++d) sum[d] += weight * value[d];
    }
    for (double& x : sum) x = total > 0 ? x / total : 0;
    return sum;
  }

  // Norm of the difference over norm, over a sample of tokens and heads.
  double error(bool rounded) const {
    double difference = 0, norm = 0;
    for (int t = 0; t < o.tokens; t += 1 + o.tokens / 9)
      for (int head = 0; head < o.shape.heads; ++head) {
        const std::vector<double> want = reference(t, head, rounded);
        const float* got = &out[(static_cast<size_t>(t) * o.shape.heads + head) * o.shape.head_dim];
        for (int d = 0; d < o.shape.head_dim; ++d) {
          difference += (want[d] - got[d]) * (want[d] - got[d]);
          norm += want[d] * want[d];
        }
      }
    return std::sqrt(difference / norm);
  }

  const SequenceOptions o;
  std::vector<float> q, out;  // [token][head][head_dim]

 private:
  struct List {
    std::vector<float> k, v, bias;  // [slot][head_dim], [slot]
    Buffer memory;
    std::vector<AttentionPage> pages;
  };

  size_t at(int slot) const { return static_cast<size_t>(slot) * o.shape.head_dim; }
  std::vector<float> original(const std::vector<float>& rows, int slot) const {
    return {rows.begin() + static_cast<ptrdiff_t>(at(slot)),
            rows.begin() + static_cast<ptrdiff_t>(at(slot + 1))};
  }
  std::vector<float> row(int head, int slot, bool keys) const {
    std::vector<float> key(o.shape.head_dim), value(o.shape.head_dim);
    const AttentionPage& page = lists_[head].pages[slot / kPageSlots];
    const int in_page = slot % kPageSlots;
    if (page.grid.bits)
      read_grid_row(page.grid, o.shape.head_dim, in_page, page.k, page.v, key.data(), value.data());
    else
      read_row(o.shape.kv, o.shape.head_dim, in_page, page.k, page.v, key.data(), value.data());
    std::vector<float>& mine = keys ? key : value;
    if (page.k_scale)
      for (float& x : mine) x *= (keys ? page.k_scale : page.v_scale)[in_page];
    if (const int i = own_row(page, in_page, keys ? 0 : 1); i >= 0)
      read_own_row(o.shape.kv, o.shape.head_dim, page.own_rows + own_at(i), mine.data());
    return mine;
  }
  size_t own_at(int i) const { return i * row_bytes(o.shape.kv, o.shape.head_dim); }
  // Which of the rows that lie apart is a slot's key (half 0) or value; -1: none.
  static int own_row(const AttentionPage& page, int slot, int half) {
    for (int i = half * page.own; i < (half + 1) * page.own; ++i)
      if (page.own_slots[i] == slot) return i;
    return -1;
  }
  // A page with room for all that belongs to it, in encoded_.
  AttentionPage directions(int own) {
    const size_t half = page_half_bytes(o.shape.kv, o.shape.head_dim);
    const size_t scales = 2 * half, rows = scales + 2 * kPageSlots * sizeof(float);
    const size_t places = rows + own_at(2 * own);
    const std::byte* at = encoded_.emplace_back(places + 2 * own + 1).data();
    AttentionPage to{at, at + half};
    to.k_scale = reinterpret_cast<const float*>(at + scales);
    to.v_scale = to.k_scale + kPageSlots;
    to.own = own;
    to.own_rows = at + rows;
    to.own_slots = reinterpret_cast<const uint8_t*>(at + places);
    return to;
  }
  void put_direction(int head, int slot, const AttentionPage& to, std::byte* memory) {
    std::vector<float> rows[] = {k(head, slot), v(head, slot)};
    for (int half = 0; half < 2; ++half) {
      std::vector<float>& row = rows[half];
      double length = 0;
      for (const float x : row) length += double{x} * x;
      length = std::sqrt(length);
      if (const int i = own_row(to, slot % kPageSlots, half); i >= 0) {
        write_own_row(o.shape.kv, o.shape.head_dim, row.data(),
                      memory + (to.own_rows - to.k) + own_at(i));
        // What stands in a page in the place of such a key is not read.
        row.assign(row.size(), half == 0 ? std::numeric_limits<float>::quiet_NaN() : 0.0f);
        length = 1;
      } else {
        for (float& x : row) x = static_cast<float>(x / length);
      }
      const_cast<float*>(half == 0 ? to.k_scale : to.v_scale)[slot % kPageSlots] =
          static_cast<float>(length);
    }
    write_row(o.shape.kv, o.shape.head_dim, slot % kPageSlots, rows[0].data(), rows[1].data(),
              memory, memory + (to.v - to.k));
  }
  void put(int head, int slot, const float* key, const float* value) {
    const size_t half = page_half_bytes(o.shape.kv, o.shape.head_dim);
    std::byte* page = lists_[head].memory.data() + 2 * half * (slot / kPageSlots);
    write_row(o.shape.kv, o.shape.head_dim, slot % kPageSlots, key, value, page, page + half);
  }

  void make_list(int head) {
    List& list = lists_[head];
    const int count = (slots(head) + kPageSlots - 1) / kPageSlots, dim = o.shape.head_dim;
    for (size_t i = 0; i < at(slots(head)); ++i) {
      // Channels that stand out, as real models have them.
      const bool loud = static_cast<int>(i) % dim == 5;
      list.k.push_back(normal_(random_) + (loud ? 4.0f : 0.0f));
      list.v.push_back(normal_(random_) * (loud ? 6.0f : 1.0f));
    }
    list.bias.assign(static_cast<size_t>(count) * kPageSlots, 0.0f);
    const size_t half = page_half_bytes(o.shape.kv, dim);
    list.memory = Buffer(2 * half * count);
    for (int p = 0; p < count; ++p) {
      const bool biased = o.ragged && p % 3 != 1;
      if (biased) make_biases(&list.bias[static_cast<size_t>(p) * kPageSlots], p);
      const std::byte* page = list.memory.data() + 2 * half * p;
      list.pages.push_back(
          {page, page + half, biased ? &list.bias[static_cast<size_t>(p) * kPageSlots] : nullptr});
    }
  }
  void make_biases(float* bias, int page) {
    const int filled = page % 5 == 2 ? kPageSlots / 2 - 7 : page % 7 == 6 ? 0 : kPageSlots;
    for (int s = 0; s < kPageSlots; ++s)
      if (s >= filled || random_() % 4 == 0)
        bias[s] = -std::numeric_limits<float>::infinity();
      else if (random_() % 8 == 0)
        bias[s] = std::log(static_cast<float>(2 + random_() % 9));
  }

  std::mt19937 random_;
  std::normal_distribution<float> normal_;
  std::vector<List> lists_;
  std::deque<Buffer> encoded_;
  std::deque<std::vector<AttentionList>> descriptors_;  // Spans view them.
};

}  // namespace weir
