#include "eval/task.h"

#include <algorithm>

namespace weir::eval {
namespace {

std::vector<const TaskEntry*>& registered() {
  static std::vector<const TaskEntry*> all;
  return all;
}

}  // namespace

TaskEntry::TaskEntry(std::string_view its_name, Make its_make) : name(its_name), make(its_make) {
  registered().push_back(this);
}

std::vector<const TaskEntry*> tasks() {
  auto all = registered();
  std::ranges::sort(all, {}, &TaskEntry::name);
  return all;
}

std::string hidden(Draw& draw, const std::vector<std::string>& lines,
                   const std::vector<std::string>& among, std::string_view separator) {
  std::vector<char> is_line(lines.size() + among.size());
  std::fill_n(is_line.begin(), lines.size(), true);
  draw.shuffle(is_line);
  std::string out;
  auto line = lines.begin(), other = among.begin();
  for (char which : is_line) out.append(which ? *line++ : *other++).append(separator);
  return out;
}

}  // namespace weir::eval
