// A model for tests: one token per byte (and a few more), and answers that the prompt scripts.
//
// An answer repeats the prompt's bytes, one token a byte, however they are cut: bytes that are no
// UTF-8 come out as such, which a real engine never does. Words in the prompt change that:
//   @stall     after the first token nothing comes until the request is cancelled
//   @silent    not even the prompt's event comes
//   @nan       the request ends with kInternal after one token
//   @fail      the request ends with kInternal at once
//   @full      submit refuses: the queue is full
//   @slow      a pause of some milliseconds before each token
//   @forever   goes on until max_tokens or cancelled
//   @toolless  the chat template ignores tools
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "server/service.h"

namespace weir::server {

inline constexpr Token kFakeVocabulary = 300;  // 256 bytes, then control tokens.

class FakeService : public TextService {
 public:
  FakeService() {
    info_.name = "fake";
    info_.architecture = "fake";
    info_.digest = "0123456789abcdef";
    info_.vocabulary = kFakeVocabulary;
    info_.context_tokens_max = 4096;
    info_.has_chat_template = true;
  }
  ~FakeService() override {
    std::map<RequestId, Running> left;
    {
      const std::lock_guard lock(mutex_);
      left.swap(running_);
      for (auto& [id, run] : left) *run.cancelled = true;
    }
    for (auto& [id, run] : left) run.thread.join();
  }

  const ModelInfo& info() const override { return info_; }

  Result<std::vector<Token>> tokenize(std::string_view text, bool add_special,
                                      bool) const override {
    std::vector<Token> tokens;
    if (add_special) tokens.push_back(256);
    for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
    return tokens;
  }

  Result<std::string> detokenize(std::span<const Token> tokens, bool) const override {
    std::string text;
    for (const Token token : tokens)
      if (token >= 0 && token < 256) text += static_cast<char>(token);
    return text;
  }

  Result<std::string> token_bytes(Token token) const override {
    if (token < 0 || token >= kFakeVocabulary) return fail(Code::kInvalid, "no such token");
    if (token < 256) return std::string(1, static_cast<char>(token));
    return "<" + std::to_string(token) + ">";
  }

  Result<std::vector<Token>> chat_tokens(const ChatInput& input) const override {
    if (input.messages_json.find("@refuse") != std::string::npos)
      return fail(Code::kInvalid, "The template refuses this conversation.");
    const bool blind = input.messages_json.find("@toolless") != std::string::npos;
    return tokenize(input.messages_json + (blind ? "" : input.tools_json), false, true);
  }

  // Runs each request on a thread of its own, or within submit() if `inline_` is set.
  Result<RequestId> submit(Request request, EventHandler handler) override {
    const std::string text = *detokenize(request.prompt, true);
    if (text.find("@full") != std::string::npos)
      return fail(Code::kUnavailable, "The queue is full.");
    reap();
    const RequestId id = ++last_id_;
    if (inline_) companions_.push_back(request.companion);
    auto cancelled = std::make_shared<std::atomic<bool>>(false);
    auto done = std::make_shared<std::atomic<bool>>(false);
    ++active_;
    auto work = [this, request = std::move(request), text, handler = std::move(handler), cancelled,
                 done] {
      answer(request, text, handler, *cancelled);
      --active_;
      *done = true;
    };
    if (inline_) {
      work();
      return id;
    }
    const std::lock_guard lock(mutex_);
    running_[id] = {std::thread(std::move(work)), cancelled, done};
    return id;
  }

  void cancel(RequestId id) override {
    const std::lock_guard lock(mutex_);
    if (auto it = running_.find(id); it != running_.end()) *it->second.cancelled = true;
  }

  EngineStats stats() const override {
    EngineStats stats;
    stats.requests_running = active_;
    stats.kv_bytes_max = 1000;
    stats.kv_bytes_used = 10 * active_;
    stats.prompt_tokens = prompt_tokens_;
    stats.generated_tokens = generated_;
    stats.last_step = std::chrono::steady_clock::now();
    return stats;
  }

  // Requests are answered within submit(): for fuzzing. Stalls then end at once.
  void answer_inline() { inline_ = true; }
  // What the requests answered inline said of theirs.
  const std::vector<RequestId>& companions() const { return companions_; }
  uint32_t active() const { return active_; }

 private:
  struct Running {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> cancelled, done;
  };

  void reap() {
    std::vector<std::thread> finished;
    {
      const std::lock_guard lock(mutex_);
      for (auto it = running_.begin(); it != running_.end();) {
        if (*it->second.done) {
          finished.push_back(std::move(it->second.thread));
          it = running_.erase(it);
        } else {
          ++it;
        }
      }
    }
    for (std::thread& thread : finished) thread.join();
  }

  // Waits unless cancelled; false if it was.
  bool pause(std::chrono::milliseconds duration, const std::atomic<bool>& cancelled) const {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (!inline_ && std::chrono::steady_clock::now() < end) {
      if (cancelled) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return !inline_ && !cancelled;
  }

  TokenLogprob scored(Token token, int alternatives) const {
    TokenLogprob out{token, -0.5f, {}};
    for (int i = 0; i < alternatives; ++i)
      out.top.emplace_back((token + i) % kFakeVocabulary, -0.5f - static_cast<float>(i));
    return out;
  }

  void answer(const Request& request, const std::string& text, const EventHandler& handler,
              const std::atomic<bool>& cancelled) {
    const auto has = [&](const char* word) { return text.find(word) != std::string::npos; };
    constexpr std::chrono::hours kLong{1};
    Usage usage;
    usage.prompt_tokens = static_cast<uint32_t>(request.prompt.size());
    prompt_tokens_ += usage.prompt_tokens;
    const auto end = [&](Code code, const char* message) {
      handler(EndEvent{usage, fail(code, message)});
    };
    if (has("@fail")) return end(Code::kInternal, "the weights at /secret/path are NaN");
    if (has("@silent")) {
      pause(kLong, cancelled);
      return end(Code::kCancelled, "cancelled");
    }
    PromptEvent prompt;
    if (request.prompt_logprobs >= 0)
      for (const Token token : request.prompt)
        prompt.logprobs.push_back(scored(token, request.prompt_logprobs));
    handler(prompt);
    const uint32_t limit =
        request.prefill_only ? 0 : (request.max_tokens ? request.max_tokens : 4096);
    const bool endless = has("@forever") || request.ignore_eos;
    for (uint32_t i = 0; i < limit && (endless || i < text.size()); ++i) {
      if (has("@slow")) pause(std::chrono::milliseconds(5), cancelled);
      if (cancelled) return end(Code::kCancelled, "cancelled");
      for (uint32_t choice = 0; choice < request.choices; ++choice) {
        const char byte = text.empty() ? 'x' : text[i % text.size()];
        TokenEvent event;
        event.choice = choice;
        event.text = std::string(1, byte);
        event.token = scored(static_cast<unsigned char>(byte), std::max(request.logprobs, 0));
        handler(event);
        ++usage.completion_tokens;
        ++generated_;
      }
      if (has("@nan")) {
        pause(std::chrono::milliseconds(20), cancelled);
        return end(Code::kInternal, "NaN logits");
      }
      if (has("@stall") && !pause(kLong, cancelled)) return end(Code::kCancelled, "cancelled");
    }
    const bool cut = !request.prefill_only && (endless || text.size() > limit);
    for (uint32_t choice = 0; choice < request.choices && !request.prefill_only; ++choice)
      handler(ChoiceEvent{choice, "", cut ? FinishReason::kLength : FinishReason::kStop, ""});
    handler(EndEvent{usage, {}});
  }

  ModelInfo info_;
  bool inline_ = false;
  std::vector<RequestId> companions_;
  std::atomic<uint32_t> active_{0};
  std::atomic<uint64_t> prompt_tokens_{0}, generated_{0};
  std::atomic<RequestId> last_id_{0};
  std::mutex mutex_;
  std::map<RequestId, Running> running_;
};

}  // namespace weir::server
