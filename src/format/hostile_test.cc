// Files made to break a reader: a small good file cut at every byte, and with each field of its
// header set to each value that has broken readers before. Reading may not crash, may not take
// what must be refused, and may not allocate more than the file justifies.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <set>

#include "format/altered_gguf.h"
#include "format/byte_reader.h"
#include "format/tiny_model.h"

namespace {

std::atomic<size_t> live_bytes{0}, peak_bytes{0};
constexpr size_t kPrefix = alignof(std::max_align_t);

void* counted_new(size_t size) {
  auto* at = static_cast<char*>(std::malloc(size + kPrefix));
  if (!at) std::abort();
  std::memcpy(at, &size, sizeof(size));
  const size_t live = live_bytes.fetch_add(size) + size;
  if (live > peak_bytes.load()) peak_bytes.store(live);
  return at + kPrefix;
}

void counted_delete(void* at) {
  if (!at) return;
  char* start = static_cast<char*>(at) - kPrefix;
  size_t size;
  std::memcpy(&size, start, sizeof(size));
  live_bytes.fetch_sub(size);
  std::free(start);
}

}  // namespace

void* operator new(size_t size) {
  return counted_new(size);
}
void* operator new[](size_t size) {
  return counted_new(size);
}
void operator delete(void* at) noexcept {
  counted_delete(at);
}
void operator delete[](void* at) noexcept {
  counted_delete(at);
}
void operator delete(void* at, size_t) noexcept {
  counted_delete(at);
}
void operator delete[](void* at, size_t) noexcept {
  counted_delete(at);
}

namespace weir {
namespace {

TinyModel smallest(Architecture architecture) {
  TinyModel model;
  model.architecture = architecture;
  model.layers = 1;
  model.ffn = 32;
  model.vocabulary = kTinyVocabularyMin;
  model.type = DType::kQ8_0;
  return model;
}

// refusal(), and a check that no more was allocated than the file justifies.
std::optional<Error> tried(std::string_view file, const std::string& what) {
  constexpr size_t kConstantBytes = 64 << 10, kTimesFile = 6;
  peak_bytes = live_bytes.load();
  const size_t before = live_bytes;
  auto error = refusal(file);
  EXPECT_LE(peak_bytes - before, kTimesFile * file.size() + kConstantBytes) << what;
  EXPECT_FALSE(error && error->message.empty()) << what;
  return error;
}

void expect_refused(std::string_view file, const std::string& what) {
  EXPECT_TRUE(tried(file, what).has_value()) << "taken: " << what;
}

// The file is no GGUF file at all, whatever a model would need besides.
void expect_unparsed(std::string_view file, const std::string& what) {
  const ExactBytes bytes(file);
  EXPECT_FALSE(GgufFile::parse(bytes.span()).has_value()) << "parsed: " << what;
  (void)tried(file, what);
}

// One integer of a file's structure.
struct Field {
  size_t at = 0;
  size_t bytes = 0;
  std::string what;
};

// Finds every integer of a good file's structure: lengths, counts, types, dimensions, offsets.
class StructureWalk {
 public:
  explicit StructureWalk(const std::string& file) : file_(file) {
    at_ = 4;
    take(4, "version");
    const uint64_t tensors = take(8, "tensor count"), entries = take(8, "entry count");
    for (uint64_t i = 0; i < entries; ++i) entry();
    for (uint64_t i = 0; i < tensors; ++i) info();
  }
  const std::vector<Field>& fields() const { return fields_; }

 private:
  uint64_t take(size_t bytes, const std::string& what) {
    uint64_t value = 0;
    std::memcpy(&value, file_.data() + at_, bytes);
    fields_.push_back({at_, bytes, what});
    at_ += bytes;
    return value;
  }
  std::string text(const std::string& what) {
    const uint64_t size = take(8, what + " length");
    at_ += size;
    return file_.substr(at_ - size, size);
  }
  void entry() {
    const std::string key = text("key");
    value(static_cast<GgufType>(take(4, key + " type")), key);
  }
  void value(GgufType type, const std::string& key) {
    if (type == GgufType::kString) {
      text(key);
    } else if (type != GgufType::kArray) {
      at_ += fixed_bytes(type);
    } else {
      const auto element = static_cast<GgufType>(take(4, key + " element type"));
      const uint64_t size = take(8, key + " size");
      // Of strings the first few and the last: the others are like them.
      for (uint64_t i = 0; i < size; ++i) {
        if (element != GgufType::kString) at_ += fixed_bytes(element);
        if (element == GgufType::kString) text(key);
        if (element == GgufType::kString && i > 2 && i + 1 < size) fields_.pop_back();
      }
    }
  }
  void info() {
    const std::string name = text("tensor name");
    const uint64_t dimensions = take(4, name + " dimensions");
    for (uint64_t d = 0; d < dimensions; ++d) take(8, name + " shape");
    take(4, name + " type");
    take(8, name + " offset");
  }

  const std::string& file_;
  size_t at_ = 0;
  std::vector<Field> fields_;
};

std::set<uint64_t> boundary_values(uint64_t value, size_t bytes) {
  std::set<uint64_t> values = {0,
                               1,
                               2,
                               3,
                               value - 1,
                               value + 1,
                               2 * value,
                               value + 32,
                               (1u << 16) - 1,
                               (1u << 31) - 1,
                               1u << 31,
                               ~0u,
                               uint64_t{1} << 32,
                               (uint64_t{1} << 32) + value,
                               (uint64_t{1} << 42) + 1,
                               (uint64_t{1} << 63) - 1,
                               uint64_t{1} << 63,
                               (uint64_t{1} << 63) + value,
                               ~uint64_t{0} - 31,
                               ~uint64_t{0}};
  if (bytes == 4) values.merge(std::set<uint64_t>{4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 30});
  std::set<uint64_t> kept;
  for (uint64_t v : values) {
    if (bytes == 4) v &= ~0u;
    if (v != value) kept.insert(v);
  }
  return kept;
}

// What may be taken all the same: GGUF 2, and an integer's sign where the value allows both.
bool harmless(const Field& field, uint64_t old_value, uint64_t value) {
  if (field.what == "version") return value == 2;
  const auto is_integer = [](uint64_t type) { return type == 4 || type == 5; };
  return field.what.ends_with(" type") && !field.what.ends_with("element type") &&
         !field.what.starts_with("blk.") && is_integer(old_value) && is_integer(value);
}

TEST(Hostile, GoodFilesAreTaken) {
  for (const Architecture a :
       {Architecture::kLlama, Architecture::kQwen2, Architecture::kQwen3, Architecture::kGemma3}) {
    const auto error = refusal(tiny_model(smallest(a)));
    EXPECT_FALSE(error.has_value()) << error->message;
  }
}

TEST(Hostile, EveryCutIsRefused) {
  const std::string file = tiny_model(smallest(Architecture::kGemma3));
  const size_t unpadded = file.size();  // The last tensor, 32 floats, needs no padding.
  for (size_t size = 0; size < unpadded; ++size)
    expect_refused(std::string_view(file).substr(0, size), fmt::format("cut at {}", size));
}

TEST(Hostile, EveryStructureFieldAtEveryBoundary) {
  size_t cases = 0;
  for (const Architecture a : {Architecture::kLlama, Architecture::kGemma3}) {
    const std::string good = tiny_model(smallest(a));
    const StructureWalk walk(good);
    for (const Field& field : walk.fields()) {
      uint64_t old_value = 0;
      std::memcpy(&old_value, good.data() + field.at, field.bytes);
      for (const uint64_t value : boundary_values(old_value, field.bytes)) {
        std::string bad = good;
        std::memcpy(bad.data() + field.at, &value, field.bytes);
        const std::string what = fmt::format("{}: {} -> {}", field.what, old_value, value);
        ++cases;
        if (harmless(field, old_value, value))
          EXPECT_FALSE(tried(bad, what).has_value()) << what;
        else
          expect_refused(bad, what);
      }
    }
  }
  EXPECT_GE(cases, 1500u);
  RecordProperty("cases", static_cast<int>(cases));
}

TEST(Hostile, EveryFlippedBitOfTheHeaderIsSurvived) {
  const std::string good = tiny_model(smallest(Architecture::kQwen3));
  const ExactBytes bytes(good);
  const size_t header = GgufFile::parse(bytes.span())->header().size();
  for (size_t bit = 0; bit < header * 8; bit += 3) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    (void)tried(bad, fmt::format("bit {}", bit));
  }
}

// Values of each type that read as 1 where a number is read.
std::string one_of(GgufType type) {
  switch (type) {
    case GgufType::kFloat32:
      return raw_bytes(1.0f);
    case GgufType::kFloat64:
      return raw_bytes(1.0);
    case GgufType::kString:
      return raw_bytes(uint64_t{1}) + "1";
    case GgufType::kArray:
      return raw_bytes(uint32_t{0}) + raw_bytes(uint64_t{1}) + "\x01";
    default:
      return raw_bytes(uint64_t{1}).substr(0, fixed_bytes(type));
  }
}

char kind(GgufType type) {
  switch (type) {
    case GgufType::kFloat32:
    case GgufType::kFloat64:
      return 'f';
    case GgufType::kBool:
      return 'b';
    case GgufType::kString:
      return 's';
    case GgufType::kArray:
      return 'a';
    default:
      return 'i';
  }
}

TEST(Hostile, EveryKeyRefusesEveryOtherType) {
  for (const Architecture a : {Architecture::kLlama, Architecture::kGemma3}) {
    const Rewriter good(tiny_model(smallest(a)));
    for (const GgufEntry& entry : good.file().metadata())
      for (uint32_t t = 0; t < kGgufTypes; ++t) {
        const auto type = static_cast<GgufType>(t);
        if (kind(type) == kind(entry.type)) continue;
        expect_refused(good.with_entry(entry.key, type, one_of(type)),
                       fmt::format("{} as {}", entry.key, name(type)));
      }
  }
}

TEST(Hostile, EveryArrayRefusesEveryOtherElementType) {
  for (const Architecture a : {Architecture::kLlama, Architecture::kGemma3}) {
    const Rewriter good(tiny_model(smallest(a)));
    for (const GgufEntry& entry : good.file().metadata()) {
      if (entry.type != GgufType::kArray) continue;
      for (uint32_t t = 0; t < kGgufTypes; ++t) {
        const auto type = static_cast<GgufType>(t);
        if (type == entry.values.type) continue;
        std::string value = raw_bytes(t) + raw_bytes(entry.values.size);
        for (uint64_t i = 0; i < entry.values.size; ++i) value += one_of(type);
        expect_refused(good.with_entry(entry.key, GgufType::kArray, value),
                       fmt::format("{} of {}", entry.key, name(type)));
      }
    }
  }
}

// Every integer of the metadata at 0 and at the largest value, and the few that may be 0.
TEST(Hostile, EveryFigureIsBounded) {
  const std::set<std::string_view> zero_allowed = {
      "gemma3.attention.sliding_window", "tokenizer.ggml.bos_token_id",
      "tokenizer.ggml.eos_token_id", "tokenizer.ggml.unknown_token_id"};
  for (const Architecture a : {Architecture::kLlama, Architecture::kGemma3}) {
    const Rewriter good(tiny_model(smallest(a)));
    for (const GgufEntry& entry : good.file().metadata()) {
      const auto with = [&](uint32_t value) {
        return good.with_entry(entry.key, entry.type, raw_bytes(value));
      };
      if (kind(entry.type) == 'i') {
        const bool refused = tried(with(0), std::string(entry.key)).has_value();
        EXPECT_EQ(refused, !zero_allowed.contains(entry.key)) << entry.key;
        expect_refused(with(1u << 31), fmt::format("{} at 2^31", entry.key));
        expect_refused(with(~0u), fmt::format("{} at 2^32 - 1", entry.key));
        expect_refused(good.with_entry(entry.key, GgufType::kUint64, raw_bytes(~uint64_t{0})),
                       fmt::format("{} at 2^64 - 1", entry.key));
        expect_refused(good.with_entry(entry.key, GgufType::kInt32, raw_bytes(-1)),
                       fmt::format("{} at -1", entry.key));
      } else if (kind(entry.type) == 'f') {
        for (const float value : {0.0f, -1.0f, 1e30f, INFINITY, NAN})
          expect_refused(with(std::bit_cast<uint32_t>(value)),
                         fmt::format("{} at {}", entry.key, value));
      }
    }
  }
}

TEST(Hostile, EveryKeyThatIsNeededIsMissed) {
  const std::set<std::string_view> optional = {"general.name",
                                               "llama.attention.head_count_kv",
                                               "llama.vocab_size",
                                               "llama.attention.key_length",
                                               "llama.attention.value_length",
                                               "llama.rope.freq_base",
                                               "tokenizer.ggml.pre",
                                               "tokenizer.ggml.bos_token_id",
                                               "tokenizer.ggml.eos_token_id",
                                               "tokenizer.ggml.unknown_token_id",
                                               "tokenizer.ggml.add_bos_token",
                                               "tokenizer.ggml.add_space_prefix",
                                               "tokenizer.ggml.token_type",
                                               "tokenizer.ggml.merges"};
  TinyModel model = smallest(Architecture::kLlama);
  model.kv_heads = model.heads;
  const Rewriter good(tiny_model(model));
  for (const GgufEntry& entry : good.file().metadata()) {
    const auto error = tried(good.without_entry(entry.key), std::string(entry.key));
    EXPECT_EQ(error.has_value(), !optional.contains(entry.key)) << entry.key;
    EXPECT_TRUE(!error || error->message.find(entry.key) != std::string::npos) << error->message;
  }
}

// --- What has broken other readers, by name. ---

// CVE-2025-53630 and its bypass CVE-2026-27940: the sum of all sizes wraps to a small one.
TEST(HostileRegression, SumOfTensorSizesWraps) {
  for (const uint64_t floats : {uint64_t{1} << 61, (uint64_t{1} << 61) + 8, uint64_t{1} << 62}) {
    GgufWriter out;
    for (const char* tensor : {"a", "b", "c", "d"})
      out.tensor(tensor, DType::kF32, std::array{floats}, std::string(32, '\0'));
    expect_unparsed(out.finish(), fmt::format("{} floats", floats));
  }
}

// CVE-2026-33298: the product of the dimensions wraps.
TEST(HostileRegression, ProductOfDimensionsWraps) {
  const uint64_t d = (uint64_t{1} << 42) + 1;
  const std::vector<std::vector<uint64_t>> shapes = {
      {d, d},
      {d, d, d, d},
      {4, uint64_t{1} << 62},
      {uint64_t{1} << 32, uint64_t{1} << 32},
      {uint64_t{1} << 16, uint64_t{1} << 16, uint64_t{1} << 16, uint64_t{1} << 16}};
  for (const auto& shape : shapes) {
    GgufWriter out;
    out.tensor("a", DType::kF32, shape, std::string(4096, '\0'));
    expect_unparsed(out.finish(), fmt::format("{} x ...", shape[0]));
  }
}

// CVE-2026-7482: a tensor that ends past the file gives away what lies behind it.
TEST(HostileRegression, TensorEndsPastTheFile) {
  for (const uint64_t floats : {7, 8, 9}) {
    GgufWriter out;
    out.tensor("a", DType::kF32, std::array<uint64_t, 1>{floats}, std::string(32, '\0'));
    const std::string file = out.finish();
    const ExactBytes bytes(file);
    // 28 bytes are padded to the 32 that are there.
    EXPECT_EQ(GgufFile::parse(bytes.span()).has_value(), floats <= 8) << floats;
    const ExactBytes cut(file.substr(0, file.size() - 1));
    EXPECT_FALSE(GgufFile::parse(cut.span()).has_value()) << floats;
  }
}

// CVE-2026-53923: a dimension cut to 32 bits on its way.
TEST(HostileRegression, DimensionsPast32Bits) {
  for (const uint64_t d : {uint64_t{1} << 31, (uint64_t{1} << 32) + 32, (uint64_t{1} << 32)}) {
    GgufWriter out;
    out.tensor("a", DType::kQ8_0, std::array{d}, std::string(34, '\0'));
    expect_unparsed(out.finish(), fmt::format("{}", d));
  }
}

// Division by a figure of 0 (llama.cpp issues 18586 and 20716, CVE-2024-8063).
TEST(HostileRegression, FiguresOfZero) {
  const Rewriter good(tiny_model(smallest(Architecture::kLlama)));
  for (const char* key : {"block_count", "attention.head_count", "attention.head_count_kv",
                          "embedding_length", "attention.key_length", "context_length"})
    expect_refused(
        good.with_entry(fmt::format("llama.{}", key), GgufType::kUint32, std::string(4, '\0')),
        key);
}

// A file of 43 bytes with an array of 2^63 elements (ollama 17042, gguf-py 27188), and its kin.
TEST(HostileRegression, HugeCountsInSmallFiles) {
  for (const uint32_t type : {0u, 1u, 2u, 6u, 7u, 8u, 10u, 12u})
    for (const uint64_t size : {uint64_t{1} << 63, (uint64_t{1} << 63) + 1, uint64_t{1} << 61,
                                uint64_t{1} << 40, ~uint64_t{0}}) {
      GgufWriter out;
      out.raw("k", GgufType::kArray, raw_bytes(type) + raw_bytes(size));
      expect_unparsed(out.finish(), fmt::format("{} of type {}", size, type));
    }
  for (const uint64_t count : {uint64_t{1} << 16, uint64_t{1} << 60, ~uint64_t{0}}) {
    const std::string start = "GGUF" + raw_bytes(uint32_t{3});
    const std::string none = raw_bytes(uint64_t{0});
    expect_unparsed(start + raw_bytes(count) + none + std::string(64, '\0'), "tensors");
    expect_unparsed(start + none + raw_bytes(count) + std::string(64, '\0'), "entries");
  }
}

// Many entries of the least size cost no more than a multiple of the file.
TEST(HostileRegression, ManySmallThings) {
  GgufWriter entries, strings;
  for (int i = 0; i < 20'000; ++i)
    entries.raw(fmt::format("{:x}", i), GgufType::kUint8, std::string(1, '\0'));
  expect_refused(entries.finish(), "entries");
  const Rewriter good(tiny_model(smallest(Architecture::kLlama)));
  const std::string empty_strings =
      raw_bytes(uint32_t{8}) + raw_bytes(uint64_t{100'000}) + std::string(800'000, '\0');
  expect_refused(good.with_entry("tokenizer.ggml.tokens", GgufType::kArray, empty_strings),
                 "tokens");
  (void)tried(good.with_entry("tokenizer.ggml.merges", GgufType::kArray, empty_strings), "merges");
}

}  // namespace
}  // namespace weir
