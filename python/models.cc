#include "weir/models.h"

#include <optional>

#include "bindings.h"
#include "weir/model_summary.h"

namespace weir::python {
namespace {

std::string pull(const std::string& name, const std::optional<nb::callable>& progress) {
  PullProgress report;
  if (progress)
    report = [&](uint64_t done, uint64_t total) {
      nb::gil_scoped_acquire acquire;
      try {
        (*progress)(done, total);
      } catch (nb::python_error& error) {
        error.discard_as_unraisable("weir progress");
      }
    };
  return take(released([&] { return pull_model(name, report); })).string();
}

void bind_entry(nb::module_& module) {
  nb::class_<ModelEntry>(module, "ModelEntry", "A model that weir knows by name.")
      .def_ro("name", &ModelEntry::name)
      .def_ro("description", &ModelEntry::description)
      .def_ro("licence", &ModelEntry::licence)
      .def_ro("bytes", &ModelEntry::bytes)
      .def_ro("sha256", &ModelEntry::sha256);
}

void bind_summary(nb::module_& module) {
  using T = TensorTypeSummary;
  nb::class_<T>(module, "TensorTypeSummary", "The tensors of one element type.")
      .def_ro("type", &T::type)
      .def_ro("tensors", &T::tensors)
      .def_ro("bytes", &T::bytes);
  using S = ModelSummary;
  nb::class_<S>(module, "ModelSummary", "What a model file holds.")
      .def_ro("name", &S::name)
      .def_ro("architecture", &S::architecture)
      .def_ro("licence", &S::licence)
      .def_ro("layers", &S::layers)
      .def_ro("d_model", &S::d_model)
      .def_ro("heads", &S::heads)
      .def_ro("kv_heads", &S::kv_heads)
      .def_ro("head_dim", &S::head_dim)
      .def_ro("ffn", &S::ffn)
      .def_ro("vocabulary", &S::vocabulary)
      .def_ro("context_tokens_max", &S::context_tokens_max)
      .def_ro("sliding_window", &S::sliding_window)
      .def_ro("sliding_layers", &S::sliding_layers)
      .def_ro("tokenizer", &S::tokenizer)
      .def_ro("parameters", &S::parameters)
      .def_ro("tensor_bytes", &S::tensor_bytes)
      .def_ro("kv_bytes_per_token", &S::kv_bytes_per_token)
      .def_ro("tensor_types", &S::tensor_types)
      .def_ro("chat_template", &S::chat_template);
}

}  // namespace

void bind_models(nb::module_& module) {
  bind_entry(module);
  bind_summary(module);
  module.def(
      "known_models", [] { return known_models(); }, "Every model that weir knows by name.");
  module.def("installed_models", installed_models, "Those of them that were pulled.");
  module.def("pull_model", pull, nb::arg("name"), nb::arg("progress") = nb::none(),
             "Fetches a model and returns its path; at once if it is there already.");
  module.def(
      "resolve_model", [](const std::string& model) { return take(resolve_model(model)).string(); },
      nb::arg("model"), "The file of a name or a path.");
  module.def(
      "describe_model",
      [](const std::string& model) { return take(describe_model(take(resolve_model(model)))); },
      nb::arg("model"), "What the file of a name or a path holds, without loading it.");
}

}  // namespace weir::python
