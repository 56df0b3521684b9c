#include "cli/args.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

namespace weir::cli {
namespace {

TEST(ParseBytes, TakesUnits) {
  EXPECT_EQ(parse_bytes("0").value(), 0u);
  EXPECT_EQ(parse_bytes("1000000").value(), 1000000u);
  EXPECT_EQ(parse_bytes("4GiB").value(), uint64_t{4} << 30);
  EXPECT_EQ(parse_bytes("512MiB").value(), uint64_t{512} << 20);
  EXPECT_EQ(parse_bytes("512 mib").value(), uint64_t{512} << 20);
  EXPECT_EQ(parse_bytes("1.5GB").value(), 1500000000u);
  EXPECT_EQ(parse_bytes("2TiB").value(), uint64_t{2} << 40);
}

TEST(ParseBytes, RefusesTheRestWithAnExample) {
  for (const char* text : {"", "-1", "-1GiB", "4 apples", "GiB", "nan", "inf", "1e30", "0.5",
                           "99999999TiB", "4GiB ", "0x10", "1,5GB"}) {
    const auto result = parse_bytes(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, Code::kInvalid);
    EXPECT_NE(result.error().message.find("512MiB"), std::string::npos);
  }
}

struct Parsed {
  bool ok;
  EngineOptions engine;
  GenerationArgs generation;
};

Parsed parse(std::vector<std::string> words) {
  Parsed out{};
  CLI::App app;
  add_engine_options(app, out.engine, true);
  add_generation_options(app, out.generation);
  std::reverse(words.begin(), words.end());  // As CLI11 takes them.
  try {
    app.parse(words);
    out.ok = true;
  } catch (const CLI::ParseError&) {
    out.ok = false;
  }
  return out;
}

TEST(Options, AreStored) {
  const Parsed p = parse({"--threads",
                          "3",
                          "--max-model-len",
                          "1024",
                          "--max-num-seqs=7",
                          "--kv-cache-dtype",
                          "bf16",
                          "--kv-cache-memory-bytes",
                          "1GiB",
                          "--arithmetic",
                          "float",
                          "--temperature",
                          "0.5",
                          "--top-k",
                          "-1",
                          "--seed",
                          "18446744073709551615",
                          "--stop",
                          "a",
                          "--stop",
                          "b c"});
  ASSERT_TRUE(p.ok);
  EXPECT_EQ(p.engine.threads, 3);
  EXPECT_EQ(p.engine.context_tokens_max, 1024u);
  EXPECT_EQ(p.engine.sequences_max, 7u);
  EXPECT_EQ(p.engine.kv_type, "bf16");
  EXPECT_EQ(p.engine.kv_bytes_max, uint64_t{1} << 30);
  EXPECT_EQ(p.engine.arithmetic, "float");
  EXPECT_FLOAT_EQ(p.generation.sampling.temperature, 0.5f);
  EXPECT_EQ(p.generation.sampling.seed, 18446744073709551615u);
  EXPECT_EQ(p.generation.stop, (std::vector<std::string>{"a", "b c"}));
}

TEST(Options, AreBounded) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--threads", "-1"},
      {"--threads", "257"},
      {"--threads", "two"},
      {"--threads"},
      {"--max-model-len", "-1"},
      {"--max-model-len", "4294967297"},
      {"--max-num-seqs", "0"},
      {"--max-num-seqs", "4097"},
      {"--max-num-batched-tokens", "0"},
      {"--max-num-queued-reqs", "-5"},
      {"--max-num-queued-tokens", "1e3"},
      {"--kv-cache-dtype", "fp8"},
      {"--kv-cache-memory-bytes", "lots"},
      {"--arithmetic", "exact"},
      {"--temperature", "2.1"},
      {"--temperature", "nan"},
      {"--top-k", "-2"},
      {"--top-p", "0"},
      {"--min-p", "1.5"},
      {"--typical-p", "0"},
      {"--repetition-penalty", "0"},
      {"--presence-penalty", "-2.5"},
      {"--frequency-penalty", "inf"},
      {"--seed", "-1"},
      {"--stop", ""},
      {"--stop", "half \xE2\x82"},
      {"--no-such-flag"},
      {"stray"},
  };
  for (const auto& words : wrong) EXPECT_FALSE(parse(words).ok) << words.front();
}

}  // namespace
}  // namespace weir::cli
