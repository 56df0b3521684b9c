// From engine events to parts of an answer.
#pragma once

#include <optional>
#include <vector>

#include "server/api/generation.h"
#include "server/api/job.h"
#include "server/metrics.h"

namespace weir::server {

class Answer {
 public:
  // The job and the metrics must outlive the answer.
  Answer(const Job& job, const TextService& service, Metrics& metrics);

  // The parts that an event makes certain, in order; choices are numbered over all prompts.
  std::vector<ChoicePart> apply(Arrival arrival);

  // The client has left: what it did not get whole counts as aborted.
  void abandon();

  // All prompts have had their EndEvent, or one of them failed.
  bool done() const { return error_.has_value() || ended_ == job_.requests.size(); }
  const std::optional<Error>& error() const { return error_; }
  const Usage& usage() const { return usage_; }

 private:
  struct Choice {
    size_t offset = 0;
    bool finished = false;
    std::optional<Clock::time_point> first_token, last_token;
  };

  uint32_t index_of(uint32_t prompt, uint32_t choice) const;
  void take(const PromptEvent& event, uint32_t prompt, std::vector<ChoicePart>& parts);
  void take(const TokenEvent& event, uint32_t prompt, std::vector<ChoicePart>& parts);
  void take(const ChoiceEvent& event, uint32_t prompt, std::vector<ChoicePart>& parts);
  void take(const EndEvent& event, uint32_t prompt, std::vector<ChoicePart>& parts);
  void count_unfinished(std::string_view reason);
  void time_token(Choice& choice);
  void advance(Choice& choice, const std::vector<TokenLogprob>& tokens);

  const Job& job_;
  const TextService& service_;
  Metrics& metrics_;
  const Clock::time_point begin_ = Clock::now();
  uint32_t per_prompt_ = 1;
  std::vector<Choice> choices_;
  size_t ended_ = 0;
  Usage usage_;
  std::optional<Error> error_;
};

}  // namespace weir::server
