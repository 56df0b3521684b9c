// Owns what one rendering makes, and counts its steps and bytes.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_dict.h"
#include "text/jinja_limits.h"
#include "text/jinja_value.h"

namespace weir::jinja {

// Objects live until the rendering ends, so values may point at one another in any way, in rings
// too. Strings are freed when nobody holds them.
class Heap {
 public:
  Heap();

  // kInvalid when the template has done too much.
  Status spend(std::uint64_t steps);
  // The steps for handling so many bytes of text.
  Status spend_bytes(std::size_t bytes) { return spend(1 + bytes / 64); }
  // kInvalid when `bytes` more would be too much. Ask before making anything large.
  Status room(std::size_t bytes) const;

  Result<Value> text(std::string chars);
  Result<Value> list(std::vector<Value> items);
  Result<Value> tuple(std::vector<Value> items);
  Result<Value> generator(std::vector<Value> items);
  Result<Dict*> dict();
  Status put(Dict& dict, const Value& key, Value value);
  Status put(Dict& dict, std::string_view key, Value value);
  // The value of a key, null when the dict has no such key; kInvalid for what cannot be one.
  Result<const Value*> find(const Dict& dict, const Value& key);
  // A value that complains `why` when used.
  Value undefined(std::string why);

  // Takes an object over, charged at `bytes`.
  template <typename T, typename... Args>
  Result<T*> make(std::size_t bytes, Args&&... args) {
    WEIR_TRY(charge(bytes));
    auto object = std::make_unique<T>(std::forward<Args>(args)...);
    T* raw = object.get();
    objects_.push_back(std::move(object));
    return raw;
  }

 private:
  Status charge(std::size_t bytes);

  std::shared_ptr<std::size_t> used_;  // Shared with strings, which may outlive the heap's body.
  std::uint64_t steps_ = 0;
  std::vector<std::unique_ptr<Object>> objects_;
};

// Text being built, refused as soon as it would not fit.
class TextBuilder {
 public:
  explicit TextBuilder(Heap& heap) : heap_(heap) {}
  Status add(std::string_view chars);
  Result<Value> take() { return heap_.text(std::move(chars_)); }
  std::string& chars() { return chars_; }

 private:
  Heap& heap_;
  std::string chars_;
};

// What filters, tests and functions see of a rendering.
class Runtime {
 public:
  explicit Runtime(std::chrono::sys_seconds clock) : now(clock) {}

  Heap heap;
  const std::chrono::sys_seconds now;
  int depth = 0;
  bool located = false;  // The error on its way up already says where it arose.
};

// Counts one level of evaluation while it lives.
class DepthGuard {
 public:
  explicit DepthGuard(Runtime& runtime) : runtime_(runtime) { ++runtime_.depth; }
  ~DepthGuard() { --runtime_.depth; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  Status check() const;

 private:
  Runtime& runtime_;
};

// The items a `for` visits. kInvalid when the value cannot be iterated over.
Result<std::vector<Value>> iterate(Runtime& runtime, const Value& value);
// Python's len(). kInvalid when there is none.
Result<std::size_t> length_of(Runtime& runtime, const Value& value);

}  // namespace weir::jinja
