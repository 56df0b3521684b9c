// A numbered list in which four words stand five times as often as the others (RULER's common
// words). The other candidates stand in the list, too.
#include "eval/task.h"

namespace weir::eval {
namespace {

constexpr size_t kCommon = 4, kRare = 20, kOften = 5;

Problem make(Draw& draw, const Words& words, size_t size) {
  const Words drawn = take_words(draw, words, kCommon + kRare);
  std::vector<std::string> list;
  // Round after round, so that a longer list has the same shares.
  for (size_t i = 0; list.size() < size + kCommon * kOften + kRare; ++i) {
    const size_t turn = i % (kCommon * kOften + kRare);
    list.push_back(turn < kCommon * kOften ? drawn[turn % kCommon]
                                           : drawn[turn - kCommon * kOften + kCommon]);
  }
  draw.shuffle(list);
  Problem out;
  for (size_t i = 0; i < list.size(); ++i)
    out.context += std::to_string(i + 1) + ". " + list[i] + "\n";
  const auto rare = drawn.begin() + static_cast<ptrdiff_t>(kCommon);
  out.questions.push_back({"\nQuestion: Which word is the most common in the list above?\n",
                           "Answer: The most common word in the list above is",
                           {drawn.begin(), rare},
                           {rare, rare + static_cast<ptrdiff_t>(kCandidates - 1)}});
  return out;
}

const TaskEntry entry("common_words", make);

}  // namespace
}  // namespace weir::eval
