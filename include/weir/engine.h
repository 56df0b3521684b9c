// The engine: a model, its cache and the loop that serves sequences from it.
//
// There are two ways in. Requests (submit) are scheduled together, stream their tokens to a handler
// and are what the server uses. Sequences are driven by hand: append tokens, read logits, sample,
// fork. Both run in the same steps and give the same bits.
//
// Threads: every function may be called from any thread. Handlers and observers run on the engine's
// thread and must return soon; of the engine they may call cancel() only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "weir/observe.h"
#include "weir/options.h"
#include "weir/roofline.h"
#include "weir/status.h"

namespace weir {

// What a model is. Sizes in elements unless named bytes.
struct ModelInfo {
  std::string name;          // As the file's metadata names it.
  std::string architecture;  // "llama", "qwen2", "qwen3", "gemma3".
  std::string digest;        // Of weights, configuration and vocabulary: part of every cache key.
  uint32_t layers = 0, d_model = 0, heads = 0, kv_heads = 0, head_dim = 0, ffn = 0, vocabulary = 0;
  uint32_t context_tokens_max = 0;  // Of this engine: the least of the model's and the options'.
  uint64_t parameters = 0;
  uint64_t weight_bytes = 0;        // As laid out in memory.
  uint64_t kv_bytes_per_token = 0;  // While no layer's window is full.
  std::string kv_type;              // "f16", ...
  std::string arithmetic;           // "integer" or "float".
  std::string isa;                  // "avx2", ...
  Token bos = -1, eos = -1;         // -1: none.
  std::vector<Token> end_tokens;    // Each of these ends an answer: eos, ends of turn. Ascending.
  bool has_chat_template = false;
};

enum class FinishReason { kStop, kLength, kCancelled };

struct TokenLogprob {
  Token token = 0;
  float logprob = 0;                         // Natural, of the model's own distribution.
  std::vector<std::pair<Token, float>> top;  // Likeliest first; ties to the lower id.
};

// One generated token. `text` is what became certain with it: whole characters only, and nothing
// that may still turn out to begin a stop string. It may be empty.
struct TokenEvent {
  uint32_t choice = 0;
  std::string text;
  TokenLogprob token;
};

// The prompt is computed. `logprobs` has an entry per prompt token if asked for (the first token's
// is meaningless: it has no predecessor, and its logprob is 0 and top empty).
struct PromptEvent {
  std::vector<TokenLogprob> logprobs;
};

// A choice is done. `text` is what was still held back.
struct ChoiceEvent {
  uint32_t choice = 0;
  std::string text;
  FinishReason reason = FinishReason::kStop;
  std::string stop;  // The stop string that ended it, or empty.
};

struct Usage {
  uint32_t prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0;
};

// The request is over; nothing follows. An error (kUnavailable: shutdown; kInternal: NaN logits;
// kCancelled) leaves choices without their own end.
struct EndEvent {
  Usage usage;
  Status status;
};

using Event = std::variant<PromptEvent, TokenEvent, ChoiceEvent, EndEvent>;
using EventHandler = std::function<void(const Event&)>;
using RequestId = uint64_t;

struct ChatMessage {
  std::string role, content;
};

// A conversation for the model's own template. JSON texts are OpenAI's shapes.
struct ChatInput {
  std::string messages_json;  // An array of messages.
  std::string tools_json;     // An array, or empty.
  std::string extra_json;     // An object of further template variables, or empty.
  bool add_generation_prompt = true;
};

struct EngineStats {
  uint32_t requests_running = 0, requests_waiting = 0, sequences = 0;
  uint64_t waiting_tokens = 0;
  uint64_t kv_bytes_used = 0, kv_bytes_max = 0;
  uint64_t prompt_tokens = 0, generated_tokens = 0, steps = 0;  // Since the start.
  std::chrono::steady_clock::time_point last_step;              // The loop's heartbeat.
};

class Engine;

// Pages of 64 rows, of each layer and KV head: those that were read, of those there were to read.
struct PageReads {
  uint64_t read = 0, there = 0;
};

enum class LogitRows { kLast, kAll };

// What a KV head of a layer holds, in order of position.
struct KeptRows {
  std::vector<int32_t> positions;
  std::vector<float> weights;  // How many rows each stands for: 1, or of merged ones more.
  std::vector<float> k, v;     // [rows][head_dim], as they are stored; keys are rotated.
};

// A stream of tokens and its keys and values. A value: moving it moves the stream, fork() copies it
// (pages are shared). Its destructor gives its memory back. Use one Sequence from one thread at a
// time; it may not outlive its engine.
class Sequence {
 public:
  class State;
  explicit Sequence(std::shared_ptr<State> state);
  Sequence(Sequence&&) noexcept;
  Sequence& operator=(Sequence&&) noexcept;
  ~Sequence();

  // Computes the tokens after what is there and returns the logits of the last token,
  // [vocabulary], or of all, [tokens][vocabulary]: valid until the next append. Long appends are
  // cut into chunks; that changes no bit. kInvalid: a token outside the vocabulary, or past the
  // context; kUnavailable: the cache's budget is used up (the sequence stays as it was).
  Result<std::span<const float>> append(std::span<const Token> tokens,
                                        LogitRows rows = LogitRows::kLast);

  // What the last append gave, alone or jointly; empty before the first.
  std::span<const float> logits() const;

  // Chooses the next token from the last logits; does not append it.
  Result<Token> sample(const SamplingOptions& options);

  Result<Sequence> fork() const;
  // A copy of a sequence without a recipe that takes one on, named as for create_sequence. What is
  // appended next is the rest of a prompt: with it the copy has the bits of a sequence that was
  // created with the recipe and given all those tokens at once. kInvalid (param "kv"): there is a
  // recipe already, or this one has a say before the tokens that are there. An append of fewer
  // tokens than its method looks at is kInvalid (param "tokens").
  Result<Sequence> fork(std::string_view kv) const;
  std::span<const Token> tokens() const;
  uint64_t kv_bytes() const;  // Shared pages count in each sequence.
  // The positions of the rows that attention of later tokens reads. REQUIRES a layer and a KV head
  // of the model.
  std::vector<int32_t> kept(uint32_t layer, uint32_t kv_head) const;
  // Those rows themselves.
  KeptRows kept_rows(uint32_t layer, uint32_t kv_head) const;

  // Of what later tokens than a prompt's have chosen to read, under a recipe with read=; a fork
  // counts on from its origin's.
  PageReads pages_read() const;

  // Reports these values (a union of Observable) of every later append; a null observer stops it.
  void observe(uint32_t what, Observer observer);

  State& state() const { return *state_; }

 private:
  std::shared_ptr<State> state_;
};

// One sequence's part in a joint append.
struct Append {
  Sequence* sequence = nullptr;
  std::span<const Token> tokens;
};

// Loading, as it goes: bytes laid out of bytes in all.
using LoadProgress = std::function<void(uint64_t done, uint64_t total)>;

class Engine {
 public:
  // Opens a model by name (weir/models.h) or GGUF file. Errors name what is wrong with the file.
  static Result<std::unique_ptr<Engine>> open(std::string_view model, const EngineOptions& options,
                                              const LoadProgress& progress = {});
  // Cancels what runs, and returns when the loop has ended.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const ModelInfo& info() const;
  const EngineOptions& options() const;  // With every "choose for me" resolved.

  // --- Text ---
  // `add_special` adds what the model puts around a text (BOS); `parse_special` reads control
  // tokens written out in the text as such: never for text of users.
  Result<std::vector<Token>> tokenize(std::string_view text, bool add_special,
                                      bool parse_special) const;
  // Bytes, made valid UTF-8 with U+FFFD.
  Result<std::string> detokenize(std::span<const Token> tokens, bool skip_special = true) const;
  // The bytes of one token; not necessarily UTF-8. Control tokens by name.
  Result<std::string> token_bytes(Token token) const;
  // The prompt of a conversation by the model's template, to be read; chat_tokens gives its tokens.
  Result<std::string> render_chat(const ChatInput& input) const;
  Result<std::string> render_chat(std::span<const ChatMessage> messages) const;
  // The tokens of that prompt. Control tokens are the template's own: one that a message spells out
  // stays text.
  Result<std::vector<Token>> chat_tokens(const ChatInput& input) const;
  std::string_view chat_template() const;  // Its source; empty if there is none.

  // --- Requests ---
  // Queues a request; `handler` gets its events, an EndEvent last, unless submit itself fails:
  // kInvalid (param names the field) or kUnavailable (the queue is full, or the engine is
  // draining).
  Result<RequestId> submit(Request request, EventHandler handler);
  // Ends a request within one step; its EndEvent says kCancelled. Unknown ids are ignored.
  void cancel(RequestId id);
  // Takes no new request; returns when all have ended or, at the deadline, after cancelling them.
  // True if all ended by themselves.
  bool drain(std::chrono::milliseconds deadline);

  // --- Sequences ---
  // `kv` is a recipe, as Request::kv. Appending several tokens at once is a prompt to its method.
  Result<Sequence> create_sequence(std::string_view kv = {});
  // Several sequences in shared steps; afterwards each has its logits. All or none.
  Status append(std::span<const Append> appends, LogitRows rows = LogitRows::kLast);

  EngineStats stats() const;
  // The most that EngineStats::kv_bytes_used was since this was last asked, by anyone.
  uint64_t take_kv_bytes_peak();

  // --- Measuring ---
  // What the machine can do at most with this engine's threads and ISA. Takes about a second, in
  // which the engine does nothing else.
  MachineLimits measure_limits();
  // Begins to note what each kind of work takes, from nothing; or stops.
  void profile(bool on);
  std::vector<KernelUse> profiled();

 private:
  friend class Sequence;
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
