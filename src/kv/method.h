// What is known of a method before it runs: its name, its source and its parameters, as `weir kv
// methods` lists them and a recipe sets them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/status.h"

namespace weir {

struct Parameter {
  std::string_view name, says;
  double initial = 0, least = 0, most = 0;
  bool whole = false;                        // Takes whole numbers only.
  std::vector<std::string_view> words = {};  // Takes one of these; its value is the word's index.
  double least_positive = 0;                 // What is not 0 is no less than this.
};

struct MethodInfo {
  std::string_view name, role;
  std::string_view paper;     // Authors, title, year; or what it is where there is none.
  std::string_view says;      // What it does, in a line.
  std::string_view observes;  // What it costs: what must be watched of the model.
  // Beside keys and values and a retriever's summaries, of each row that a KV head holds,
  uint32_t bytes_per_row = 0;
  std::vector<Parameter> parameters = {};
  uint32_t bytes_per_query_head = 0;  // and for each query head that reads it.
};

// A method's parameters as a recipe sets them. `method` outlives it.
class Arguments {
 public:
  explicit Arguments(const MethodInfo& method);

  // From a recipe's text. kInvalid names what is wrong and says what there is.
  Status set(std::string_view name, std::string_view value);

  // REQUIRES a parameter of that name.
  double real(std::string_view name) const;
  int32_t whole(std::string_view name) const { return static_cast<int32_t>(real(name)); }
  std::string_view word(std::string_view name) const;
  // Its value as a recipe writes it.
  std::string written(std::string_view name) const;
  // "budget=0.2,window=32", with every parameter.
  std::string text() const;

 private:
  size_t index(std::string_view name) const;

  const MethodInfo* method_;
  std::vector<double> values_;
};

}  // namespace weir
