// Certified reads: pages are read until those that are left cannot matter, and how much they may
// have mattered is known.
//
// Rows of softmax mass e that are not read change a head's output by at most 2 e max|v|: the output
// averages what was read and what was not, by 1 - e and e, and neither is longer than max|v|. With
// S = sum of exp(logit - m) over what is read, and U the same of the rest, bounded by the boxes of
// its pages (key_box.h), e <= U / (S + U). S only grows: the best pages are read first, and when S
// is known, as many more, best first, as leave a small enough U.
//
// S is rounded down and U up, and the bound has what the kernels' own rounding adds to it. With
// u = 2^-24: beside its logit's error (key_box.h), a weight errs by 88 u, which is the last
// rounding of an exponential's argument before the weight is 0, and 2 u; sums in a piece by 24 u,
// weighted values by 256 u, on grids three times that; each merge of two partial results by as much
// as a weight. kFold is more than all that there is once, kMerge than a merge.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/elementwise.h"
#include "kv/key_box.h"

namespace weir {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kFold = 0x1p-14, kMerge = 0x1p-17;

// What is known of one query head. Masses are relative to exp(max).
struct Head {
  double max = 0;
  double read = 0;   // At least what was read,
  double limit = 0;  // at most what may be left,
  double left = 0;   // and at most what is.
  double error = 0;  // Of the logarithm of a weight that the kernels gave.
};

class Certified final : public Retriever {
 public:
  explicit Certified(const Arguments& a)
      : error_(a.real("error")),
        first_(a.whole("first")),
        dense_(static_cast<uint32_t>(a.whole("dense"))) {}

  uint32_t dense_layers() const override { return dense_; }
  size_t summary_floats(uint32_t head_dim) const override { return KeyBox::floats(head_dim); }
  void summarise(const PageRows& rows, float* to) const override { KeyBox::write(rows, to); }
  bool certifies() const override { return true; }
  void next(PageRead& read) const override;

 private:
  std::vector<Head> heads_of(const PageRead& read) const;

  double error_;
  int32_t first_;
  uint32_t dense_;
};

// The greatest of what `of` says of the tail and of all pages, or of those that are read.
template <typename Function>
double greatest(const PageRead& read, bool all, const Function& of) {
  double most = of(KeyBox(read.tail.data(), read.head_dim));
  for (size_t p = 0; p < read.summaries.size(); ++p)
    if (all || read.read[p]) most = std::max(most, of(KeyBox(read.summaries[p], read.head_dim)));
  return most;
}

// Logarithms of the mass that a page has at most, [heads][pages].
float& mass(PageRead& read, size_t head, int32_t page) {
  return read.notes[head * read.summaries.size() + static_cast<size_t>(page)];
}

void bound_masses(PageRead& read) {
  read.notes.resize(read.heads * read.summaries.size());
  for (size_t h = 0; h < read.heads; ++h) {
    const BoxedQuery q(read.q + h * read.head_dim, read.head_dim);
    for (int32_t p = 0; p < read.pages(); ++p) {
      const KeyBox box(read.summaries[static_cast<size_t>(p)], read.head_dim);
      const float most = up(read.scale * box.dot(q) + box.log_weight());
      mass(read, h, p) = std::isnan(most) ? static_cast<float>(kInfinity) : most;
    }
  }
}

// The pages that are not read, best first: by the head that each may matter most to, where a mass
// of exp(unit) matters to a head by 1.
std::vector<int32_t> ranked(PageRead& read, const std::vector<double>& unit) {
  std::vector<int32_t> order;
  std::vector<double> matters(read.summaries.size(), -kInfinity);
  for (int32_t p = 0; p < read.pages(); ++p) {
    const auto at = static_cast<size_t>(p);
    if (!read.read[at]) order.push_back(p);
    for (size_t h = 0; h < unit.size(); ++h)
      matters[at] = std::max(matters[at], mass(read, h, p) - unit[h]);
  }
  std::ranges::sort(order, [&](int32_t a, int32_t b) {
    const double of_a = matters[static_cast<size_t>(a)], of_b = matters[static_cast<size_t>(b)];
    return of_a != of_b ? of_a > of_b : a < b;
  });
  return order;
}

// Nothing is known of a head yet but the best of its bounds.
void name_first(PageRead& read, int32_t count) {
  bound_masses(read);
  std::vector<double> unit(read.heads, -kInfinity);
  for (size_t h = 0; h < unit.size(); ++h)
    for (int32_t p = 0; p < read.pages(); ++p)
      unit[h] = std::max(unit[h], std::clamp<double>(mass(read, h, p), -1e30, 1e30));
  std::vector<int32_t> order = ranked(read, unit);
  order.resize(std::min(order.size(), static_cast<size_t>(count)));
  for (const int32_t page : order) read.name(page);
}

std::vector<Head> Certified::heads_of(const PageRead& read) const {
  const auto pages = static_cast<double>(std::ranges::count(read.read, true) + read.tail_pages);
  const double merges = pages / 4 + 2 * read.round + 2;
  std::vector<Head> out(read.heads);
  for (size_t h = 0; h < out.size(); ++h) {
    const BoxedQuery q(read.q + h * read.head_dim, read.head_dim);
    const double logit = greatest(read, false, [&](KeyBox box) { return box.logit_error(q); });
    out[h].error = read.scale * logit + kFold + kMerge * merges;
    out[h].max = read.so_far[h].max;
    out[h].read = read.so_far[h].sum * exact_exp(-out[h].error);
    out[h].limit = out[h].read * error_ / (2 - error_);
  }
  return out;
}

// Leaves the worst pages, as long as all heads allow it. What is not a number allows nothing.
void leave_worst(PageRead& read, std::vector<int32_t>& order, std::vector<Head>& heads) {
  while (!order.empty()) {
    std::vector<double> left;
    for (size_t h = 0; h < heads.size(); ++h)
      left.push_back(heads[h].left +
                     exact_exp(mass(read, h, order.back()) - heads[h].max) * (1 + 0x1p-40));
    for (size_t h = 0; h < heads.size(); ++h)
      if (!(left[h] <= heads[h].limit)) return;
    for (size_t h = 0; h < heads.size(); ++h) heads[h].left = left[h];
    order.pop_back();
  }
}

// 2 e max|v|; and an average's weights err twice, in themselves and in their sum, and kFold once
// more covers the sums of values.
void certify(PageRead& read, const std::vector<Head>& heads) {
  const double value = greatest(read, true, [](KeyBox box) { return box.value(); });
  const double lost = greatest(read, false, [](KeyBox box) { return box.value_error(); });
  read.bounds.clear();
  for (const Head& head : heads) {
    const double e = head.left > 0 ? head.left / (head.read + head.left) : 0;
    const double bound = (2 * e + exact_exp(3 * head.error) - 1 + lost) * value;
    read.bounds.push_back(std::isnan(bound) ? static_cast<float>(kInfinity) : up(bound));
  }
}

void Certified::next(PageRead& read) const {
  if (read.round == 0) return name_first(read, first_);
  std::vector<Head> heads = heads_of(read);
  std::vector<double> unit;
  for (const Head& head : heads) unit.push_back(head.max + exact_log(head.limit));
  std::vector<int32_t> order = ranked(read, unit);
  leave_worst(read, order, heads);
  for (const int32_t page : order) read.name(page);
  if (order.empty()) certify(read, heads);
}

const RetrieverEntry entry(
    {"certified",
     "read",
     "bounds after Tang, Zhao, Zhu, Xiao, Kasikci, Han: Quest, 2024; the certificate is our own",
     "pages, best first, until what is not read can change no output by more than an error",
     "nothing",
     0,
     {{"error", "of a head's output, at most, as a share of the longest value", 0.01, 1e-6, 1.9},
      {"first", "so many of the best pages are read before the bound is looked at", 4, 0, 65536,
       true},
      dense_parameter(0)}},
    [](const Arguments& a) -> std::shared_ptr<const Retriever> {
      return std::make_shared<Certified>(a);
    });

}  // namespace
}  // namespace weir
