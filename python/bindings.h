// What the files of the extension share.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "weir/engine.h"
#include "weir/status.h"

namespace weir::python {

namespace nb = nanobind;

// Raises the exception of weir/errors.py that belongs to the error's code. Needs the GIL.
[[noreturn]] void raise(const Error& error);

template <typename T>
T take(Result<T> result) {
  if (!result) raise(result.error());
  return std::move(*result);
}
inline void take(Status status) {
  if (!status) raise(status.error());
}

// Runs `work` without the GIL.
template <typename Work>
auto released(const Work& work) {
  nb::gil_scoped_release release;
  return work();
}

// An array of its own, which stays valid for ever.
using FloatArray = nb::ndarray<nb::numpy, float>;
FloatArray copy_array(std::span<const float> values, std::vector<size_t> shape);

// The engine lives as long as anything made from it. It is destroyed without the GIL: its thread
// may be waiting for it in an observer.
using EnginePointer = std::shared_ptr<Engine>;
EnginePointer share(std::unique_ptr<Engine> engine);

// What an observer raised, to be raised again by the append that it watched. Used with the GIL.
class ObserverFailure {
 public:
  bool is_set() const { return error_.has_value(); }
  void set(nb::python_error error) { error_.emplace(std::move(error)); }
  void clear() { error_.reset(); }
  void raise() {
    if (!error_) return;
    nb::python_error error = std::move(*error_);
    error_.reset();
    throw error;
  }

 private:
  std::optional<nb::python_error> error_;
};

// A Sequence that several Python threads may use, one after the other.
struct PySequence {
  PySequence(EnginePointer owner, Sequence s) : engine(std::move(owner)), sequence(std::move(s)) {}
  EnginePointer engine;  // Outlives the sequence.
  std::mutex mutex;      // Taken without the GIL only.
  Sequence sequence;
  std::shared_ptr<ObserverFailure> failure = std::make_shared<ObserverFailure>();
};
std::unique_ptr<PySequence> create_sequence(const EnginePointer& engine, const std::string& kv);
void append_jointly(const EnginePointer& engine,
                    const std::vector<std::pair<PySequence*, std::vector<Token>>>& appends,
                    bool all_logits);

// The text's bytes. Raises UnicodeEncodeError, a ValueError, where it holds lone surrogates.
std::string utf8(const nb::str& text);

// `json.dumps(value)`.
std::string dump_json(nb::handle value);

void bind_options(nb::module_& module);
void bind_sequence(nb::module_& module);
void bind_generation(nb::module_& module, nb::class_<EnginePointer>& engine);
nb::class_<EnginePointer> bind_engine(nb::module_& module);
void bind_models(nb::module_& module);
void bind_kv_methods(nb::module_& module);

}  // namespace weir::python
