// The methods that a recipe (EngineOptions::kv, Request::kv) may name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

struct KvParameter {
  std::string name, description;
  std::string initial;             // As a recipe would write it.
  double least = 0, most = 0;      // Of numbers.
  double least_positive = 0;       // What is not 0 is no less than this.
  bool whole = false;              // Whole numbers only.
  std::vector<std::string> words;  // One of these, if there are any.
};

struct KvMethod {
  std::string name;
  std::string role;   // "keep", "read" or "store".
  std::string paper;  // Authors, title, year; or what it is where there is none.
  std::string description;
  std::string observes;  // What must be watched of the model for it.
  // Of each row that a KV head holds, beside its key and value, at most.
  uint32_t bytes_per_row = 0;
  uint32_t bytes_per_query_head = 0;  // And so many for each query head that reads it,
  double bytes_per_page_dim = 0;      // and of a page of 64 rows for each dimension of a head,
  uint32_t bytes_per_page = 0;        // and of the page.
  // All that a row takes which the method has kept, stored or summarised, with its parameters'
  // defaults: of a KV head of kSampleHeadDim dimensions at 16 bits with one query head, in one
  // layer. As it is, it takes kSampleRowBytes.
  double bytes_per_token = 0;
  std::vector<KvParameter> parameters;
};

inline constexpr uint32_t kSampleHeadDim = 64, kSampleRowBytes = 2 * kSampleHeadDim * 2;

// By role, then name.
std::vector<KvMethod> kv_methods();

}  // namespace weir
