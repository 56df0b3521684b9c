// Promise 1: the same tokens give the same bits however they were computed. Each test computes
// logits one plain way (alone, at once, on one thread) and compares every bit with other ways.
//
// $WEIR_TINY_MODELS is a folder of GGUF files (tests/reference/tiny_models.py makes one), all rows
// of which are compared; $WEIR_REAL_MODELS is names of pulled models with ':' between them, of
// which the last rows are. WEIR_ISA chooses the kernels: each variant is one run of this program.
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "weir/engine.h"
#include "weir/models.h"

namespace weir {
namespace {

struct Case {
  std::string name, model;
  size_t tokens;    // Of the sequence: past pages of 64, pieces of 256 and the window.
  size_t compared;  // Its last so many rows of logits are compared.
};

// The plain loops take several times as long as the others.
bool scalar() {
  const char* isa = std::getenv("WEIR_ISA");
  return isa && std::string_view(isa) == "scalar";
}

std::vector<Case> cases() {
  std::vector<Case> out;
  const size_t whole = scalar() ? 280 : 330;
  if (const char* folder = std::getenv("WEIR_TINY_MODELS"))
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      // Models that differ from others in the type of weights or rope's scaling only are cut short.
      const std::string stem = entry.path().stem().string();
      const bool variant = stem.find("-llama-") != stem.npos || stem.ends_with("-linear");
      const size_t tokens = variant ? 100 : whole;
      out.push_back({stem, entry.path().string(), tokens, tokens});
    }
  std::istringstream names(std::getenv("WEIR_REAL_MODELS") ? std::getenv("WEIR_REAL_MODELS") : "");
  for (std::string name; std::getline(names, name, ':');)
    out.push_back({name, name, name.starts_with("gemma3") ? 530u : 270u, 24});
  for (Case& c : out)
    std::ranges::replace_if(
        c.name, [](char x) { return std::isalnum(static_cast<unsigned char>(x)) == 0; }, '_');
  std::ranges::sort(out, {}, &Case::name);
  return out;
}

// Hash (FNV-1a) of each row of logits, by position: equal hashes, equal bits.
using Digests = std::map<size_t, uint64_t>;

void digest(std::span<const float> logits, size_t vocabulary, size_t position, Digests& to) {
  for (size_t row = 0; row * vocabulary < logits.size(); ++row) {
    uint64_t hash = 14695981039346656037u;
    for (float x : logits.subspan(row * vocabulary, vocabulary)) {
      uint32_t bits;
      std::memcpy(&bits, &x, sizeof bits);
      hash = (hash ^ bits) * 1099511628211u;
    }
    to[position + row] = hash;
  }
}

// Positions at which both have a digest must agree; there must be such.
void expect_same(const Digests& expected, const Digests& found, const std::string& way) {
  size_t shared = 0;
  for (const auto& [position, hash] : found) {
    const auto at = expected.find(position);
    if (at == expected.end()) continue;
    ++shared;
    ASSERT_EQ(at->second, hash) << way << ": the logits at position " << position << " differ";
  }
  ASSERT_GT(shared, 0u) << way;
}

// Appends all but the last `compared` tokens at once, those in chunks, and takes their logits.
void append_in_chunks(Sequence& s, std::span<const Token> tokens, size_t compared, size_t chunk,
                      size_t vocabulary, Digests& to) {
  const size_t prefix = tokens.size() - compared;
  if (prefix > 0) {
    ASSERT_TRUE(s.append(tokens.first(prefix)));
  }
  for (size_t at = prefix; at < tokens.size();) {
    const size_t n = std::min(chunk, tokens.size() - at);
    const auto logits = s.append(tokens.subspan(at, n), LogitRows::kAll);
    ASSERT_TRUE(logits) << logits.error().message;
    digest(*logits, vocabulary, at, to);
    at += n;
  }
}

class Promise1 : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto found = resolve_model(GetParam().model);
    if (!found) GTEST_SKIP() << found.error().message;
    options_.threads = 1;
    options_.context_tokens_max = 1024;
    open();
    if (HasFatalFailure()) return;
    tokens_ = some_tokens(GetParam().tokens, 1);
  }

  // (Re)opens the engine with options_.
  void open() {
    engine_.reset();
    auto opened = Engine::open(GetParam().model, options_);
    ASSERT_TRUE(opened) << opened.error().message;
    engine_ = *std::move(opened);
    vocabulary_ = engine_->info().vocabulary;
  }

  std::vector<Token> some_tokens(size_t n, uint64_t seed) const {
    std::vector<Token> out(n);
    for (Token& t : out) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      t = static_cast<Token>((seed >> 33) % vocabulary_);
    }
    return out;
  }

  Sequence create() {
    auto s = engine_->create_sequence();
    EXPECT_TRUE(s) << s.error().message;
    return *std::move(s);
  }

  Digests alone(size_t chunk) { return alone(chunk, GetParam().compared); }

  // Only the last `compared` tokens are cut into chunks, and compared.
  Digests alone(size_t chunk, size_t compared) {
    Sequence s = create();
    Digests out;
    append_in_chunks(s, tokens_, compared, chunk, vocabulary_, out);
    return out;
  }

  bool tiny() const { return GetParam().compared == GetParam().tokens; }

  EngineOptions options_;
  std::unique_ptr<Engine> engine_;
  size_t vocabulary_ = 0;
  std::vector<Token> tokens_;
};

constexpr size_t kWhole = 1 << 20;

// Every chunk size with every number of threads, in the arithmetic that serves.
TEST_P(Promise1, ChunksAndThreads) {
  const Digests plain = alone(kWhole);
  for (int threads : {1, 2, 3}) {
    options_.threads = threads;
    open();
    for (size_t chunk : {kWhole, size_t{64}, size_t{7}, size_t{1}}) {
      // Small steps on several threads mostly wait for each other, and plain loops are slow: the
      // last tokens will do, among which a page ends.
      const bool costly = chunk < 64 && (threads > 1 || scalar());
      const size_t few = costly ? 60 : tokens_.size();
      expect_same(
          plain, alone(chunk, std::min(few, GetParam().compared)),
          "chunks of " + std::to_string(chunk) + ", " + std::to_string(threads) + " threads");
    }
  }
}

TEST_P(Promise1, OtherArithmetic) {
  if (!tiny()) GTEST_SKIP() << "tiny models show it";
  for (const auto& [arithmetic, kv_type] : {std::pair{"integer", "bf16"}, {"float", "f32"}}) {
    options_.arithmetic = arithmetic;
    options_.kv_type = kv_type;
    options_.threads = 1;
    open();
    const Digests plain = alone(kWhole);
    options_.threads = 2;
    open();
    expect_same(plain, alone(7), std::string(arithmetic) + " with " + kv_type);
  }
}

TEST_P(Promise1, StepSizes) {
  const Digests plain = alone(kWhole);
  options_.threads = 2;
  for (uint32_t rows : {64u, 100u, 1024u}) {
    options_.step_tokens_max = rows;
    open();
    expect_same(plain, alone(kWhole), "steps of " + std::to_string(rows));
  }
}

// Four sequences, each in chunks of its own size, in shared steps.
TEST_P(Promise1, Batches) {
  const Digests plain = alone(kWhole);
  options_.threads = 2;
  open();
  struct Part {
    size_t chunk, first;  // `first` tokens of others come before, computed alone.
    std::vector<Token> tokens;
    size_t at = 0;
    Digests found = {};
  };
  std::vector<Part> parts = {{64, 0, tokens_},
                             {61, 0, some_tokens(tokens_.size() / 2, 2)},
                             {67, 0, tokens_},
                             {1, 0, some_tokens(20, 3)}};
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < parts.size(); ++i) sequences.push_back(create());
  for (bool more = true; more;) {
    std::vector<Append> appends;
    std::vector<size_t> which;
    for (size_t i = 0; i < parts.size(); ++i) {
      Part& p = parts[i];
      const size_t n = std::min(p.chunk, p.tokens.size() - p.at);
      if (n == 0) continue;
      appends.push_back({&sequences[i], std::span(p.tokens).subspan(p.at, n)});
      which.push_back(i);
    }
    more = !appends.empty();
    if (!more) break;
    const LogitRows rows = tiny() ? LogitRows::kAll : LogitRows::kLast;
    const Status status = engine_->append(appends, rows);
    ASSERT_TRUE(status) << status.error().message;
    for (size_t i = 0; i < appends.size(); ++i) {
      Part& p = parts[which[i]];
      p.at += appends[i].tokens.size();
      const std::span<const float> logits = sequences[which[i]].logits();
      digest(logits, vocabulary_, p.at - logits.size() / vocabulary_, p.found);
    }
  }
  expect_same(plain, parts[0].found, "in a batch, first");
  expect_same(plain, parts[2].found, "in a batch, third");
}

// A fork goes on as its original would have, whatever either computes meanwhile.
TEST_P(Promise1, Forks) {
  const Digests plain = alone(kWhole);
  const std::vector<Token> other = some_tokens(70, 4);
  for (size_t at : {size_t{1}, size_t{64}, size_t{90}, size_t{257}}) {
    if (at >= tokens_.size()) continue;
    Sequence original = create();
    const auto head = std::span(tokens_).first(at), tail = std::span(tokens_).subspan(at);
    ASSERT_TRUE(original.append(head));
    auto fork = original.fork();
    ASSERT_TRUE(fork) << fork.error().message;
    ASSERT_TRUE(fork->append(other));  // Writes behind rows that both share.
    Digests found;
    const size_t compared = std::min(GetParam().compared, tail.size());
    append_in_chunks(original, tail, compared, kWhole, vocabulary_, found);
    Digests shifted;
    for (const auto& [position, hash] : found) shifted[position + at] = hash;
    expect_same(plain, shifted, "after a fork at " + std::to_string(at));

    Sequence straight = create();
    ASSERT_TRUE(straight.append(head));
    Digests a, b;
    const auto expected = straight.append(other);
    ASSERT_TRUE(expected);
    digest(*expected, vocabulary_, 0, a);
    digest(fork->logits(), vocabulary_, 0, b);
    expect_same(a, b, "the fork itself at " + std::to_string(at));
  }
}

// What a request gave: per choice its tokens and the bits of their log-probabilities.
struct Answer {
  std::vector<std::vector<std::pair<Token, uint32_t>>> choices;
  std::vector<uint32_t> prompt;  // Bits of the prompt's log-probabilities.
  Status status;
  bool operator==(const Answer& other) const {
    return choices == other.choices && prompt == other.prompt;
  }
};

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

std::vector<Answer> answers(Engine& engine, const std::vector<Request>& requests) {
  std::vector<Answer> out(requests.size());
  std::mutex mutex;
  std::condition_variable changed;
  size_t open = requests.size();
  for (size_t i = 0; i < requests.size(); ++i) {
    out[i].choices.resize(requests[i].choices);
    const auto id = engine.submit(requests[i], [&, i](const Event& event) {
      if (const auto* prompt = std::get_if<PromptEvent>(&event))
        for (const TokenLogprob& t : prompt->logprobs) out[i].prompt.push_back(bits_of(t.logprob));
      if (const auto* t = std::get_if<TokenEvent>(&event))
        out[i].choices[t->choice].emplace_back(t->token.token, bits_of(t->token.logprob));
      if (const auto* end = std::get_if<EndEvent>(&event)) {
        const std::lock_guard lock(mutex);
        out[i].status = end->status;
        if (--open == 0) changed.notify_one();
      }
    });
    EXPECT_TRUE(id) << id.error().message;
    if (!id) return {};
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return open == 0; });
  for (const Answer& a : out) EXPECT_TRUE(a.status) << a.status.error().message;
  return out;
}

TEST_P(Promise1, Requests) {
  std::vector<Request> requests(4);
  for (size_t i = 0; i < requests.size(); ++i) {
    Request& r = requests[i];
    r.prompt = some_tokens(30 + 45 * i, 5 + i);
    r.choices = i % 2 == 0 ? 1 : 3;
    r.sampling.temperature = i == 0 ? 0.0f : 0.9f;
    r.sampling.top_p = 0.95f;
    r.sampling.seed = 40 + i;
    r.max_tokens = 24;
    r.ignore_eos = true;
    r.logprobs = 0;
    r.prompt_logprobs = tiny() ? 0 : -1;
  }
  std::vector<Answer> apart;
  for (const Request& r : requests) apart.push_back(answers(*engine_, {r}).at(0));
  EXPECT_EQ(apart[1].choices.size(), 3u);
  EXPECT_NE(apart[1].choices[0], apart[1].choices[1]) << "choices must not share their draws";
  for (int threads : {1, 3}) {
    options_.threads = threads;
    options_.step_tokens_max = 70;
    open();
    const std::vector<Answer> together = answers(*engine_, requests);
    ASSERT_EQ(together.size(), apart.size());
    for (size_t i = 0; i < apart.size(); ++i)
      EXPECT_TRUE(together[i] == apart[i]) << "request " << i << ", " << threads << " threads";
  }
}

// A greedy request chooses what a sequence by hand does.
TEST_P(Promise1, RequestsAndSequences) {
  Request r;
  r.prompt = some_tokens(90, 9);
  r.sampling.temperature = 0;
  r.max_tokens = 24;
  r.ignore_eos = true;
  const std::vector<Answer> answer = answers(*engine_, {r});
  ASSERT_EQ(answer.size(), 1u);
  Sequence s = create();
  ASSERT_TRUE(s.append(r.prompt));
  for (const auto& [token, bits] : answer[0].choices[0]) {
    const auto chosen = s.sample(r.sampling);
    ASSERT_TRUE(chosen) << chosen.error().message;
    ASSERT_EQ(*chosen, token) << "after " << s.tokens().size() << " tokens";
    ASSERT_TRUE(s.append({&*chosen, 1}));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Promise1, testing::ValuesIn(cases()),
                         [](const auto& each) { return each.param.name; });
// A run without any models is a mistake of whoever runs it.
TEST(Promise1Models, AreGiven) {
  EXPECT_FALSE(cases().empty()) << "set WEIR_TINY_MODELS or WEIR_REAL_MODELS";
}
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Promise1);

}  // namespace
}  // namespace weir
