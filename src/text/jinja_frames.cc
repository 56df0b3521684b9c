#include "text/jinja_frames.h"

#include <utility>

namespace weir::jinja {

Frames::Id Frames::open() {
  frames_.emplace_back();
  frames_.back().parent = current_;
  return frames_.size() - 1;
}

Frames::Id Frames::enter(Id frame) {
  return std::exchange(current_, frame);
}

void Frames::load(const std::string& name) {
  frames_[current_].seen.insert(name);
}

void Frames::parameter(const std::string& name) {
  frames_[current_].seen.insert(name);
}

void Frames::store(const std::string& name) {
  Frame& frame = frames_[current_];
  const bool first = frame.seen.insert(name).second;
  if (first && frame.branches == 0) frame.stored_first.push_back(name);
}

bool Frames::known_outside(Id frame, const std::string& name) const {
  while (frame != 0) {
    frame = frames_[frame].parent;
    if (frames_[frame].seen.contains(name)) return true;
  }
  return false;
}

void Frames::finish() {
  for (Id id = 0; id < frames_.size(); ++id) {
    for (const std::string& name : frames_[id].stored_first) {
      if (known_outside(id, name)) continue;
      for (NameList* to : frames_[id].deliveries) to->push_back(name);
    }
  }
}

}  // namespace weir::jinja
