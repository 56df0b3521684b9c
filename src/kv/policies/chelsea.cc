// Chelsea: rows with like keys become one row that weighs as all of them.
//
// Hu, Wang, He, Gong, Yi, Zhang, Bai, Chen, Zhang, Li, Yuan: Efficient Long-Context LLM Inference
// via KV Cache Clustering, 2025 (Chelsea, later CentroidKV). Chunked soft matching: the rows of a
// KV head are cut into chunks of `chunk`; in a chunk every other row draws an edge to the most
// similar (cosine of the keys as they are rotated) of the rows between; of all edges the most
// similar are kept, and the rows that they join become one, with the mean key and value. A row that
// stands for n counts n times in a mean, and log n is added to its logit (the cache does that).
//
// No text or code of the authors that goes into more detail was at hand. Chosen here: one matching
// at most halves the rows, so it is repeated on what it gave until the budget is met; edges compete
// over the whole head; a merged row stands where the one that drew no edge stood; the first and
// the latest rows may stay as they are. The authors merge whenever the cache is over its budget;
// here at a prompt's end and then every so many tokens.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kv/scored_policy.h"

namespace weir {
namespace {

// Rows that have become one.
struct Cluster {
  std::vector<int32_t> slots;  // That where it stands first.
  float weight = 0;
  std::vector<float> key;  // The weighted mean.
};

// Of two clusters, by index; what draws it joins the other.
struct Edge {
  size_t from = 0, to = 0;
  float similarity = 0;
};

// Keys of one side of a chunk as unit vectors, [dim][count].
std::vector<float> unit_columns(std::span<const Cluster> chunk, size_t first, size_t count) {
  const size_t dim = chunk[0].key.size();
  std::vector<float> out(dim * count);
  for (size_t i = 0; i < count; ++i) {
    const std::vector<float>& key = chunk[first + 2 * i].key;
    float square = 0;
    for (const float x : key) square += x * x;
    const float norm = std::sqrt(square);
    for (size_t d = 0; d < dim; ++d) out[d * count + i] = key[d] / norm;
  }
  return out;
}

// From each even cluster of the chunk to the most similar odd one, the lower of equals.
void draw_edges(std::span<const Cluster> chunk, size_t offset, std::vector<Edge>& to) {
  const size_t odd = chunk.size() / 2, even = chunk.size() - odd, dim = chunk[0].key.size();
  const std::vector<float> a = unit_columns(chunk, 0, even), b = unit_columns(chunk, 1, odd);
  std::vector<float> similarity(odd);
  for (size_t i = 0; i < even && odd > 0; ++i) {
    std::ranges::fill(similarity, 0.0f);
    for (size_t d = 0; d < dim; ++d)
      for (size_t j = 0; j < odd; ++j) similarity[j] += a[d * even + i] * b[d * odd + j];
    Edge edge{offset + 2 * i, offset + 1, -std::numeric_limits<float>::infinity()};
    for (size_t j = 0; j < odd; ++j)
      if (similarity[j] > edge.similarity)
        edge.to = offset + 2 * j + 1, edge.similarity = similarity[j];
    to.push_back(edge);
  }
}

// `b` stands where it stood.
void join(const Cluster& a, Cluster& b) {
  const float weight = a.weight + b.weight;
  for (size_t d = 0; d < b.key.size(); ++d)
    b.key[d] = (a.weight * a.key[d] + b.weight * b.key[d]) / weight;
  b.weight = weight;
  b.slots.insert(b.slots.end(), a.slots.begin(), a.slots.end());
}

// One matching: at most `count` of the clusters join another.
void match(std::vector<Cluster>& clusters, size_t chunk, size_t count) {
  std::vector<Edge> edges;
  for (size_t at = 0; at < clusters.size(); at += chunk)
    draw_edges(std::span(clusters).subspan(at, std::min(chunk, clusters.size() - at)), at, edges);
  std::ranges::sort(edges, [](const Edge& a, const Edge& b) {
    return std::pair(-a.similarity, a.from) < std::pair(-b.similarity, b.from);
  });
  edges.resize(std::min(edges.size(), count));
  for (const Edge& edge : edges) {
    join(clusters[edge.from], clusters[edge.to]);
    clusters[edge.from].slots.clear();
  }
  std::erase_if(clusters, [](const Cluster& c) { return c.slots.empty(); });
}

class Chelsea final : public Policy {
 public:
  explicit Chelsea(const Arguments& a)
      : budget_(a.real("budget")),
        recent_(a.real("recent")),
        sinks_(a.whole("sinks")),
        chunk_(a.whole("chunk")),
        every_(a.whole("every")) {}

  Points points() const override { return {true, every_, false}; }
  Needs needs() const override { return {}; }
  LayerRows kept_max(int32_t prompt) const override { return budget_rows(budget_, prompt); }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<Chelsea>(*this); }

  std::vector<Edit> plan(const PolicyView& view) override {
    const int32_t budget = budget_rows(budget_, view.prompt);
    std::vector<Edit> edits;
    for (const uint32_t layer : view.layers) {
      if (view.rows(layer) <= budget) continue;
      edits.push_back({layer, {}});
      for (uint32_t head = 0; head < view.kv_heads; ++head)
        edits.back().heads.push_back(merged(view, layer, head, budget));
    }
    return edits;
  }

 private:
  // What is protected leaves room for one row that all others can become.
  HeadEdit merged(const PolicyView& view, uint32_t layer, uint32_t head, int32_t budget) const {
    const int32_t rows = view.rows(layer), first = std::min(sinks_, budget - 1);
    const int32_t last = std::min(static_cast<int32_t>(recent_ * budget), budget - 1 - first);
    std::vector<Cluster> clusters = clusters_of(view, layer, head, first, rows - last);
    const auto target = static_cast<size_t>(budget - first - last);
    while (clusters.size() > target)
      match(clusters, static_cast<size_t>(chunk_), clusters.size() - target);
    HeadEdit out;
    for (int32_t slot = 0; slot < first; ++slot) out.kept.push_back(slot);
    for (const Cluster& c : clusters) {
      if (c.slots.size() == 1) {
        out.kept.push_back(c.slots[0]);
        continue;
      }
      std::vector<float> weights;
      for (const int32_t slot : c.slots)
        weights.push_back(view.weight(layer, head, slot) / c.weight);
      out.merged.push_back({view.position(layer, head, c.slots[0]), c.slots, weights, weights});
    }
    for (int32_t slot = rows - last; slot < rows; ++slot) out.kept.push_back(slot);
    return out;
  }

  static std::vector<Cluster> clusters_of(const PolicyView& view, uint32_t layer, uint32_t head,
                                          int32_t begin, int32_t end) {
    const std::vector<float> keys = view.keys(layer, head);
    std::vector<Cluster> out;
    for (int32_t slot = begin; slot < end; ++slot) {
      const auto key = keys.begin() + static_cast<ptrdiff_t>(size_t{view.head_dim} * slot);
      out.push_back({{slot}, view.weight(layer, head, slot), {key, key + view.head_dim}});
    }
    return out;
  }

  double budget_, recent_;
  int32_t sinks_, chunk_, every_;
};

const PolicyEntry entry(
    {"chelsea",
     "keep",
     "Hu, Wang, He, Gong, Yi, Zhang, Bai, Chen, Zhang, Li, Yuan: Efficient Long-Context LLM "
     "Inference via KV Cache Clustering, 2025",
     "all rows, those with like keys merged into one that weighs as all of them",
     "nothing; keys are read at a point",
     8,
     {budget_parameter(0.2),
      sinks_parameter(4),
      recent_parameter(0.1),
      // A plan multiplies rows by a quarter of it in keys, for each KV head: as much, at the most,
      // as attention does in about ten tokens.
      {"chunk", "neighbouring rows of which alternate ones are matched", 64, 2, 256, true},
      every_parameter(64)}},
    [](const Arguments& a) -> std::unique_ptr<Policy> { return std::make_unique<Chelsea>(a); });

}  // namespace
}  // namespace weir
