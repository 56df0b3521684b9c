// Tests that run once for each ISA of this machine and binary.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "kernels/isa.h"

namespace weir {

class IsaTest : public testing::TestWithParam<std::string_view> {
 protected:
  IsaTest() { EXPECT_TRUE(set_isa(GetParam())); }
  ~IsaTest() override { (void)set_isa(available_isas().back()); }
};

}  // namespace weir

#define WEIR_FOR_EACH_ISA(Test)                                                                 \
  INSTANTIATE_TEST_SUITE_P(Isas, Test,                                                          \
                           testing::ValuesIn(available_isas().begin(), available_isas().end()), \
                           [](const auto& isa) { return std::string(isa.param); })
