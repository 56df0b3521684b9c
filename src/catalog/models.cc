#include "weir/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "catalog/manifest.h"
#include "catalog/pull.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

std::string names() {
  std::string all;
  for (const ModelEntry& entry : known_models()) all += (all.empty() ? "" : ", ") + entry.name;
  return all;
}

const ModelEntry* find_model(std::string_view name) {
  const auto& all = known_models();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const ModelEntry& entry) { return entry.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// What a user typed, fit for a message.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 100));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

Result<ModelEntry> model_named(std::string_view name) {
  if (const ModelEntry* entry = find_model(name)) return *entry;
  return fail(Code::kNotFound,
              fmt::format("there is no model \"{}\"; weir knows {}", shown(name), names()),
              "model");
}

}  // namespace

const std::vector<ModelEntry>& known_models() {
  static const std::vector<ModelEntry> models = [] {
    auto parsed = parse_manifest(manifest_text());
    WEIR_CHECK(parsed.has_value(), "{}", parsed.error().message);
    return std::move(*parsed);
  }();
  return models;
}

std::vector<ModelEntry> installed_models() {
  std::vector<ModelEntry> installed;
  for (const ModelEntry& entry : known_models()) {
    const auto path = cached_path(entry);
    if (path && is_cached(entry, *path)) installed.push_back(entry);
  }
  return installed;
}

Result<fs::path> model_path(std::string_view name) {
  WEIR_ASSIGN(const ModelEntry entry, model_named(name));
  return cached_path(entry);
}

Result<fs::path> resolve_model(std::string_view name_or_path) {
  if (const ModelEntry* entry = find_model(name_or_path)) {
    WEIR_ASSIGN(fs::path path, cached_path(*entry));
    if (is_cached(*entry, path)) return path;
    return fail(
        Code::kNotFound,
        fmt::format("model {} is not here yet: weir model pull {}", entry->name, entry->name),
        "model");
  }
  std::error_code ignored;
  if (const fs::path path(name_or_path); fs::is_regular_file(path, ignored)) return path;
  return fail(Code::kNotFound,
              fmt::format("\"{}\" is neither a file nor a model that weir knows ({})",
                          shown(name_or_path), names()),
              "model");
}

Result<fs::path> pull_model(std::string_view name, const PullProgress& progress,
                            const PullNotice& notice) {
  WEIR_ASSIGN(const ModelEntry entry, model_named(name));
  return pull(entry, progress, notice);
}

}  // namespace weir
