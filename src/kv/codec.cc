#include "kv/codec.h"

#include <fmt/format.h>

#include <map>

#include "base/check.h"

namespace weir {
namespace {

// Filled before main() by the codecs' files.
std::map<std::string, CodecEntry::Make, std::less<>>& table() {
  static std::map<std::string, CodecEntry::Make, std::less<>> all;
  return all;
}

}  // namespace

std::string Codec::id() const {
  return fmt::format("{}/{}/v{}", name(), info(shape_.kv).name, version());
}

AttentionPage Codec::in_place(const std::byte*, uint32_t) const {
  return {};
}

Result<std::shared_ptr<const Codec>> make_codec(std::string_view name, const PageShape& shape) {
  const auto found = table().find(name);
  if (found != table().end()) return found->second(shape);
  std::string known;
  for (const auto& [each, make] : table()) known += (known.empty() ? "" : ", ") + each;
  return fail(Code::kNotFound, fmt::format("no codec is named {}; there are: {}", name, known),
              "codec");
}

CodecEntry::CodecEntry(std::string_view name, Make make) {
  const bool added = table().emplace(name, make).second;
  WEIR_CHECK(added, "two codecs are named {}", name);
}

}  // namespace weir
