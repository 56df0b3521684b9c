#include "bindings.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace weir::python {
namespace {

const char* name(Code code) {
  switch (code) {
    case Code::kInvalid:
      return "invalid";
    case Code::kNotFound:
      return "not_found";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kIo:
      return "io";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInternal:
      break;
  }
  return "internal";
}

}  // namespace

void raise(const Error& error) {
  const nb::object made = nb::module_::import_("weir.errors")
                              .attr("make_error")(name(error.code), error.message, error.param);
  PyErr_SetObject(made.type().ptr(), made.ptr());
  throw nb::python_error();
}

FloatArray copy_array(std::span<const float> values, std::vector<size_t> shape) {
  auto copy = std::make_unique<float[]>(values.size());
  std::copy(values.begin(), values.end(), copy.get());
  float* data = copy.get();
  nb::capsule owner(copy.release(), [](void* p) noexcept { delete[] static_cast<float*>(p); });
  return FloatArray(data, shape.size(), shape.data(), owner);
}

EnginePointer share(std::unique_ptr<Engine> engine) {
  return EnginePointer(engine.release(), [](Engine* e) {
    if (!PyGILState_Check()) {
      delete e;
      return;
    }
    nb::gil_scoped_release release;
    delete e;
  });
}

std::string utf8(const nb::str& text) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (!data) throw nb::python_error();
  return {data, static_cast<size_t>(size)};
}

std::string dump_json(nb::handle value) {
  return nb::cast<std::string>(nb::module_::import_("json").attr("dumps")(value));
}

}  // namespace weir::python

NB_MODULE(_weir, m) {
  m.doc() = "The extension behind the package `weir`.";
  m.attr("__version__") = WEIR_VERSION;
  weir::python::bind_options(m);
  weir::python::bind_sequence(m);
  auto engine = weir::python::bind_engine(m);
  weir::python::bind_generation(m, engine);
  weir::python::bind_models(m);
  weir::python::bind_kv_methods(m);
}
