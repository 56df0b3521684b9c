// The `attribute=` argument of filters: a key, an index, or a path of them like "a.b.0".
#pragma once

#include <string_view>
#include <vector>

#include "text/jinja_heap.h"
#include "text/jinja_value.h"

namespace weir::jinja {

class Getter {
 public:
  // `attribute` null or none: the item itself.
  static Getter of(const Value* attribute);
  // One for each part of "a,b".
  static std::vector<Getter> several(const Value* attribute);

  // Strings come in lower case when asked; an undefined part is replaced by `fallback`.
  Result<Value> get(Runtime& runtime, const Value& item, bool lower_case = false,
                    const Value* fallback = nullptr) const;

 private:
  std::vector<Value> path_;
};

// The same, over a list: the keys by which filters sort, group and compare.
Result<std::vector<Value>> keys_of(Runtime& runtime, const std::vector<Value>& items,
                                   const Getter& getter, bool lower_case,
                                   const Value* fallback = nullptr);

}  // namespace weir::jinja
