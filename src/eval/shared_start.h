// Prompts that begin alike, under several recipes: what they begin with is computed once.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "weir/engine.h"

namespace weir::eval {

class SharedStart {
 public:
  // `tokens` are what all prompts begin with. They and the engine outlive this.
  SharedStart(Engine& engine, std::span<const Token> tokens);

  // A sequence that holds a prompt under a recipe, with the bits of one that was created with it
  // and given the whole prompt. It is, where the recipe has a say early in a prompt; else it is a
  // fork of what was computed for others, and the recipe sees the prompt's last tokens only.
  Result<Sequence> under(const std::string& recipe, std::span<const Token> prompt);

 private:
  Result<Sequence> forked(const std::string& recipe, std::span<const Token> prompt);

  Engine& engine_;
  std::span<const Token> start_;  // All but what recipes may want to see. May be empty.
  std::optional<Sequence> held_;  // Without a recipe, once somebody asked.
};

}  // namespace weir::eval
