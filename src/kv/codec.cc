#include "kv/codec.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

// Filled before main() by the codecs' files.
std::map<std::string_view, const CodecEntry*>& table() {
  static std::map<std::string_view, const CodecEntry*> all;
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
  if (found != table().end()) return found->second->make(shape, Arguments(found->second->info));
  std::string known;
  for (const auto& [each, entry] : table())
    known += (known.empty() ? "" : ", ") + std::string(each);
  return fail(Code::kNotFound, fmt::format("no codec is named {}; there are: {}", name, known),
              "codec");
}

CodecEntry::CodecEntry(MethodInfo its_info, Make its_make)
    : info(std::move(its_info)), make(its_make) {
  const bool added = table().emplace(info.name, this).second;
  WEIR_CHECK(added, "two codecs are named {}", info.name);
}

std::vector<const CodecEntry*> codecs() {
  std::vector<const CodecEntry*> out;
  for (const auto& [name, entry] : table()) out.push_back(entry);
  return out;
}

}  // namespace weir
