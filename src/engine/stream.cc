#include "engine/stream.h"

namespace weir {

Room Stream::room(uint64_t length, int32_t prompt_end) const {
  return keep ? keep->room(cache, length, prompt_end) : Room::plain(length);
}

}  // namespace weir
