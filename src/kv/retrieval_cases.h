// Caches whose pages differ, and attention of rows that choose among those, for tests of this
// folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernels/layout.h"
#include "kv/retrieval.h"

namespace weir {

inline constexpr uint32_t kHeads = 6, kKvHeads = 2, kGroup = kHeads / kKvHeads, kDim = 32;
inline constexpr size_t kRow = kKvHeads * kDim, kQuery = kHeads * kDim;

inline constexpr int32_t kCounted = 710, kOpen = 3;  // 11 pages with summaries, and a tail.

inline std::shared_ptr<const Retriever> retriever_of(const std::string& recipe) {
  const Recipe parsed = *parse_recipe(recipe);
  return parsed.read->method->make(parsed.read->arguments);
}

// Keys lie around a few centres, so that pages differ; `spread` says how far from them.
class CaseRows {
 public:
  explicit CaseRows(uint32_t seed, float spread) : random_(seed), spread_(spread) {
    for (auto& c : centres_) c = normal(kRow, 1);
  }
  std::vector<float> key(int32_t position) {
    std::vector<float> out = normal(kRow, spread_);
    const auto& centre = centres_[static_cast<size_t>(position / kPageSlots) % std::size(centres_)];
    for (size_t i = 0; i < kRow; ++i) out[i] += centre[i];
    return out;
  }
  // A query that looks at what stands around one centre.
  std::vector<float> query(size_t rows, size_t centre, float size) {
    std::vector<float> out = normal(rows * kQuery, 0.3f);
    for (size_t i = 0; i < out.size(); ++i) {
      const size_t head = i / kDim % kHeads;
      out[i] += size * centres_[centre][head / kGroup * kDim + i % kDim];
    }
    return out;
  }
  std::vector<float> normal(size_t n, float size) {
    std::normal_distribution<float> of(0, size);
    std::vector<float> out(n);
    for (float& x : out) x = of(random_);
    return out;
  }

 private:
  std::mt19937 random_;  // A copy goes on alike.
  float spread_;
  std::vector<float> centres_[5];
};

class RetrievalTest : public testing::Test {
 protected:
  explicit RetrievalTest(DType kv = DType::kF16) : shape_{1, kKvHeads, kDim, kv, {Reach{}}, 64} {
    shape_.use_raw_codecs();
    shape_.heads = kHeads;
  }
  Cache cache(Store store, std::shared_ptr<const Retriever> retriever) {
    store.retriever = std::move(retriever), store.recipe = "test";
    Room room = Room::plain(2000);
    room.kept = 1500;
    Cache out(shape_, pool_, PageKey{}, store);
    EXPECT_TRUE(out.promise(room));
    return out;
  }
  // CaseRows up to `counted` count; `open` more are written, as of a step that runs.
  static void fill(Cache& cache, CaseRows rows, int32_t counted, int32_t open) {
    while (cache.length() < counted + open) {
      const int32_t at = cache.length();
      const int32_t n = at < counted ? std::min(counted - at, kPageSlots - at % kPageSlots) : open;
      cache.extend(n);
      for (int32_t r = 0; r < n; ++r)
        cache.write(0, at + r, rows.key(at + r).data(), rows.normal(kRow, 1).data());
      if (at >= counted) return;
      cache.advance(std::vector<int32_t>(static_cast<size_t>(n), 7));
      if (cache.length() % kPageSlots == 0) cache.seal();
      cache.summarise();
    }
  }
  struct Queries {
    Cache* cache;
    int32_t rows;
    std::vector<float> q;
    bool retrieves = true;
  };
  // What attention gives each of the spans.
  std::vector<std::vector<float>> attended(std::deque<Queries>& of, int threads = 2) {
    ThreadPool pool(threads);
    Retrieval retrieval(pool);
    std::deque<std::vector<AttentionList>> lists;
    std::vector<std::vector<float>> out;
    std::vector<AttentionSpan> spans;
    std::vector<Retrieval::Reader> readers;
    for (const Queries& queries : of) {
      const int32_t position = queries.cache->length();
      out.emplace_back(queries.q.size());
      queries.cache->lists(0, position, lists.emplace_back(kKvHeads));
      if (queries.retrieves) readers.push_back({queries.cache, position, spans.size()});
      spans.push_back({lists.back(), queries.rows, queries.q.data(), nullptr, nullptr, nullptr});
    }
    for (size_t i = 0; i < spans.size(); ++i) spans[i].out = out[i].data();
    retrieval.begin(0, attention_, readers, spans);
    attend(pool, attention_, spans);
    retrieval.finish(spans);
    bounds_.clear();
    for (size_t i = 0; i < readers.size(); ++i)
      bounds_.emplace_back(retrieval.bounds(i).begin(), retrieval.bounds(i).end());
    return out;
  }
  std::vector<float> attended(Cache& cache, int32_t rows, const std::vector<float>& q,
                              bool retrieves = true) {
    std::deque<Queries> one{{&cache, rows, q, retrieves}};
    return attended(one)[0];
  }

  CacheShape shape_;
  AttentionShape attention_{kHeads, kKvHeads, kDim, shape_.kv, 0, 0.25f};
  PagePool pool_ =
      *PagePool::create(2 * page_half_bytes(DType::kF32, kDim) * kKvHeads, uint64_t{64} << 20);
  std::vector<std::vector<float>> bounds_;
};

}  // namespace weir
