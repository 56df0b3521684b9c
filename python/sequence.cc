#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "bindings.h"

namespace weir::python {
namespace {

// A Python callable that any thread may drop.
using SharedCallable = std::shared_ptr<nb::callable>;

SharedCallable share(nb::callable callable) {
  return SharedCallable(new nb::callable(std::move(callable)), [](nb::callable* c) {
    if (!Py_IsInitialized()) return;  // The interpreter is gone, and the object with it.
    nb::gil_scoped_acquire acquire;
    delete c;
  });
}

// Calls back on the engine's thread. What it raises is kept for the append that it watches, which
// goes on without it.
Observer observer_of(nb::callable callable, std::shared_ptr<ObserverFailure> failure) {
  return [shared = share(std::move(callable)), failure = std::move(failure)](const Observation& o) {
    nb::gil_scoped_acquire acquire;
    if (failure->is_set()) return;
    try {
      (*shared)(o.what, o.layer, o.position, copy_array(o.values, {o.rows, o.columns}));
    } catch (nb::python_error& error) {
      failure->set(std::move(error));
    }
  };
}

size_t vocabulary(const PySequence& s) {
  return s.engine->info().vocabulary;
}

FloatArray append(PySequence& self, const std::vector<Token>& tokens, bool all_logits) {
  std::vector<float> logits;
  const Status status = released([&]() -> Status {
    std::lock_guard lock(self.mutex);
    WEIR_ASSIGN(const auto rows,
                self.sequence.append(tokens, all_logits ? LogitRows::kAll : LogitRows::kLast));
    logits.assign(rows.begin(), rows.end());
    return {};
  });
  self.failure->raise();
  take(status);
  if (all_logits) return copy_array(logits, {tokens.size(), vocabulary(self)});
  return copy_array(logits, {logits.size()});
}

// What the last append gave: one row, or one per token.
FloatArray logits(PySequence& self) {
  const auto values = released([&] {
    std::lock_guard lock(self.mutex);
    const auto rows = self.sequence.logits();
    return std::vector<float>(rows.begin(), rows.end());
  });
  const size_t columns = vocabulary(self);
  if (values.size() <= columns) return copy_array(values, {values.size()});
  return copy_array(values, {values.size() / columns, columns});
}

Token sample(PySequence& self, const std::optional<SamplingOptions>& options) {
  return take(released([&] {
    std::lock_guard lock(self.mutex);
    return self.sequence.sample(options.value_or(SamplingOptions{}));
  }));
}

std::unique_ptr<PySequence> fork(PySequence& self, const std::optional<std::string>& kv) {
  return std::make_unique<PySequence>(self.engine, take(released([&] {
                                        std::lock_guard lock(self.mutex);
                                        return kv ? self.sequence.fork(*kv) : self.sequence.fork();
                                      })));
}

std::vector<Token> tokens(PySequence& self) {
  return released([&] {
    std::lock_guard lock(self.mutex);
    const auto held = self.sequence.tokens();
    return std::vector<Token>(held.begin(), held.end());
  });
}

void check_place(const PySequence& self, uint32_t layer, uint32_t kv_head) {
  const ModelInfo& model = self.engine->info();
  if (layer < model.layers && kv_head < model.kv_heads) return;
  raise({Code::kInvalid,
         fmt::format("layer {} and KV head {} of {} and {}", layer, kv_head, model.layers,
                     model.kv_heads),
         "layer"});
}

std::vector<int32_t> kept(PySequence& self, uint32_t layer, uint32_t kv_head) {
  check_place(self, layer, kv_head);
  return released([&] {
    std::lock_guard lock(self.mutex);
    return self.sequence.kept(layer, kv_head);
  });
}

nb::tuple kept_rows(PySequence& self, uint32_t layer, uint32_t kv_head) {
  check_place(self, layer, kv_head);
  const KeptRows rows = released([&] {
    std::lock_guard lock(self.mutex);
    return self.sequence.kept_rows(layer, kv_head);
  });
  const size_t count = rows.weights.size(), dim = self.engine->info().head_dim;
  return nb::make_tuple(copy_array(rows.weights, {count}), copy_array(rows.k, {count, dim}),
                        copy_array(rows.v, {count, dim}));
}

void observe(PySequence& self, const std::vector<Observable>& what,
             std::optional<nb::callable> callback) {
  uint32_t mask = 0;
  for (const Observable o : what) mask |= static_cast<uint32_t>(o);
  Observer observer = callback ? observer_of(*callback, self.failure) : Observer();
  released([&] {
    std::lock_guard lock(self.mutex);
    self.sequence.observe(mask, std::move(observer));
  });
}

void bind_observable(nb::module_& module) {
  nb::enum_<Observable>(module, "Observable", "Values that Sequence.observe() can report.")
      .value("EMBEDDING", Observable::kEmbedding, "[rows, d_model], what enters the first layer")
      .value("QUERY", Observable::kQuery, "[rows, heads * head_dim], rotated")
      .value("KEY", Observable::kKey, "[rows, kv_heads * head_dim], rotated, before rounding")
      .value("VALUE", Observable::kValue, "[rows, kv_heads * head_dim]")
      .value("ATTENTION", Observable::kAttention,
             "[rows, heads * head_dim], before the output projection")
      .value("LAYER_OUTPUT", Observable::kLayerOutput, "[rows, d_model], after each layer")
      .value("FINAL_NORM", Observable::kFinalNorm, "[rows, d_model], rows with logits only")
      .value("READ_BOUND", Observable::kReadBound,
             "[rows, heads], of rows that chose pages with a certificate: how far at most, in "
             "the Euclidean norm, a head's ATTENTION stands from that over all rows");
}

}  // namespace

std::unique_ptr<PySequence> create_sequence(const EnginePointer& engine, const std::string& kv) {
  return std::make_unique<PySequence>(engine,
                                      take(released([&] { return engine->create_sequence(kv); })));
}

void append_jointly(const EnginePointer& engine,
                    const std::vector<std::pair<PySequence*, std::vector<Token>>>& appends,
                    bool all_logits) {
  std::vector<PySequence*> order;
  std::vector<Append> parts;
  for (const auto& [sequence, tokens] : appends) {
    order.push_back(sequence);
    parts.push_back({&sequence->sequence, tokens});
  }
  std::sort(order.begin(), order.end(), std::less<>());  // One order of locks for all threads.
  if (std::adjacent_find(order.begin(), order.end()) != order.end())
    raise({Code::kInvalid, "appends: a sequence is named twice", "appends"});
  for (const PySequence* sequence : order)
    if (sequence->engine != engine)
      raise({Code::kInvalid, "appends: a sequence belongs to another engine", "appends"});
  const Status status = released([&] {
    std::vector<std::unique_lock<std::mutex>> locks;
    for (PySequence* sequence : order) locks.emplace_back(sequence->mutex);
    return engine->append(parts, all_logits ? LogitRows::kAll : LogitRows::kLast);
  });
  for (const auto& [sequence, tokens] : appends) sequence->failure->raise();
  take(status);
}

void bind_sequence(nb::module_& module) {
  bind_observable(module);
  nb::class_<PySequence>(module, "Sequence",
                         "A stream of tokens with its keys and values. Made by "
                         "Engine.create_sequence() or fork(); its memory is given back with it.")
      .def("append", append, nb::arg("tokens"), nb::kw_only(), nb::arg("all_logits") = false,
           "Computes the tokens after what is there. Returns the logits of the last one, "
           "[vocabulary], or of all, [tokens, vocabulary], as a float32 array of your own.")
      .def_prop_ro("logits", logits, nb::rv_policy::automatic,
                   "What the last append gave; empty before the first.")
      .def("sample", sample, nb::arg("options") = nb::none(),
           "Chooses the next token from the last logits; does not append it.")
      .def("fork", fork, nb::arg("kv") = nb::none(),
           "A copy that goes its own way. Keys and values so far are shared. kv is a recipe that "
           "the copy of a sequence without one takes on: what is appended next is the rest of a "
           "prompt, and the copy is as though all of it had been given to "
           "create_sequence(kv).append().")
      .def_prop_ro("tokens", tokens, "All tokens, as a list.")
      .def("__len__", [](PySequence& self) { return tokens(self).size(); })
      .def_prop_ro(
          "kv_bytes",
          [](PySequence& self) {
            return released([&] {
              std::lock_guard lock(self.mutex);
              return self.sequence.kv_bytes();
            });
          },
          "Bytes of keys and values. Shared pages count in each sequence.")
      .def_prop_ro(
          "pages_read",
          [](PySequence& self) {
            return released([&] {
              std::lock_guard lock(self.mutex);
              const PageReads reads = self.sequence.pages_read();
              return std::make_pair(reads.read, reads.there);
            });
          },
          "Of pages of 64 rows, of each layer and KV head: (those that were read, those there were "
          "to read), by tokens past prompts under a recipe with read=.")
      .def("kept", kept, nb::arg("layer"), nb::arg("kv_head"),
           "Positions of the rows that attention of later tokens reads, as a list.")
      .def("kept_rows", kept_rows, nb::arg("layer"), nb::arg("kv_head"),
           "Those rows themselves, as float32 arrays: how many rows each stands for, [rows] (1, or "
           "more of merged ones), and keys and values as they are stored, [rows, head_dim].")
      .def("observe", observe, nb::arg("what"), nb::arg("callback").none(),
           "Calls callback(what, layer, position, values) for these values of every later append: "
           "values is [rows, columns], position that of its first row, layer -1 where there is "
           "none. The callback runs on the engine's thread and must not call the engine; the "
           "first exception that it raises comes out of append(), whose tokens are there all the "
           "same. None stops it.");
}

}  // namespace weir::python
