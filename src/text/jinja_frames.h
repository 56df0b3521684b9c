// Which names a block sets before it reads them.
//
// jinja2 makes such a name a local variable of the whole block, unset at first: a variable of the
// same name outside is hidden even from what is read earlier in time, by a macro or by the body of
// a block `set`. This follows jinja2's idtracking.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

namespace weir::jinja {

using NameList = std::vector<std::string>;

class Frames {
 public:
  using Id = std::size_t;

  // The whole template is frame 0, and current at first.
  Frames() : frames_(1) {}

  // A block inside the current frame.
  Id open();
  // Makes another frame current and gives the one that was.
  Id enter(Id frame);
  Id current() const { return current_; }

  // What the current frame does, in jinja2's order.
  void load(const std::string& name);
  void store(const std::string& name);
  void parameter(const std::string& name);
  // Between the two, stores happen only on a condition.
  void begin_branch() { ++frames_[current_].branches; }
  void end_branch() { --frames_[current_].branches; }

  // Where the frame's names go once all are known.
  void deliver(Id frame, NameList* to) { frames_[frame].deliveries.push_back(to); }
  void finish();

 private:
  struct Frame {
    Id parent = 0;
    int branches = 0;
    std::unordered_set<std::string> seen;
    NameList stored_first;
    std::vector<NameList*> deliveries;
  };
  bool known_outside(Id frame, const std::string& name) const;

  std::vector<Frame> frames_;
  Id current_ = 0;
};

}  // namespace weir::jinja
