#include "kv/key.h"

#include "base/sha256.h"

namespace weir {

std::string numerics_id(std::string_view arithmetic, uint32_t version) {
  return std::string(arithmetic) + "/v" + std::to_string(version);
}

PageKey root_key(const KeyIngredients& in) {
  Sha256 hash;
  hash.add_field("weir page v2");
  hash.add_field(std::to_string(kPageSlots) + "/" + std::to_string(kBlockSlots));
  for (const std::string* field : {&in.numerics, &in.weights, &in.tokenizer, &in.codec, &in.rope,
                                   &in.adapter, &in.artifacts, &in.tenant})
    hash.add_field(*field);
  return {hash.digest()};
}

PageKey next_key(const PageKey& before, std::span<const std::byte> inputs,
                 std::string_view lineage) {
  Sha256 hash;
  hash.add(before.digest);
  hash.add_field({reinterpret_cast<const char*>(inputs.data()), inputs.size()});
  hash.add_field(lineage);
  return {hash.digest()};
}

}  // namespace weir
