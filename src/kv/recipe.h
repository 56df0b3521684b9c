// Which methods a sequence's cache uses, in one line:
//
//   keep=snapkv(budget=0.2,window=32);store=kivi(bits=4);read=quest(pages=16)
//
// Words are separated by `;`, each a role, a method and its parameters; what is not named has its
// default. A blank recipe, or keep=all;store=raw;read=all, keeps every row as it is and reads it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kv/codec.h"
#include "kv/method.h"
#include "kv/policy.h"
#include "kv/retriever.h"
#include "weir/status.h"

namespace weir {

template <typename Entry>
struct RecipeWord {
  const Entry* method;
  Arguments arguments;
};

struct Recipe {
  std::optional<RecipeWord<PolicyEntry>> keep;
  std::optional<RecipeWord<CodecEntry>> store;
  std::optional<RecipeWord<RetrieverEntry>> read;

  // With every parameter: equal texts are equal recipes.
  std::string text() const;
};

inline constexpr size_t kRecipeBytesMax = 4096;

// kInvalid, with param "kv", names the word that is wrong and says what there is.
Result<Recipe> parse_recipe(std::string_view text);
// `otherwise` where the text is blank.
Result<Recipe> parse_recipe(std::string_view text, const Recipe& otherwise);

}  // namespace weir
