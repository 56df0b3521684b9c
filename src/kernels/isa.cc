#include "kernels/isa.h"

#include <cpuid.h>
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>

#include "kernels/kernel_table.h"

namespace weir {
namespace {

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

// As __builtin_cpu_supports has it in some compilers only.
bool has_avxvnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kFeatures = 7, kMore = 1, kAvxVnni = 1u << 4;
  return &kAvxVnniKernels != nullptr && has_avx2() &&
         __get_cpuid_count(kFeatures, kMore, &a, &b, &c, &d) && (a & kAvxVnni);
}

bool has_avx512() {
  return &kAvx512Kernels != nullptr && has_avx2() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}

bool has_emulation() {
  return &kEmulatedAvx512Kernels != nullptr && has_avx2();
}

struct Variant {
  const Kernels* table;
  bool (*runs_here)();
};

// Worst first. A further ISA is a line here and its file in cpu/.
constexpr std::array kVariants = {
    Variant{&kScalarKernels, [] { return true; }},
    Variant{&kEmulatedAvxVnniKernels, has_emulation},
    Variant{&kEmulatedAvx512Kernels, has_emulation},
    Variant{&kAvx2Kernels, has_avx2},
    Variant{&kAvxVnniKernels, has_avxvnni},
    Variant{&kAvx512Kernels, has_avx512},
};

struct Available {
  Available() {
    for (const Variant& v : kVariants)
      if (v.runs_here()) {
        tables[count] = v.table;
        names[count++] = v.table->name;
      }
  }
  const Kernels* find(std::string_view name) const {
    for (size_t i = 0; i < count; ++i)
      if (names[i] == name) return tables[i];
    return nullptr;
  }

  std::array<const Kernels*, kVariants.size()> tables;
  std::array<std::string_view, kVariants.size()> names;
  size_t count = 0;
};

const Available& available() {
  static const Available all;
  return all;
}

std::string names() {
  const auto all = available_isas();
  return fmt::format("{}", fmt::join(all.begin(), all.end(), ", "));
}

// $WEIR_ISA; null where it is unset or empty.
const char* wanted_isa() {
  const char* wanted = std::getenv("WEIR_ISA");
  return wanted && *wanted ? wanted : nullptr;
}

const Kernels* initial() {
  const char* wanted = wanted_isa();
  const Kernels* found = wanted ? available().find(wanted) : nullptr;
  return found ? found : available().tables[available().count - 1];
}

std::atomic<const Kernels*>& current() {
  static std::atomic<const Kernels*> table{initial()};
  return table;
}

}  // namespace

const Kernels& kernels() {
  return *current().load(std::memory_order_relaxed);
}

std::span<const std::string_view> available_isas() {
  return {available().names.data(), available().count};
}

std::string_view isa() {
  return kernels().name;
}

Status check_isa() {
  const char* wanted = wanted_isa();
  if (!wanted || available().find(wanted)) return {};
  return fail(Code::kInvalid,
              fmt::format("WEIR_ISA is '{}'; this machine and binary have {}", wanted, names()));
}

Status set_isa(std::string_view name) {
  const Kernels* found = available().find(name);
  if (!found)
    return fail(Code::kInvalid,
                fmt::format("no ISA '{}'; this machine and binary have {}", name, names()));
  current().store(found, std::memory_order_relaxed);
  return {};
}

}  // namespace weir
