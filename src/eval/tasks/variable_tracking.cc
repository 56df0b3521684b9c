// Chains of names, each said to be worth what the one before is (RULER's variable tracking). Eight
// chains of three; asked for are the ends of five. The other candidates begin the other chains.
#include "eval/task.h"

namespace weir::eval {
namespace {

constexpr size_t kChains = kCandidates, kHops = 3, kQuestions = 5;

Problem make(Draw& draw, const Words& words, size_t size) {
  const Words drawn = take_words(draw, words, kChains * (1 + kHops));
  const auto value = [&](size_t chain) { return drawn[chain]; };
  const auto name = [&](size_t chain, size_t hop) { return drawn[kChains * (1 + hop) + chain]; };
  std::vector<std::string> said, story;
  for (size_t hop = 0; hop < kHops; ++hop)
    for (size_t c = 0; c < kChains; ++c)
      said.push_back("The value of " + name(c, hop) + " is " +
                     (hop ? "the value of " + name(c, hop - 1) : value(c)) + ".");
  Problem out;
  for (size_t c = 0; c < kQuestions; ++c) {
    const std::string last = name(c, kHops - 1);
    Question q{"\n\nQuestion: Which word is the value of " + last + " in the end?\n",
               "Answer: In the end, the value of " + last + " is",
               {value(c)},
               {}};
    for (size_t other = 0; other < kChains; ++other)
      if (other != c) q.others.push_back(value(other));
    out.questions.push_back(std::move(q));
  }
  for (size_t i = 0; i < size; ++i) story.push_back(story_sentence(draw));
  out.context = hidden(draw, said, story, " ");
  return out;
}

const TaskEntry entry("variable_tracking", make);

}  // namespace
}  // namespace weir::eval
