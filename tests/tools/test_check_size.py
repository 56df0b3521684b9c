"""The size check measures rightly and can fail."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import check_size  # noqa: E402

CPP = """
#include <x>
namespace weir {
namespace {

struct Pair { int a = 0; };

int one() { return 1; }

class Foo : public Bar<int> {
 public:
  explicit Foo(int a)
      : a_{a}, b_(2) {
    // A brace in a comment: }
    run("a brace }", '}', 1'000);
  }
  int get() const noexcept { return a_; }

 private:
  int a_ = f({1, 2});
  std::array<int, 2> b_{1, 2};
};

}  // namespace

constexpr int kTable[] = {
    f(1),
    2,
};

template <typename T>
auto call(T t) -> decltype(t()) {
  auto inner = [&](int x) {
    if (x) {
      return 1;
    }
    return 2;
  };
  return inner(t());
}

}  // namespace weir
"""


def run(root):
    return subprocess.run([sys.executable, TOOLS / "check_size.py", "--root", root],
                          capture_output=True, text=True, check=False)


def test_functions_are_found_with_their_lengths():
    found = list(check_size.cpp_functions(CPP))
    assert [length for _, length in found] == [1, 5, 1, 10]
    assert found[0] == (8, 1)


def test_a_tidy_tree_passes(tmp_path):
    (tmp_path / "a.cc").write_text(CPP)
    assert run(tmp_path).returncode == 0


@pytest.mark.parametrize(("name", "text", "complaint"), [
    ("a.cc", "int x;\n" * 501, "501 lines"),
    ("a.h", "// " + "x" * 98 + "\n", "101 columns"),
    ("a.py", "# T" + "ODO later\n", "unfinished"),
    ("a.md", "F" + "IXME\n", "unfinished"),
    ("a.txt", "see /wor" + "k/main\n", "one machine"),
    ("a.md", "see ../sha" + "red/x\n", "one machine"),
    ("a.cc", "void f() {\n" + "  g();\n" * 30 + "}\n", "one function in ten"),
    ("a.py", "def f():\n" + "    g()\n" * 30, "one function in ten"),
])
def test_each_gauge_can_fail(tmp_path, name, text, complaint):
    (tmp_path / name).write_text(text)
    result = run(tmp_path)
    assert result.returncode == 1
    assert complaint in result.stderr


def test_one_long_function_in_twenty_passes(tmp_path):
    short = "".join(f"void f{i}() {{}}\n" for i in range(20))
    (tmp_path / "a.cc").write_text(short + "void g() {\n" + "  h();\n" * 40 + "}\n")
    assert run(tmp_path).returncode == 0
