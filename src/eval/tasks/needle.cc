// Single sentences in a story (RULER's single needles), five of them, each asked for. The other
// candidates stand nowhere: who has kept the sentence has the answer.
#include "eval/task.h"

namespace weir::eval {
namespace {

constexpr size_t kNeedles = 5;
constexpr std::string_view kOwners[kNeedles] = {"gardener", "painter", "judge", "sailor", "baker"};

Problem make(Draw& draw, const Words& words, size_t size) {
  const Words drawn = take_words(draw, words, kNeedles * kCandidates);
  Problem out;
  std::vector<std::string> needles, story;
  for (size_t i = 0; i < kNeedles; ++i) {
    const auto first = drawn.begin() + static_cast<ptrdiff_t>(i * kCandidates);
    const std::string says = "The secret word of the " + std::string(kOwners[i]) + " is";
    needles.push_back(says + " " + *first + ".");
    out.questions.push_back(
        {"\n\nQuestion: What is the secret word of the " + std::string(kOwners[i]) + "?\n",
         "Answer: " + says,
         {*first},
         {first + 1, first + static_cast<ptrdiff_t>(kCandidates)}});
  }
  for (size_t i = 0; i < size; ++i) story.push_back(story_sentence(draw));
  out.context = hidden(draw, needles, story, " ");
  return out;
}

const TaskEntry entry("needle", make);

}  // namespace
}  // namespace weir::eval
