// Recipes from outside: errors, never a crash; what is taken is taken again from its own text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "kv/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto recipe = weir::parse_recipe(text);
  if (!recipe) return 0;
  const auto again = weir::parse_recipe(recipe->text());
  WEIR_CHECK(again && again->text() == recipe->text(), "{}", recipe->text());
  return 0;
}
