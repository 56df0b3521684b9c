#include "kernels/isa.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace weir {
namespace {

TEST(Isa, ScalarIsAlwaysThereAndComesFirst) {
  ASSERT_FALSE(available_isas().empty());
  EXPECT_EQ(available_isas()[0], "scalar");
}

TEST(Isa, CanBeChangedToWhatIsThere) {
  const std::string before(isa());
  for (std::string_view name : available_isas()) {
    ASSERT_TRUE(set_isa(name).has_value());
    EXPECT_EQ(isa(), name);
  }
  ASSERT_TRUE(set_isa(before).has_value());
}

TEST(Isa, AnUnknownNameIsAnErrorThatSaysWhatThereIs) {
  const std::string before(isa());
  const Status status = set_isa("z80");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, Code::kInvalid);
  EXPECT_NE(status.error().message.find("z80"), std::string::npos);
  EXPECT_NE(status.error().message.find("scalar"), std::string::npos);
  EXPECT_EQ(isa(), before);
}

TEST(Isa, TheEnvironmentIsChecked) {
  const char* before = std::getenv("WEIR_ISA");
  const std::string kept = before ? before : "";
  setenv("WEIR_ISA", "avx9", 1);
  const Status bad = check_isa();
  ASSERT_FALSE(bad.has_value());
  EXPECT_NE(bad.error().message.find("WEIR_ISA is 'avx9'"), std::string::npos);
  setenv("WEIR_ISA", "scalar", 1);
  EXPECT_TRUE(check_isa().has_value());
  setenv("WEIR_ISA", "", 1);  // As if it were unset.
  EXPECT_TRUE(check_isa().has_value());
  unsetenv("WEIR_ISA");
  EXPECT_TRUE(check_isa().has_value());
  if (before) setenv("WEIR_ISA", kept.c_str(), 1);
}

}  // namespace
}  // namespace weir
