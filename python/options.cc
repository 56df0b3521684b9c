#include <fmt/format.h>

#include "bindings.h"

namespace weir::python {
namespace {

// A dict, or pairs, of tokens and numbers, whole ones included.
std::vector<std::pair<Token, float>> bias_of(nb::object given) {
  std::vector<std::pair<Token, float>> out;
  if (given.is_none()) return out;
  if (nb::isinstance<nb::dict>(given)) given = given.attr("items")();
  try {
    for (const nb::handle item : nb::list(given)) {
      const nb::tuple pair(item);
      if (pair.size() != 2) throw nb::cast_error();
      out.emplace_back(nb::cast<Token>(pair[0]), static_cast<float>(nb::cast<double>(pair[1])));
    }
  } catch (const std::exception&) {
    throw nb::type_error(
        "logit_bias must be a dict of tokens and numbers, {5: 1.5} say, or a list of such pairs");
  }
  return out;
}

void init_sampling(SamplingOptions* self, float temperature, int32_t top_k, float top_p,
                   float min_p, float typical_p, float repetition_penalty, float presence_penalty,
                   float frequency_penalty, nb::object logit_bias, std::optional<uint64_t> seed) {
  new (self) SamplingOptions{temperature,
                             top_k,
                             top_p,
                             min_p,
                             typical_p,
                             repetition_penalty,
                             presence_penalty,
                             frequency_penalty,
                             bias_of(std::move(logit_bias)),
                             seed};
}

std::string repr(const SamplingOptions& s) {
  return fmt::format(
      "SamplingOptions(temperature={}, top_k={}, top_p={}, min_p={}, typical_p={}, seed={})",
      s.temperature, s.top_k, s.top_p, s.min_p, s.typical_p,
      s.seed ? std::to_string(*s.seed) : "None");
}

}  // namespace

void bind_options(nb::module_& module) {
  using S = SamplingOptions;
  const S s;
  nb::class_<S>(module, "SamplingOptions",
                "How a token is chosen. Penalties first; then, unless temperature is 0 (greedy), "
                "temperature, top-k, typical, top-p, min-p and a draw. The draw is a function of "
                "seed, choice and position.")
      .def("__init__", init_sampling, nb::kw_only(), nb::arg("temperature") = s.temperature,
           nb::arg("top_k") = s.top_k, nb::arg("top_p") = s.top_p, nb::arg("min_p") = s.min_p,
           nb::arg("typical_p") = s.typical_p, nb::arg("repetition_penalty") = s.repetition_penalty,
           nb::arg("presence_penalty") = s.presence_penalty,
           nb::arg("frequency_penalty") = s.frequency_penalty, nb::arg("logit_bias") = nb::none(),
           nb::arg("seed") = nb::none())
      .def_rw("temperature", &S::temperature, "0 to 2; 0 takes the likeliest token")
      .def_rw("top_k", &S::top_k, "Keep the k likeliest; 0 or -1: all")
      .def_rw("top_p", &S::top_p, "Keep the smallest set with this mass; above 0, at most 1")
      .def_rw("min_p", &S::min_p, "Keep what has this share of the likeliest; 0 to 1")
      .def_rw("typical_p", &S::typical_p, "Locally typical sampling; above 0, at most 1")
      .def_rw("repetition_penalty", &S::repetition_penalty, "Above 0, at most 10; 1: none")
      .def_rw("presence_penalty", &S::presence_penalty, "-2 to 2; 0: none")
      .def_rw("frequency_penalty", &S::frequency_penalty, "-2 to 2; 0: none")
      .def_rw("logit_bias", &S::logit_bias, "Pairs of token and what is added to its logit")
      .def_rw("seed", &S::seed, "None: random")
      .def("__repr__", repr);
}

}  // namespace weir::python
