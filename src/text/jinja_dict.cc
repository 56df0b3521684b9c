#include "text/jinja_dict.h"

#include <fmt/format.h>

#include <cmath>

#include "text/jinja_ops.h"

namespace weir::jinja {
namespace {

// A double that is a whole number hashes as that number does.
std::string hash_double(double number) {
  if (std::nearbyint(number) == number && std::fabs(number) < 9.2e18) {
    return fmt::format("i{}", static_cast<std::int64_t>(number));
  }
  return fmt::format("f{}", number);
}

Result<std::string> hash_tuple(const Sequence& tuple, int depth);

Result<std::string> hash_at(const Value& key, int depth) {
  if (depth > 20) return type_error("a dict key may not hold more than 20 tuples in one another");
  if (key.is_string()) return "s" + key.str();
  if (key.is_integral()) return fmt::format("i{}", key.integral());
  if (key.is_double()) return hash_double(key.number());
  if (key.is_none()) return std::string("n");
  const auto* sequence = key.as<Sequence>();
  if (sequence != nullptr && sequence->is_tuple()) return hash_tuple(*sequence, depth);
  if (key.is_object() && sequence == nullptr && key.as<Dict>() == nullptr) {
    return fmt::format("o{}", static_cast<const void*>(key.object()));
  }
  if (key.is_undefined()) return std::string("u");
  return type_error(fmt::format("unhashable type: '{}'", key.type_name()));
}

Result<std::string> hash_tuple(const Sequence& tuple, int depth) {
  std::string hash = "t";
  for (const Value& item : tuple.items()) {
    WEIR_ASSIGN(const std::string part, hash_at(item, depth + 1));
    hash += fmt::format("{}:{}", part.size(), part);
    if (hash.size() > (1 << 20)) return type_error("a tuple of a mebibyte is no dict key");
  }
  return hash;
}

}  // namespace

Result<std::string> hash_key(const Value& key) {
  return hash_at(key, 0);
}

std::optional<std::vector<Value>> Dict::iterate() {
  std::vector<Value> keys;
  keys.reserve(entries_.size());
  for (const Entry& entry : entries_) keys.push_back(entry.key);
  return keys;
}

const Value* Dict::find(std::string_view key) const {
  return find_hashed("s" + std::string(key));
}

const Value* Dict::find_hashed(const std::string& hash) const {
  const auto place = places_.find(hash);
  return place == places_.end() ? nullptr : &entries_[place->second].value;
}

void Dict::put_hashed(const std::string& hash, Value key, Value value) {
  const auto [place, fresh] = places_.try_emplace(hash, entries_.size());
  if (fresh) {
    entries_.push_back({std::move(key), std::move(value)});
  } else {
    entries_[place->second].value = std::move(value);
  }
}

std::string_view DictView::type_name() const {
  if (part_ == Part::kKeys) return "dict_keys";
  return part_ == Part::kValues ? "dict_values" : "dict_items";
}

Result<std::optional<Value>> Namespace::attribute(Runtime&, std::string_view name) {
  const Value* value = attributes_->find(name);
  return value == nullptr ? std::optional<Value>() : std::optional<Value>(*value);
}

}  // namespace weir::jinja
