#include "kv/policy.h"

#include <map>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

// Filled before main() by the policies' files.
std::map<std::string_view, const PolicyEntry*>& table() {
  static std::map<std::string_view, const PolicyEntry*> all;
  return all;
}

}  // namespace

PolicyEntry::PolicyEntry(MethodInfo its_info, Make its_make)
    : info(std::move(its_info)), make(its_make) {
  const bool added = table().emplace(info.name, this).second;
  WEIR_CHECK(added, "two policies are named {}", info.name);
}

std::vector<const PolicyEntry*> policies() {
  std::vector<const PolicyEntry*> out;
  for (const auto& [name, entry] : table()) out.push_back(entry);
  return out;
}

}  // namespace weir
