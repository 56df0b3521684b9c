#include "cli/batch.h"

namespace weir::cli {

std::vector<Token> TokenSource::take(uint32_t count) {
  std::vector<Token> out(count);
  for (Token& token : out) token = static_cast<Token>(draw_.next() % vocabulary_);
  return out;
}

Result<Batch> Batch::create(Engine& engine, uint32_t size) {
  Batch batch(engine);
  for (uint32_t i = 0; i < size; ++i) {
    WEIR_ASSIGN(Sequence sequence, engine.create_sequence());
    batch.sequences_.push_back(std::move(sequence));
  }
  return batch;
}

Status Batch::append_random(TokenSource& source, uint32_t count) {
  std::vector<std::vector<Token>> tokens;
  for (size_t i = 0; i < sequences_.size(); ++i) tokens.push_back(source.take(count));
  return append(tokens);
}

Status Batch::step() {
  SamplingOptions greedy;
  greedy.temperature = 0;
  std::vector<std::vector<Token>> tokens;
  for (Sequence& sequence : sequences_) {
    WEIR_ASSIGN(const Token token, sequence.sample(greedy));
    tokens.push_back({token});
  }
  return append(tokens);
}

Status Batch::append(const std::vector<std::vector<Token>>& tokens) {
  std::vector<Append> appends;
  for (size_t i = 0; i < sequences_.size(); ++i) appends.push_back({&sequences_[i], tokens[i]});
  return engine_->append(appends);
}

}  // namespace weir::cli
