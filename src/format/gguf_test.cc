// GgufFile: what a file gives back, and each rule that a file may break.
#include "format/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/altered_gguf.h"

namespace weir {
namespace {

using testing::HasSubstr;

const std::array<uint64_t, 2> kShape = {4, 2};
const std::string kZeros(32, '\0');

// Two tensors of 32 bytes, at offsets 0 and 32.
GgufWriter two_tensors() {
  GgufWriter out;
  out.u32("general.x", 7);
  out.tensor("a", DType::kF32, kShape, kZeros).tensor("b", DType::kF32, kShape, kZeros);
  return out;
}

void expect_error(std::string_view file, Code code, std::string_view says) {
  const ExactBytes bytes(file);
  const auto parsed = GgufFile::parse(bytes.span());
  ASSERT_FALSE(parsed.has_value()) << says;
  EXPECT_EQ(parsed.error().code, code) << parsed.error().message;
  EXPECT_THAT(parsed.error().message, HasSubstr(std::string(says)));
}

// The file with `value` at the end of its first `marker`.
template <typename T>
std::string patched(std::string file, std::string_view marker, size_t offset, T value) {
  const size_t at = file.find(marker);
  EXPECT_NE(at, std::string::npos);
  std::memcpy(file.data() + at + marker.size() + offset, &value, sizeof(value));
  return file;
}

TEST(Gguf, GivesBackWhatWasWritten) {
  for (const uint32_t version : {2u, 3u}) {
    GgufWriter out;
    out.version(version).u32("u", 7).f32("f", 1.5f).boolean("t", true).string("s", "text");
    out.strings("ss", std::vector<std::string>{"", "a", "bc"});
    out.f32s("ff", std::vector{1.0f, 2.0f}).i32s("ii", std::vector{-1, 5});
    std::string data(32, '\0');
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i);
    out.tensor("a", DType::kF32, kShape, data);
    out.tensor("b.weight", DType::kQ8_0, std::array<uint64_t, 3>{32, 2, 3}, std::string(204, 'q'));
    const ExactBytes bytes(out.finish());
    const auto parsed = GgufFile::parse(bytes.span());
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    const GgufFile& file = *parsed;
    EXPECT_EQ(file.version(), version);
    EXPECT_EQ(file.alignment(), 32u);
    EXPECT_EQ(file.unsigned_at("u", 0, 7).value(), 7u);
    EXPECT_EQ(file.float_at("f", 0, 2).value(), 1.5);
    EXPECT_EQ(file.find_bool("t").value(), true);
    EXPECT_EQ(file.string_at("s").value(), "text");
    EXPECT_EQ(file.array_at("ss", GgufType::kString)->strings(),
              (std::vector<std::string_view>{"", "a", "bc"}));
    EXPECT_EQ(file.array_at("ff", GgufType::kFloat32)->at<float>(1), 2.0f);
    EXPECT_EQ(file.array_at("ii", GgufType::kInt32)->at<int32_t>(0), -1);
    ASSERT_EQ(file.tensors().size(), 2u);
    EXPECT_EQ(std::memcmp(file.find("a")->view.data, data.data(), data.size()), 0);
    const Tensor b = file.find("b.weight")->view;
    EXPECT_EQ(b.rows, 6u);
    EXPECT_EQ(b.columns, 32u);
    EXPECT_EQ(b.bytes(), 204u);
    EXPECT_EQ(file.find("c"), nullptr);
    EXPECT_EQ(file.find_entry("zz"), nullptr);
  }
}

TEST(Gguf, LookupsNameKeyAndTypes) {
  GgufWriter out;
  out.u32("u", 7).string("s", "a\nb").f32("nan", std::nanf("")).raw("i", GgufType::kInt8, "\xff");
  out.raw("d", GgufType::kFloat64, raw_bytes(0.25));
  const ExactBytes bytes(out.finish());
  const GgufFile file = std::move(GgufFile::parse(bytes.span())).value();
  EXPECT_THAT(file.unsigned_at("u", 8, 9).error().message,
              HasSubstr("u is 7; an integer from 8 to 9"));
  EXPECT_THAT(file.unsigned_at("s", 0, 9).error().message, HasSubstr("s is \"a\\x0ab\""));
  EXPECT_THAT(file.unsigned_at("i", 0, ~uint64_t{0}).error().message, HasSubstr("i is -1"));
  EXPECT_THAT(file.float_at("nan", -1e300, 1e300).error().message, HasSubstr("nan is nan"));
  EXPECT_THAT(file.float_at("u", 0, 9).error().message, HasSubstr("a float from 0 to 9"));
  EXPECT_EQ(file.float_at("d", 0, 1).value(), 0.25);
  EXPECT_THAT(file.string_at("u").error().message, HasSubstr("u is 7; a string is right"));
  EXPECT_THAT(file.string_at("v").error().message, HasSubstr("v is missing"));
  EXPECT_EQ(file.find_string("v").value(), std::nullopt);
  EXPECT_THAT(file.find_bool("u").error().message, HasSubstr("a bool"));
  EXPECT_THAT(file.array_at("u", GgufType::kString).error().message,
              HasSubstr("an array of string"));
}

TEST(Gguf, RefusesOtherFiles) {
  expect_error("", Code::kCorrupt, "magic number");
  expect_error("GGML0000000000000000000000000000", Code::kCorrupt, "no GGUF file");
  const std::string good = two_tensors().finish();
  expect_error(patched<uint32_t>(good, "GGUF", 0, 1), Code::kInvalid, "version is 1");
  expect_error(patched<uint32_t>(good, "GGUF", 0, 4), Code::kInvalid, "version is 4");
  expect_error(patched<uint32_t>(good, "GGUF", 0, 0x03000000), Code::kInvalid, "big-endian");
}

TEST(Gguf, RefusesBadNames) {
  for (const std::string key : {"", "a b", "caf\xc3\xa9", "\xff", "a\n"})
    expect_error(GgufWriter().u32(key, 1).finish(), Code::kCorrupt, "key of metadata entry 0");
  expect_error(GgufWriter().u32(std::string(65536, 'k'), 1).finish(), Code::kCorrupt, "65536");
  EXPECT_EQ(
      GgufFile::parse(ExactBytes(GgufWriter().u32(std::string(65535, 'k'), 1).finish()).span())
          .has_value(),
      true);
  for (const std::string& tensor : {std::string(), std::string(65, 't'), std::string("\xff")})
    expect_error(GgufWriter().tensor(tensor, DType::kF32, kShape, kZeros).finish(), Code::kCorrupt,
                 "name of tensor 0");
}

TEST(Gguf, RefusesDuplicates) {
  expect_error(GgufWriter().u32("k", 1).string("j", "").f32("k", 1).finish(), Code::kCorrupt,
               "key k is there twice");
  GgufWriter out;
  out.tensor("a", DType::kF32, kShape, kZeros).tensor("a", DType::kF32, kShape, kZeros);
  expect_error(out.finish(), Code::kCorrupt, "tensor a is there twice");
}

TEST(Gguf, RefusesBadValues) {
  GgufWriter bad_bool, bad_type, bad_bools;
  expect_error(bad_bool.raw("k", GgufType::kBool, "\x02").finish(), Code::kCorrupt, "a bool is 0");
  expect_error(bad_type.raw("k", GgufType{13}, "\0\0\0\0").finish(), Code::kCorrupt,
               "k has type 13");
  const std::string bools = raw_bytes(uint32_t{7}) + raw_bytes(uint64_t{2}) + "\x01\x03";
  expect_error(bad_bools.raw("k", GgufType::kArray, bools).finish(), Code::kCorrupt, "byte 3");
}

TEST(Gguf, RefusesNestedArrays) {
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += raw_bytes(uint32_t{9}) + raw_bytes(uint64_t{1});
  expect_error(GgufWriter().raw("k", GgufType::kArray, nested).finish(), Code::kInvalid,
               "k is an array of arrays");
}

TEST(Gguf, TakesAlignmentsThatArePowersOfTwo) {
  for (const uint32_t a : {8u, 16u, 32u, 64u, 4096u, 65536u}) {
    GgufWriter out;
    out.alignment(a).u32("general.alignment", a);
    out.tensor("a", DType::kF32, kShape, kZeros).tensor("b", DType::kF32, kShape, kZeros);
    const ExactBytes bytes(out.finish());
    const auto file = GgufFile::parse(bytes.span());
    ASSERT_TRUE(file.has_value()) << a << file.error().message;
    EXPECT_EQ(file->find("b")->offset, std::max(32u, a));
  }
  for (const uint32_t a : {0u, 1u, 3u, 4u, 24u, 33u, 131072u, 1u << 31, ~0u})
    expect_error(GgufWriter().u32("general.alignment", a).finish(), Code::kCorrupt, "alignment");
  for (const uint64_t a : {uint64_t{1} << 63, ~uint64_t{0}})
    expect_error(GgufWriter().raw("general.alignment", GgufType::kUint64, raw_bytes(a)).finish(),
                 Code::kCorrupt, "alignment");
  expect_error(GgufWriter().string("general.alignment", "32").finish(), Code::kCorrupt,
               "alignment");
}

TEST(Gguf, RefusesBadShapes) {
  const std::string good = two_tensors().finish();
  // After a tensor's name: dimensions, shape[0], shape[1], type, offset.
  const std::string name = raw_bytes(uint64_t{1}) + "b";
  const auto with = [&](size_t field, auto value) { return patched(good, name, field, value); };
  for (const uint32_t dimensions : {0u, 5u, ~0u})
    expect_error(with(0, dimensions), Code::kCorrupt, "tensor b has");
  expect_error(with(4, uint64_t{0}), Code::kCorrupt, "dimension 0 of size 0");
  expect_error(with(12, uint64_t{0}), Code::kCorrupt, "dimension 1 of size 0");
  for (const uint32_t type : {4u, 9u, 15u, 16u, 24u, 31u, 39u, ~0u})
    expect_error(with(20, type), Code::kInvalid, "tensor b has type");
  expect_error(with(20, static_cast<uint32_t>(DType::kQ8_0)), Code::kCorrupt, "multiples of 32");
  for (const uint64_t wide : {uint64_t{1} << 31, (uint64_t{1} << 32) + 4, (uint64_t{1} << 42) + 1,
                              uint64_t{1} << 62, uint64_t{1} << 63, ~uint64_t{0}}) {
    expect_error(with(4, wide), Code::kCorrupt, "tensor b is");
    expect_error(with(12, wide), Code::kCorrupt, "tensor b is");
  }
}

TEST(Gguf, TensorsCoverTheDataExactly) {
  const std::string good = two_tensors().finish();
  const std::string name = raw_bytes(uint64_t{1}) + "b";
  const auto at = [&](uint64_t offset) { return patched(good, name, 24, offset); };
  expect_error(at(0), Code::kCorrupt, "at offset 0");    // Overlap.
  expect_error(at(31), Code::kCorrupt, "at offset 31");  // Unaligned.
  expect_error(at(64), Code::kCorrupt, "at offset 64");  // A gap.
  for (const uint64_t far : {uint64_t{96}, uint64_t{1} << 31, uint64_t{1} << 63, ~uint64_t{31}})
    expect_error(at(far), Code::kCorrupt, "tensor b is at offset");
  expect_error(good + std::string(1, '\0'), Code::kCorrupt, "tensors end at 64");
  expect_error(good + std::string(32, '\0'), Code::kCorrupt, "tensors end at 64");
  expect_error(good.substr(0, good.size() - 1), Code::kCorrupt, "takes 32 bytes");
}

TEST(Gguf, LastTensorMayBePaddedOrNot) {
  GgufWriter out;
  out.tensor("a", DType::kF32, std::array<uint64_t, 1>{3}, std::string(12, 'x'));
  const std::string padded = out.finish();
  const std::string bare = padded.substr(0, padded.size() - 20);
  for (size_t size = 0; size <= padded.size(); ++size) {
    const ExactBytes bytes(padded.substr(0, size));
    EXPECT_EQ(GgufFile::parse(bytes.span()).has_value(),
              size == padded.size() || size == bare.size())
        << size;
  }
}

TEST(Gguf, TensorsMayBeListedInAnyOrder) {
  const std::string good = two_tensors().finish();
  const std::string a = raw_bytes(uint64_t{1}) + "a", b = raw_bytes(uint64_t{1}) + "b";
  const std::string swapped = patched(patched(good, a, 24, uint64_t{32}), b, 24, uint64_t{0});
  const ExactBytes bytes(swapped);
  EXPECT_TRUE(GgufFile::parse(bytes.span()).has_value());
}

}  // namespace
}  // namespace weir
