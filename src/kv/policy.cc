#include "kv/policy.h"

#include <utility>

#include "kv/method_table.h"

namespace weir {

PolicyEntry::PolicyEntry(MethodInfo its_info, Make its_make)
    : info(std::move(its_info)), make(its_make) {
  MethodTable<PolicyEntry>::add(*this);
}

std::vector<const PolicyEntry*> policies() {
  return MethodTable<PolicyEntry>::all();
}

}  // namespace weir
