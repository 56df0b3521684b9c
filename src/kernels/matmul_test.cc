#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/weight_samples.h"

namespace weir {
namespace {

constexpr std::array kBoth = {Arithmetic::kInteger, Arithmetic::kFloat};

// Sets the ISA and puts the old one back.
class WithIsa {
 public:
  explicit WithIsa(std::string_view name) : before_(isa()) {
    EXPECT_TRUE(set_isa(name).has_value());
  }
  ~WithIsa() { EXPECT_TRUE(set_isa(before_).has_value()); }

 private:
  std::string before_;
};

std::vector<float> random_rows(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(count);
  for (float& v : x) v = normal(random);
  return x;
}

// Every value the block's largest or smallest: the largest integer sums.
std::vector<float> extreme_rows(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> x(count);
  for (size_t i = 0; i < count; ++i)
    x[i] = i / 64 % 3 == 0 ? 1.0f : i / 64 % 3 == 1 ? -1.0f : random() % 2 ? 1.0f : -1.0f;
  return x;
}

std::vector<float> product(ThreadPool& pool, const PackedMatrix& w, const float* x, size_t rows) {
  Activations activations;
  activations.set(x, rows, w.columns(), w.arithmetic(), pool);
  std::vector<float> out(rows * w.rows());
  matmul(pool, w, activations, out.data(), w.rows());
  return out;
}

// Largest distance from the plain sum in double, relative to the sum of magnitudes. Activations
// are those that the arithmetic sees.
double worst_error(const WeightSamples& weights, const Activations& x, Arithmetic arithmetic,
                   const std::vector<float>& out) {
  const Tensor& w = weights.tensor();
  double worst = 0;
  for (size_t r = 0; r < x.rows(); ++r)
    for (size_t o = 0; o < w.rows; ++o) {
      double sum = 0, size = 1e-30;
      for (size_t c = 0; c < w.columns; ++c) {
        double value = x.x()[r * w.columns + c];
        if (arithmetic == Arithmetic::kInteger) {
          const QuantisedBlock& block = x.blocks(r)[c / kQuantBlock];
          value = double{block.scale} * block.value[c % kQuantBlock];
        }
        sum += weights.at(o, c) * value;
        size += std::abs(weights.at(o, c) * value);
      }
      worst = std::max(worst, std::abs(sum - out[r * w.rows + o]) / size);
    }
  return worst;
}

TEST(Matmul, AgreesWithAPlainSumInDouble) {
  ThreadPool pool(2);
  Arena arena;
  for (DType type : kAllTypes)
    for (Arithmetic arithmetic : kBoth)
      for (Sample sample : kAllSamples)
        for (size_t rows : {1, 3, 9}) {
          const WeightSamples weights(type, 19, 512, 5, sample);
          const PackedMatrix packed(weights.tensor(), arithmetic, pool, arena);
          const std::vector<float> x = random_rows(rows * 512, 6);
          Activations activations;
          activations.set(x.data(), rows, 512, packed.arithmetic(), pool);
          const std::vector<float> out = product(pool, packed, x.data(), rows);
          // A min that cancels the scale's part leaves few digits of the sum.
          const double bound = sample == Sample::kOrdinary ? 2e-6 : 2e-5;
          EXPECT_LT(worst_error(weights, activations, packed.arithmetic(), out), bound)
              << info(type).name << " rows " << rows;
        }
}

class MatmulBits : public testing::TestWithParam<DType> {
 protected:
  ThreadPool pool_{2};
  Arena arena_;
};

INSTANTIATE_TEST_SUITE_P(Types, MatmulBits, testing::ValuesIn(kAllTypes),
                         [](const auto& type) { return std::string(weir::info(type.param).name); });

TEST_P(MatmulBits, AllIsasGiveTheSame) {
  struct Case {
    size_t rows, columns;
  };
  const bool super = info(GetParam()).block_elements == 256;
  for (Case c : {Case{1, 32}, {2, 576}, {3, 96}, {4, 1024}, {5, 640}, {17, 544}, {40, 2048}})
    for (Arithmetic arithmetic : kBoth)
      for (Sample sample : kAllSamples) {
        // Scalar floats take long, and bits of weights do not change how floats are added.
        if (arithmetic == Arithmetic::kFloat && c.rows > 5 && sample != Sample::kOrdinary) continue;
        const size_t columns = super ? (c.columns + 255) / 256 * 256 : c.columns;
        const WeightSamples weights(GetParam(), 21, columns, 8, sample);
        const PackedMatrix packed(weights.tensor(), arithmetic, pool_, arena_);
        for (const auto& x :
             {random_rows(c.rows * columns, 9), extreme_rows(c.rows * columns, 9)}) {
          std::vector<std::vector<float>> all;
          for (std::string_view name : available_isas()) {
            const WithIsa with(name);
            all.push_back(product(pool_, packed, x.data(), c.rows));
          }
          for (const auto& out : all)
            ASSERT_EQ(memcmp(out.data(), all[0].data(), out.size() * sizeof(float)), 0)
                << c.rows << " rows " << columns << " columns, sample " << static_cast<int>(sample);
        }
      }
}

TEST_P(MatmulBits, ARowDoesNotSeeItsNeighbours) {
  constexpr size_t kRows = 40, kColumns = 768, kOutputs = 40;
  for (Arithmetic arithmetic : kBoth) {
    const WeightSamples weights(GetParam(), kOutputs, kColumns, 3);
    const PackedMatrix packed(weights.tensor(), arithmetic, pool_, arena_);
    const std::vector<float> x = random_rows(kRows * kColumns, 4);
    const std::vector<float> all = product(pool_, packed, x.data(), kRows);
    for (size_t count = 1; count <= kRows; ++count) {
      const size_t first = kRows - count;  // Other rows before and after at each count.
      const std::vector<float> some = product(pool_, packed, &x[first * kColumns], count);
      ASSERT_EQ(memcmp(some.data(), &all[first * kOutputs], some.size() * sizeof(float)), 0)
          << count << " rows";
    }
  }
}

TEST_P(MatmulBits, ThreadsDoNotShow) {
  constexpr size_t kColumns = 512, kOutputs = 333;
  for (size_t rows : {1, 6, 70, 130}) {
    const WeightSamples weights(GetParam(), kOutputs, kColumns, 3);
    const PackedMatrix packed(weights.tensor(), Arithmetic::kInteger, pool_, arena_);
    const std::vector<float> x = random_rows(rows * kColumns, 4);
    ThreadPool one(1), three(3);
    const std::vector<float> out = product(one, packed, x.data(), rows);
    EXPECT_EQ(out, product(pool_, packed, x.data(), rows));
    EXPECT_EQ(out, product(three, packed, x.data(), rows));
  }
}

TEST_P(MatmulBits, WritesItsOutputsOnlyAndAdds) {
  constexpr size_t kColumns = 256, kOutputs = 21, kStride = 24;
  const WeightSamples weights(GetParam(), kOutputs, kColumns, 3);
  const PackedMatrix packed(weights.tensor(), Arithmetic::kInteger, pool_, arena_);
  for (size_t rows : {1, 7}) {
    const std::vector<float> x = random_rows(rows * kColumns, 4);
    const std::vector<float> plain = product(pool_, packed, x.data(), rows);
    Activations activations;
    activations.set(x.data(), rows, kColumns, packed.arithmetic(), pool_);
    for (bool add : {false, true}) {
      std::vector<float> out(rows * kStride, 100.0f);
      matmul(pool_, packed, activations, out.data(), kStride, add);
      for (size_t i = 0; i < out.size(); ++i) {
        const size_t r = i / kStride, o = i % kStride;
        float want = 100.0f;
        if (o < kOutputs) want = (add ? 100.0f : 0.0f) + plain[r * kOutputs + o];
        ASSERT_EQ(out[i], want) << "row " << r << " output " << o;
      }
    }
  }
}

TEST_P(MatmulBits, ABadActivationSpoilsItsOwnRowOnly) {
  constexpr size_t kColumns = 256, kOutputs = 16;
  const WeightSamples weights(GetParam(), kOutputs, kColumns, 3);
  for (Arithmetic arithmetic : kBoth) {
    const PackedMatrix packed(weights.tensor(), arithmetic, pool_, arena_);
    std::vector<float> x = random_rows(5 * kColumns, 4);
    const std::vector<float> good = product(pool_, packed, x.data(), 5);
    x[2 * kColumns + 77] = INFINITY;
    const std::vector<float> out = product(pool_, packed, x.data(), 5);
    for (size_t i = 0; i < out.size(); ++i)
      if (i / kOutputs == 2)
        EXPECT_FALSE(std::isfinite(out[i]));
      else
        EXPECT_EQ(out[i], good[i]);
  }
}

TEST(Matmul, NoRowsAndNoWeightsAreNoWork) {
  ThreadPool pool(2);
  Arena arena;
  const WeightSamples weights(DType::kQ8_0, 16, 64, 1);
  const PackedMatrix packed(weights.tensor(), Arithmetic::kInteger, pool, arena);
  Activations activations;
  activations.set(nullptr, 0, 64, Arithmetic::kInteger, pool);
  matmul(pool, packed, activations, nullptr, 16);
}

}  // namespace
}  // namespace weir
