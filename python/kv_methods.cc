#include "weir/kv_methods.h"

#include <fmt/format.h>

#include "bindings.h"

namespace weir::python {

void bind_kv_methods(nb::module_& module) {
  using P = KvParameter;
  nb::class_<P>(module, "KvParameter", "A parameter of a KV method, as a recipe sets it.")
      .def_ro("name", &P::name)
      .def_ro("description", &P::description)
      .def_ro("initial", &P::initial, "What it is where a recipe does not say, as one writes it.")
      .def_ro("least", &P::least)
      .def_ro("most", &P::most)
      .def_ro("least_positive", &P::least_positive, "What is not 0 is no less than this.")
      .def_ro("whole", &P::whole, "Takes whole numbers only.")
      .def_ro("words", &P::words, "Takes one of these, if there are any.");
  using M = KvMethod;
  nb::class_<M>(module, "KvMethod", "A method that a recipe may name: role=name(parameter=...).")
      .def_ro("name", &M::name)
      .def_ro("role", &M::role, "'keep', 'read' or 'store'.")
      .def_ro("paper", &M::paper)
      .def_ro("description", &M::description)
      .def_ro("observes", &M::observes, "What must be watched of the model for it.")
      .def_ro("bytes_per_row", &M::bytes_per_row)
      .def_ro("bytes_per_query_head", &M::bytes_per_query_head)
      .def_ro("bytes_per_page_dim", &M::bytes_per_page_dim)
      .def_ro("bytes_per_page", &M::bytes_per_page)
      .def_ro("bytes_per_token", &M::bytes_per_token,
              "All that a row takes with the defaults, of a KV head of 64 dimensions at 16 bits "
              "with one query head, in one layer; as it is, it takes 256.")
      .def_ro("parameters", &M::parameters)
      .def("__repr__",
           [](const M& m) { return fmt::format("<weir.KvMethod {}={}>", m.role, m.name); });
  module.def("kv_methods", kv_methods, "The methods that a recipe (kv=...) may name.");
}

}  // namespace weir::python
