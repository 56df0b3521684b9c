// Words in a row, the word of rank k as often as 1 / k^2 (RULER's frequent words). Asked for are
// the first three ranks; the other candidates are the last ones.
#include "eval/task.h"

namespace weir::eval {
namespace {

constexpr size_t kRanks = 24, kAnswers = 3;

Problem make(Draw& draw, const Words& words, size_t size) {
  const Words drawn = take_words(draw, words, kRanks);
  double total = 0;
  for (size_t k = 1; k <= kRanks; ++k) total += 1.0 / static_cast<double>(k * k);
  std::vector<std::string> row = drawn;
  for (size_t k = 1; k <= kRanks; ++k) {
    const double share = 1 / static_cast<double>(k * k) / total;
    row.insert(row.end(), static_cast<size_t>(share * static_cast<double>(size + kRanks)),
               drawn[k - 1]);
  }
  draw.shuffle(row);
  Problem out;
  for (const std::string& word : row) out.context += (out.context.empty() ? "" : " ") + word;
  const auto last = drawn.end() - static_cast<ptrdiff_t>(kCandidates - 1);
  out.questions.push_back({"\n\nQuestion: Which word is the most frequent in the text above?\n",
                           "Answer: The most frequent word in the text above is",
                           {drawn.begin(), drawn.begin() + static_cast<ptrdiff_t>(kAnswers)},
                           {last, drawn.end()}});
  return out;
}

const TaskEntry entry("frequent_words", make);

}  // namespace
}  // namespace weir::eval
