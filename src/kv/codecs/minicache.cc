// MiniCache: in the deeper half of a model the rows of two neighbouring layers point in much the
// same direction. Both share one, and have lengths of their own; rows that point too far apart
// stay.
//
// Liu, Liu, Pan, He, Haffari, Zhuang: MiniCache: KV Cache Compression in Depth Dimension for Large
// Language Models, 2024. With u_a and u_b the unit vectors of a row's key (and of its value) in the
// two layers, and w the angle between them, the shared direction is their spherical interpolation
//
//   sin((1 - t) w) / sin w  u_a  +  sin(t w) / sin w  u_b
//
// and each layer's row is that times its own length. The authors keep rows whose angle is in the
// last `gamma` of the range that a prompt's angles have, and count on a share gamma of the rows.
// Here a page has one size whatever is in it: the round(64 gamma) keys, and as many values, whose
// angles are the widest of each page and KV head. Vectors are those of a KV head. Layers before
// `start` of the depth, an odd one at the end, and those with a sliding window stay as they are;
// those between which such a layer lies are neighbours too.
//
// A page, for each KV head; its raw pages of both layers have 4 K and V of 64 rows:
//
//   directions: K | V    as a raw page has them (attention.h), zeros for rows that stay
//   slots of the keys that stay, of the values that stay
//   layer a:    lengths of keys, of values, f32 | keys that stay, values that stay
//   layer b:    likewise
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/number.h"
#include "kernels/elementwise.h"
#include "kernels/layout.h"
#include "kv/codec.h"

namespace weir {
namespace {

constexpr uint32_t kLayers = 2;
constexpr size_t kAlign = 64;
constexpr float kLargest = 65504;  // Of f16: what is not finite becomes it, or 0 for a NaN.

size_t aligned(size_t bytes) {
  return ceil_div(bytes, kAlign) * kAlign;
}

// A row of each of the two layers, as a direction, a length of it in each, and the angle between.
struct Pair {
  std::vector<float> direction;
  std::array<float, kLayers> length;
  double angle = 0;
};

double dot(const float* a, const float* b, size_t n) {
  double sum = 0;
  for (size_t d = 0; d < n; ++d) sum += double{a[d]} * double{b[d]};
  return sum;
}

// How much of each unit vector the direction has. Where the sine is lost, the vectors are one, or
// opposite: then there is no way between them, and it is the nearer.
std::array<double, kLayers> slerp(double angle, double t) {
  const double sine = exact_sine(angle);
  if (sine > 0x1p-20) return {exact_sine((1 - t) * angle) / sine, exact_sine(t * angle) / sine};
  if (angle < 1) return {1 - t, t};
  return {t <= 0.5 ? 1.0 : 0.0, t <= 0.5 ? 0.0 : 1.0};
}

// A row of zeros has no direction: the other one's serves both.
Pair pair_of(const float* a, const float* b, size_t dim, double t) {
  const double length_a = std::sqrt(dot(a, a, dim)), length_b = std::sqrt(dot(b, b, dim));
  Pair out{std::vector<float>(dim), {static_cast<float>(length_a), static_cast<float>(length_b)}};
  std::array<double, kLayers> share = {length_a > 0 ? 1.0 : 0.0, length_b > 0 ? 1.0 : 0.0};
  if (length_a > 0 && length_b > 0) {
    out.angle = exact_arccosine(std::clamp(dot(a, b, dim) / (length_a * length_b), -1.0, 1.0));
    share = slerp(out.angle, t);
  }
  const double of_a = share[0] > 0 ? share[0] / length_a : 0;
  const double of_b = share[1] > 0 ? share[1] / length_b : 0;
  for (size_t d = 0; d < dim; ++d)
    out.direction[d] = static_cast<float>(of_a * double{a[d]} + of_b * double{b[d]});
  return out;
}

class MiniCache final : public Codec {
 public:
  // `shape` of both layers.
  MiniCache(const PageShape& shape, const Arguments& a)
      : Codec(shape),
        name_("minicache(" + a.text() + ")"),
        start_(a.real("start")),
        t_(a.real("t")),
        dim_(shape.head_dim),
        heads_(shape.lists / kLayers),
        own_(static_cast<uint32_t>(a.real("gamma") * kPageSlots + 0.5)),
        half_(page_half_bytes(shape.kv, static_cast<int>(dim_))),
        own_row_(row_bytes(shape.kv, dim_)),
        layer_(aligned(size_t{2} * kPageSlots * sizeof(float) + 2 * own_ * own_row_)) {}

  std::string_view name() const override { return name_; }
  uint32_t version() const override { return 1; }
  size_t page_bytes() const override { return heads_ * head_bytes(); }
  uint32_t group() const override { return kLayers; }
  uint64_t first_layer(uint64_t layers) const override {
    return static_cast<uint64_t>(start_ * static_cast<double>(layers));
  }
  size_t layer_bytes() const override { return page_bytes() - heads_ * layer_; }
  uint32_t granule() const override { return kPageSlots; }

  void encode(uint32_t slot, const KvRows& rows, std::byte* page) const override;
  void decode(const std::byte* page, uint32_t list, uint32_t slot, uint32_t count, float* k,
              float* v) const override;
  AttentionPage in_place(const std::byte* page, uint32_t list) const override;

 private:
  // The keys (half 0) or the values (half 1) of both layers, [layer][slot][head_dim].
  using Both = std::array<std::vector<float>, kLayers>;

  size_t slots_bytes() const { return aligned(size_t{2} * own_); }
  size_t head_bytes() const { return 2 * half_ + slots_bytes() + kLayers * layer_; }
  Both rows_of(const float* rows, uint32_t head) const;
  std::vector<Pair> pairs_of(const Both& rows) const;
  std::vector<uint8_t> widest(const std::vector<Pair>& pairs) const;
  void encode_half(uint32_t half, const Both& rows, std::vector<Pair>& pairs,
                   std::byte* head) const;
  void restore(const AttentionPage& at, uint32_t half, uint32_t slot, float* row) const;

  std::string name_;
  double start_, t_;
  size_t dim_;
  uint32_t heads_, own_;
  size_t half_, own_row_, layer_;
};

MiniCache::Both MiniCache::rows_of(const float* rows, uint32_t head) const {
  Both out;
  for (size_t layer = 0; layer < kLayers; ++layer)
    for (size_t r = 0; r < kPageSlots; ++r) {
      const float* from = rows + (r * shape().lists + layer * heads_ + head) * dim_;
      for (size_t d = 0; d < dim_; ++d)
        out[layer].push_back(from[d] == from[d] ? std::clamp(from[d], -kLargest, kLargest) : 0);
    }
  return out;
}

std::vector<Pair> MiniCache::pairs_of(const Both& rows) const {
  std::vector<Pair> out;
  for (size_t at = 0; at < kPageSlots * dim_; at += dim_)
    out.push_back(pair_of(&rows[0][at], &rows[1][at], dim_, t_));
  return out;
}

// The slots that stay, in order; of equal angles the first.
std::vector<uint8_t> MiniCache::widest(const std::vector<Pair>& pairs) const {
  std::vector<uint8_t> out(kPageSlots);
  std::iota(out.begin(), out.end(), uint8_t{0});
  std::ranges::sort(out, [&](uint8_t a, uint8_t b) {
    return std::pair(-pairs[a].angle, a) < std::pair(-pairs[b].angle, b);
  });
  out.resize(own_);
  std::ranges::sort(out);
  return out;
}

// All but the directions, which are left in `pairs`.
void MiniCache::encode_half(uint32_t half, const Both& rows, std::vector<Pair>& pairs,
                            std::byte* head) const {
  const std::vector<uint8_t> stay = widest(pairs);
  std::byte* slots = head + 2 * half_;
  std::ranges::copy(stay, reinterpret_cast<uint8_t*>(slots) + half * own_);
  for (const uint8_t slot : stay) pairs[slot] = {std::vector<float>(dim_), {1, 1}};
  for (size_t layer = 0; layer < kLayers; ++layer) {
    std::byte* at = slots + slots_bytes() + layer * layer_;
    float* length = reinterpret_cast<float*>(at) + half * kPageSlots;
    for (size_t slot = 0; slot < kPageSlots; ++slot) length[slot] = pairs[slot].length[layer];
    at += size_t{2} * kPageSlots * sizeof(float) + half * own_ * own_row_;
    for (const uint8_t slot : stay) {
      write_own_row(shape().kv, static_cast<int>(dim_), &rows[layer][slot * dim_], at);
      at += own_row_;
    }
  }
}

void MiniCache::encode(uint32_t slot, const KvRows& rows, std::byte* page) const {
  WEIR_CHECK(slot == 0 && rows.count == kPageSlots, "slot {}, {} rows", slot, rows.count);
  for (uint32_t head = 0; head < heads_; ++head, page += head_bytes()) {
    const Both keys = rows_of(rows.k, head), values = rows_of(rows.v, head);
    std::vector<Pair> k = pairs_of(keys), v = pairs_of(values);
    encode_half(0, keys, k, page), encode_half(1, values, v, page);
    for (size_t s = 0; s < kPageSlots; ++s)
      write_row(shape().kv, static_cast<int>(dim_), static_cast<int>(s), k[s].direction.data(),
                v[s].direction.data(), page, page + half_);
  }
}

// From a direction to the layer's own row.
void MiniCache::restore(const AttentionPage& at, uint32_t half, uint32_t slot, float* row) const {
  const uint8_t* slots = at.own_slots + half * own_;
  const uint8_t* found = std::find(slots, slots + own_, slot);
  if (found != slots + own_) {
    const auto i = static_cast<size_t>(found - at.own_slots);
    return read_own_row(shape().kv, static_cast<int>(dim_), at.own_rows + i * own_row_, row);
  }
  scale(row, (half == 0 ? at.k_scale : at.v_scale)[slot], dim_);
}

void MiniCache::decode(const std::byte* page, uint32_t list, uint32_t slot, uint32_t count,
                       float* k, float* v) const {
  const AttentionPage at = in_place(page, list);
  for (uint32_t s = slot; s < slot + count; ++s, k += dim_, v += dim_) {
    read_row(shape().kv, static_cast<int>(dim_), static_cast<int>(s), at.k, at.v, k, v);
    restore(at, 0, s, k), restore(at, 1, s, v);
  }
}

AttentionPage MiniCache::in_place(const std::byte* page, uint32_t list) const {
  const std::byte* head = page + list % heads_ * head_bytes();
  const std::byte* slots = head + 2 * half_;
  const std::byte* layer = slots + slots_bytes() + list / heads_ * layer_;
  AttentionPage at{head, head + half_};
  at.own = static_cast<int>(own_);
  at.k_scale = reinterpret_cast<const float*>(layer), at.v_scale = at.k_scale + kPageSlots;
  at.own_slots = reinterpret_cast<const uint8_t*>(slots);
  at.own_rows = layer + size_t{2} * kPageSlots * sizeof(float);
  return at;
}

const CodecEntry entry(
    {"minicache",
     "store",
     "Liu, Liu, Pan, He, Haffari, Zhuang: MiniCache: KV Cache Compression in Depth Dimension for "
     "Large Language Models, 2024",
     "one direction for two neighbouring layers' rows, each with its length; the rows furthest "
     "apart stay as they are",
     "nothing",
     0,
     {{"start", "the share of the layers, the first, that stay as they are", 0.5, 0, 1},
      {"t", "how far the direction goes from the earlier layer's to the later's", 0.6, 0, 1},
      {"gamma", "the share of a page's rows that stay as they are", 0.05, 0, 0.5},
      residual_parameter(0)}},
    [](const PageShape& shape, const Arguments& a) -> std::shared_ptr<const Codec> {
      PageShape both = shape;
      both.lists *= kLayers;
      return std::make_shared<MiniCache>(both, a);
    });

}  // namespace
}  // namespace weir
