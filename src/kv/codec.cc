#include "kv/codec.h"

#include <fmt/format.h>

namespace weir {

std::string Codec::id() const {
  return fmt::format("{}/{}/v{}", name(), info(shape_.kv).name, version());
}

AttentionPage Codec::in_place(const std::byte*, uint32_t) const {
  return {};
}

Parameter residual_parameter(int32_t initial) {
  return {"residual",
          "at least so many of the latest rows stay as they are",
          static_cast<double>(initial),
          0,
          65536,
          true};
}

Result<std::shared_ptr<const Codec>> make_codec(std::string_view name, const PageShape& shape) {
  std::string known;
  for (const CodecEntry* entry : codecs()) {
    if (entry->info.name == name) return entry->make(shape, Arguments(entry->info));
    known += (known.empty() ? "" : ", ") + std::string(entry->info.name);
  }
  return fail(Code::kNotFound, fmt::format("no codec is named {}; there are: {}", name, known),
              "codec");
}

}  // namespace weir
