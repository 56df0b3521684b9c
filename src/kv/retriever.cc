#include "kv/retriever.h"

namespace weir {

Parameter dense_parameter(double initial) {
  return {"dense", "the first so many layers are read whole", initial, 0, 1024, true};
}

}  // namespace weir
