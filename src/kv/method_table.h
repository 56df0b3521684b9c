// The methods of one role, by name: each file under policies/, codecs/ or retrievers/ enters its
// own before main().
#pragma once

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "kv/method.h"

namespace weir {

// `Entry` has a MethodInfo `info`, and lives as long as the program.
template <typename Entry>
class MethodTable {
 public:
  static void add(const Entry& entry) {
    const bool added = table().emplace(entry.info.name, &entry).second;
    WEIR_CHECK(added, "two methods are named {}={}", entry.info.role, entry.info.name);
  }
  static std::vector<const Entry*> all() {
    std::vector<const Entry*> out;
    for (const auto& [name, entry] : table()) out.push_back(entry);
    return out;
  }

 private:
  static std::map<std::string_view, const Entry*>& table() {
    static std::map<std::string_view, const Entry*> all;
    return all;
  }
};

// A method's line in the table of its role: one static object in its file. `Maker` is a pointer to
// a function that makes one as a recipe says.
template <typename Maker>
struct MethodEntry {
  using Make = Maker;
  MethodEntry(MethodInfo its_info, Make its_make) : info(std::move(its_info)), make(its_make) {
    MethodTable<MethodEntry>::add(*this);
  }

  MethodInfo info;
  Make make;
};

}  // namespace weir
