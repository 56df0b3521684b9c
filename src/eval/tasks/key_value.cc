// Pairs of a key and a value among the lines of a story (SCBench's and InfiniteBench's key-value
// retrieval, RULER's many keys): 32 pairs, of which five are asked for. The other candidates are
// values of other keys, so that only who has kept which belongs to which has the answer. No
// question has the answer to an earlier one among them.
#include "eval/task.h"

namespace weir::eval {
namespace {

constexpr size_t kQuestions = 5, kPairs = 32, kStride = 6;
static_assert((kQuestions - 1) * kStride + kCandidates <= kPairs);

Problem make(Draw& draw, const Words& words, size_t size) {
  const Words drawn = take_words(draw, words, 2 * kPairs);
  const auto values = drawn.begin() + static_cast<ptrdiff_t>(kPairs);
  Problem out;
  std::vector<std::string> pairs, story;
  for (size_t q = 0; q < kQuestions; ++q) {
    const auto first = values + static_cast<ptrdiff_t>(q * kStride);
    const std::string& key = drawn[q * kStride];
    out.questions.push_back({"\nWhat is the value of " + key + "?\n",
                             key + ":",
                             {*first},
                             {first + 1, first + static_cast<ptrdiff_t>(kCandidates)}});
  }
  for (size_t i = 0; i < kPairs; ++i)
    pairs.push_back(drawn[i] + ": " + values[static_cast<ptrdiff_t>(i)]);
  draw.shuffle(pairs);
  for (size_t i = 0; i < size; ++i) story.push_back(story_sentence(draw));
  out.context = hidden(draw, pairs, story, "\n");
  return out;
}

const TaskEntry entry("key_value", make);

}  // namespace
}  // namespace weir::eval
