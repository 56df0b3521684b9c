#include "eval/shared_start.h"

#include <algorithm>

namespace weir::eval {
namespace {

// More than most methods look at; one that looks at more computes its prompts whole.
constexpr size_t kTail = 64;

}  // namespace

SharedStart::SharedStart(Engine& engine, std::span<const Token> tokens)
    : engine_(engine), start_(tokens.first(tokens.size() - std::min(tokens.size(), kTail))) {}

Result<Sequence> SharedStart::forked(const std::string& recipe, std::span<const Token> prompt) {
  if (!held_) {
    WEIR_ASSIGN(Sequence sequence, engine_.create_sequence("keep=all"));
    WEIR_TRY(sequence.append(start_));
    held_ = std::move(sequence);
  }
  WEIR_ASSIGN(Sequence fork, held_->fork(recipe));
  WEIR_TRY(fork.append(prompt.subspan(start_.size())));
  return fork;
}

Result<Sequence> SharedStart::under(const std::string& recipe, std::span<const Token> prompt) {
  if (!start_.empty()) {
    Result<Sequence> fork = forked(recipe, prompt);
    // What is kInvalid of a fork is either not so of a new sequence, or is said again.
    if (fork || fork.error().code != Code::kInvalid) return fork;
  }
  WEIR_ASSIGN(Sequence whole, engine_.create_sequence(recipe));
  WEIR_TRY(whole.append(prompt));
  return whole;
}

}  // namespace weir::eval
