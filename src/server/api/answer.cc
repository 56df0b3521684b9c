#include "server/api/answer.h"

#include <utility>

#include "server/api/utf8.h"

namespace weir::server {

Answer::Answer(const Job& job, const TextService& service, Metrics& metrics)
    : job_(job),
      service_(service),
      metrics_(metrics),
      per_prompt_(job.requests.front().choices),
      choices_(job.requests.size() * per_prompt_) {}

std::vector<ChoicePart> Answer::apply(Arrival arrival) {
  std::vector<ChoicePart> parts;
  std::visit([&](const auto& event) { take(event, arrival.prompt, parts); }, arrival.event);
  return parts;
}

uint32_t Answer::index_of(uint32_t prompt, uint32_t choice) const {
  return prompt * per_prompt_ + choice;
}

void Answer::take(const PromptEvent& event, uint32_t prompt, std::vector<ChoicePart>& parts) {
  for (uint32_t i = 0; i < per_prompt_; ++i) {
    ChoicePart part;
    part.index = index_of(prompt, i);
    if (!job_.echo.empty()) {
      part.text = job_.echo[prompt];
      part.with_logprobs = job_.logprobs;
      part.first_unpredicted = true;
      part.tokens = event.logprobs;
      advance(choices_[part.index], part.tokens);
    }
    parts.push_back(std::move(part));
  }
}

void Answer::take(const TokenEvent& event, uint32_t prompt, std::vector<ChoicePart>& parts) {
  ChoicePart part;
  part.index = index_of(prompt, event.choice);
  Choice& choice = choices_.at(part.index);
  time_token(choice);
  if (event.text.empty() && !job_.logprobs) return;
  part.text = event.text;
  part.offset = choice.offset;
  part.with_logprobs = job_.logprobs;
  if (job_.logprobs) {
    part.tokens = {event.token};
    advance(choice, part.tokens);
  }
  parts.push_back(std::move(part));
}

void Answer::take(const ChoiceEvent& event, uint32_t prompt, std::vector<ChoicePart>& parts) {
  if (event.reason == FinishReason::kCancelled) return;  // The EndEvent says why.
  ChoicePart part;
  part.index = index_of(prompt, event.choice);
  choices_.at(part.index).finished = true;
  part.text = event.text;
  part.finish_reason = event.reason == FinishReason::kStop ? "stop" : "length";
  metrics_.choice_finished(part.finish_reason);
  parts.push_back(std::move(part));
}

void Answer::take(const EndEvent& event, uint32_t prompt, std::vector<ChoicePart>& parts) {
  ++ended_;
  usage_.prompt_tokens += event.usage.prompt_tokens;
  usage_.completion_tokens += event.usage.completion_tokens;
  usage_.cached_tokens += event.usage.cached_tokens;
  if (!event.status) {
    error_ = event.status.error();
    count_unfinished(error_->code == Code::kCancelled ? "abort" : "error");
    return;
  }
  Metrics::Finished finished;
  finished.usage = event.usage;
  finished.choices = per_prompt_;
  finished.max_tokens = job_.requests[prompt].max_tokens;
  finished.total = Clock::now() - begin_;
  for (uint32_t i = 0; i < per_prompt_; ++i) {
    const uint32_t index = index_of(prompt, i);
    const Choice& choice = choices_[index];
    if (choice.first_token) finished.decoding += *choice.last_token - *choice.first_token;
    if (choice.finished) continue;
    // A prompt without an answer (max_tokens 0) ends like one that was cut short.
    take(ChoiceEvent{i, "", FinishReason::kLength, ""}, prompt, parts);
  }
  finished.decoding /= per_prompt_;
  metrics_.finished(finished);
}

void Answer::abandon() {
  count_unfinished("abort");
}

void Answer::count_unfinished(std::string_view reason) {
  for (Choice& choice : choices_)
    if (!std::exchange(choice.finished, true)) metrics_.choice_finished(reason);
}

void Answer::time_token(Choice& choice) {
  const auto now = Clock::now();
  if (!choice.first_token) {
    choice.first_token = now;
    metrics_.time_to_first_token(now - begin_);
  } else {
    metrics_.between_tokens(now - *choice.last_token);
  }
  choice.last_token = now;
}

void Answer::advance(Choice& choice, const std::vector<TokenLogprob>& tokens) {
  for (const TokenLogprob& token : tokens)
    choice.offset += count_characters(bytes_of(token.token, service_));
}

}  // namespace weir::server
