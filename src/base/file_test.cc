#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <numeric>

namespace weir {
namespace {

class Files : public testing::Test {
 protected:
  Files() : folder_(testing::TempDir() + "weir_files_" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~Files() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path path(const char* name) const { return folder_ / name; }

  std::filesystem::path folder_;
};

// Bytes of mapped files that this process holds in memory.
size_t mapped_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "RssFile:") {
      size_t kib = 0;
      status >> kib;
      return kib * 1024;
    }
  return 0;
}

TEST_F(Files, AreWrittenWholeAndReadBack) {
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(write_file_atomically(path("x"), content));
  EXPECT_EQ(read_file(path("x"), 4).value(), content);
  ASSERT_TRUE(write_file_atomically(path("x"), "new"));
  EXPECT_EQ(read_file(path("x"), 4).value(), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "leftovers";
}

TEST_F(Files, ThatAreTooLargeOrNoFilesAreRefused) {
  ASSERT_TRUE(write_file_atomically(path("x"), "12345"));
  EXPECT_NE(read_file(path("x"), 4).error().message.find("x has 5 bytes; at most 4"),
            std::string::npos);
  EXPECT_EQ(read_file(path("none"), 4).error().code, Code::kNotFound);
  EXPECT_EQ(MappedFile::open(folder_).error().code, Code::kInvalid);
  EXPECT_FALSE(write_file_atomically(path("none") / "x", "y"));
  EXPECT_TRUE(write_file_atomically(path("empty"), ""));
  EXPECT_EQ(read_file(path("empty"), 0).value(), "");
}

TEST_F(Files, HaveTheirDigest) {
  ASSERT_TRUE(write_file_atomically(path("x"), "abc"));
  EXPECT_EQ(sha256_of_file(path("x")).value(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(Files, GiveTheirPagesBackAndStayReadable) {
  constexpr size_t kBytes = size_t{32} << 20;
  ASSERT_TRUE(write_file_atomically(path("x"), std::string(kBytes, 'x')));
  const MappedFile file = MappedFile::open(path("x")).value();
  const auto sum = [&] {
    return std::accumulate(file.bytes().begin(), file.bytes().end(), size_t{0},
                           [](size_t s, std::byte b) { return s + static_cast<size_t>(b); });
  };
  const size_t before = mapped_bytes();
  EXPECT_EQ(sum(), kBytes * 'x');
  ASSERT_GE(mapped_bytes(), before + kBytes / 2);
  file.forget(file.bytes().subspan(1));  // Not from the start of a page.
  EXPECT_LE(mapped_bytes(), before + kBytes / 4);
  EXPECT_EQ(sum(), kBytes * 'x');
}

TEST_F(Files, LeaveBytesOfOthersAlone) {
  ASSERT_TRUE(write_file_atomically(path("x"), "abc"));
  const std::vector<std::byte> other(1 << 16, std::byte{7});
  MappedFile::open(path("x")).value().forget(other);
  MappedFile().forget(other);
  EXPECT_EQ(other, std::vector<std::byte>(1 << 16, std::byte{7}));
}

}  // namespace
}  // namespace weir
