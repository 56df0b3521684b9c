// Python's dict, the views on it, and jinja2's namespace.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/jinja_value.h"

namespace weir::jinja {

// Keeps the order in which keys first came. Grows only through Heap::put, which charges for it.
class Dict final : public Object {
 public:
  struct Entry {
    Value key;
    Value value;
  };

  std::string_view type_name() const override { return "dict"; }
  std::optional<std::size_t> length() const override { return entries_.size(); }
  std::optional<std::vector<Value>> iterate() override;
  bool iterable() const override { return true; }

  const std::vector<Entry>& entries() const { return entries_; }
  // Null when there is no such key.
  const Value* find(std::string_view key) const;
  // `hash` is of hash_key.
  const Value* find_hashed(const std::string& hash) const;
  void put_hashed(const std::string& hash, Value key, Value value);

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> places_;
};

// Text that is equal for two keys exactly when Python holds the keys equal (1, 1.0 and True are).
// kInvalid for what Python cannot hash.
Result<std::string> hash_key(const Value& key);

// What keys(), values() and items() give.
class DictView final : public Object {
 public:
  enum class Part { kKeys, kValues, kItems };
  // For kItems, `items` are pairs made beforehand.
  DictView(Part part, std::vector<Value> items) : part_(part), items_(std::move(items)) {}

  std::string_view type_name() const override;
  std::optional<std::size_t> length() const override { return items_.size(); }
  std::optional<std::vector<Value>> iterate() override { return items_; }
  bool iterable() const override { return true; }
  const std::vector<Value>& items() const { return items_; }

 private:
  Part part_;
  std::vector<Value> items_;
};

// The one thing whose attributes a template may set.
class Namespace final : public Object {
 public:
  explicit Namespace(Dict* attributes) : attributes_(attributes) {}

  std::string_view type_name() const override { return "Namespace"; }
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;
  Dict* attributes() const { return attributes_; }

 private:
  Dict* attributes_;
};

}  // namespace weir::jinja
