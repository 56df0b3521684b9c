// Quest: of each page the least and the greatest of every dimension of its keys; a query reads the
// pages where these allow the largest logit.
//
// Tang, Zhao, Zhu, Xiao, Kasikci, Han: Quest: Query-Aware Sparsity for Efficient Long-Context LLM
// Inference, 2024. A page's score is sum over d of max(q_d least_d, q_d greatest_d); as in the
// authors' code the first two layers and the prompt are read whole, and at least three pages. Their
// kernels read the last page always; here that holds for the first too. The authors choose for each
// query head; here a KV head's rows are read once for its group, by the best score that a head of
// it gives. Their pages have 16 rows, these 64. A row that stands for several has its bias added.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kv/retriever.h"

namespace weir {
namespace {

constexpr size_t kLanes = 16;

class Quest final : public Retriever {
 public:
  explicit Quest(const Arguments& a)
      : pages_(a.real("pages")), dense_(static_cast<uint32_t>(a.whole("dense"))) {}

  uint32_t dense_layers() const override { return dense_; }
  // The least, the greatest, and the greatest bias.
  size_t summary_floats(uint32_t head_dim) const override { return 2 * size_t{head_dim} + 1; }
  void summarise(const PageRows& rows, float* to) const override;
  void next(PageRead& read) const override;

 private:
  float score(const PageRead& read, int32_t page) const;

  double pages_;
  uint32_t dense_;
};

void Quest::summarise(const PageRows& rows, float* to) const {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const size_t dim = rows.head_dim;
  float *least = to, *greatest = to + dim, *bias = to + 2 * dim;
  std::fill_n(least, dim, kInfinity), std::fill_n(greatest, dim, -kInfinity);
  *bias = -kInfinity;
  for (size_t r = 0; r < rows.count; ++r) {
    if (rows.bias[r] == -kInfinity) continue;
    *bias = std::max(*bias, rows.bias[r]);
    for (size_t d = 0; d < dim; ++d) {
      least[d] = std::min(least[d], rows.k[r * dim + d]);
      greatest[d] = std::max(greatest[d], rows.k[r * dim + d]);
    }
  }
}

// Lanes of sums, added in order. NaN is the worst score.
float Quest::score(const PageRead& read, int32_t page) const {
  constexpr float kWorst = -std::numeric_limits<float>::infinity();
  const size_t dim = read.head_dim;
  const float *least = read.summaries[static_cast<size_t>(page)], *greatest = least + dim;
  const float bias = greatest[dim];
  float best = kWorst;
  for (uint32_t h = 0; h < read.heads && bias > kWorst; ++h) {
    const float* q = read.q + h * dim;
    float lanes[kLanes] = {};
    for (size_t d = 0; d < dim; d += kLanes)
      for (size_t i = 0; i < kLanes; ++i) {
        const float low = q[d + i] * least[d + i], high = q[d + i] * greatest[d + i];
        lanes[i] += low > high ? low : high;
      }
    float sum = 0;
    for (const float lane : lanes) sum += lane;
    const float score = sum * read.scale + bias;
    best = score > best ? score : best;
  }
  return best;
}

// The first page and the tail count as pages that are read.
void Quest::next(PageRead& read) const {
  if (read.round > 0 || read.pages() == 0) return;
  const int32_t all = read.pages() + read.tail_pages, always = 1 + read.tail_pages;
  const double wanted = std::ceil(pages_ <= 1 ? pages_ * all : pages_);
  const auto best = static_cast<int32_t>(std::max(1.0, std::min<double>(wanted, all) - always));
  std::vector<float>& scores = read.notes;
  scores.resize(read.summaries.size());
  std::vector<int32_t> order;
  for (int32_t page = 1; page < read.pages(); ++page) {
    scores[static_cast<size_t>(page)] = score(read, page);
    order.push_back(page);
  }
  const auto end = order.begin() + std::min<ptrdiff_t>(best, std::ssize(order));
  std::ranges::nth_element(order, end, [&](int32_t a, int32_t b) {
    const float of_a = scores[static_cast<size_t>(a)], of_b = scores[static_cast<size_t>(b)];
    return of_a != of_b ? of_a > of_b : a < b;
  });
  std::for_each(order.begin(), end, [&](int32_t page) { read.name(page); });
}

const RetrieverEntry entry(
    {"quest",
     "read",
     "Tang, Zhao, Zhu, Xiao, Kasikci, Han: Quest: Query-Aware Sparsity for Efficient Long-Context "
     "LLM Inference, 2024",
     "pages where the least and the greatest of each dimension of their keys allow most",
     "nothing",
     0,
     {{"pages", "of 64 rows that a KV head reads; up to 1 a share of those there are", 16, 0,
       65536},
      dense_parameter(2)}},
    [](const Arguments& a) -> std::shared_ptr<const Retriever> {
      return std::make_shared<Quest>(a);
    });

}  // namespace
}  // namespace weir
