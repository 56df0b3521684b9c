// From a file to what runs.
#pragma once

#include <filesystem>
#include <memory>

#include "base/thread_pool.h"
#include "engine/text_model.h"
#include "format/model_file.h"
#include "kv/key.h"
#include "kv/page_pool.h"
#include "kv/probabilities.h"
#include "kv/recipe.h"
#include "model/model.h"
#include "weir/engine.h"

namespace weir {

// Everything that an engine reads and never changes, but for the page pool and the model's scratch.
struct LoadedModel {
  ModelFile file;
  TextModel text;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Model> model;
  CacheShape shape;
  std::unique_ptr<PagePool> pages;
  PageKey root;
  Recipe recipe;  // Of who names none.
  std::unique_ptr<Probabilities> probabilities;
  EngineOptions options;  // Resolved.
  ModelInfo info;
};

Result<std::unique_ptr<LoadedModel>> load(const std::filesystem::path& path,
                                          const EngineOptions& options,
                                          const LoadProgress& progress);

}  // namespace weir
