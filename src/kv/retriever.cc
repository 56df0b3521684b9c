#include "kv/retriever.h"

#include <utility>

#include "kv/method_table.h"

namespace weir {

RetrieverEntry::RetrieverEntry(MethodInfo its_info, Make its_make)
    : info(std::move(its_info)), make(its_make) {
  MethodTable<RetrieverEntry>::add(*this);
}

std::vector<const RetrieverEntry*> retrievers() {
  return MethodTable<RetrieverEntry>::all();
}

Parameter dense_parameter(double initial) {
  return {"dense", "the first so many layers are read whole", initial, 0, 1024, true};
}

}  // namespace weir
