// A request as it runs: computes the prompt once, forks it for each choice, samples, tells the
// handler.
#pragma once

#include <memory>
#include <vector>

#include "engine/choice.h"
#include "engine/loop.h"
#include "engine/stream.h"

namespace weir {

// What requests of one engine have in common.
struct GenerationContext {
  Loop& loop;
  PagePool& pages;
  const CacheShape& shape;
  const PageKey& root;
  const Tokenizer& tokenizer;
  const Recipe& recipe;  // Of requests that name none.
  Probabilities& probabilities;
  uint32_t context_tokens_max;
  std::function<void(const class Generation&)> admitted;  // It no longer waits.
  std::function<void(class Generation&)> over;            // Destroys it once the step has ended.
  std::function<void(uint32_t tokens)> generated = {};    // So many more, by any of them.
  // One of its choices has; told before the handler is, who may then come with the next request.
  std::function<void(const class Generation&)> choice_ended = {};
};

// Lives on the loop's thread.
class Generation final : public Driver {
 public:
  Generation(RequestId id, Request request, EventHandler handler, GenerationContext& context);

  // Joins the loop.
  void start();

  void admit() override;
  void on_logits(Stream& stream, int32_t position, std::span<float> logits) override;
  void cancel() override;

  RequestId id() const { return id_; }
  const Request& request() const { return request_; }

  // The most tokens that each choice's sequence may come to.
  static uint32_t length_max(const Request& request, uint32_t context_tokens_max);
  // What the keys and values of all its choices may come to. REQUIRES a recipe that can be parsed.
  static uint64_t peak_bytes(const Request& request, const GenerationContext& context);

 private:
  // What a request's recipe comes to: how its sequences' rows are kept and stored, and what the one
  // that computes the prompt may need, and each other from the fork on.
  struct Keeping {
    std::unique_ptr<Keeper> keeper;  // Null where every row stays.
    Store store;
    Room first, other;
  };
  static Keeping keeping_of(const Request& request, const GenerationContext& context);
  static uint64_t bytes_of(const Room& room, const Store& store, const GenerationContext& context);
  static uint64_t peak_bytes(const Keeping& keeping, uint32_t choices,
                             const GenerationContext& context);

  struct Running {
    std::unique_ptr<Stream> stream;
    std::unique_ptr<Choice> choice;
  };
  void on_prompt_row(int32_t position, std::span<const float> logits);
  void begin_choices(std::span<float> logits);
  void take(Running& running, std::span<float> logits);
  uint32_t generated() const;
  void finish(Status status);

  RequestId id_;
  Request request_;
  EventHandler handler_;
  GenerationContext& context_;
  uint64_t seed_;
  Keeping keeping_;               // Since it joined; the keeper is the first stream's.
  std::vector<Running> running_;  // By choice; the first's stream computes the prompt.
  PromptEvent prompt_;
  uint64_t promised_for_forks_ = 0;
  bool admitted_ = false, prompt_done_ = false, over_ = false;
};

}  // namespace weir
