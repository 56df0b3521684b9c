#include "cli/console.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "cli/command.h"

namespace weir::cli {
namespace {

std::atomic<bool> g_output_lost{false};
std::atomic<bool> g_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // It is set in a signal handler.

void on_interrupt(int) {
  if (g_interrupted.exchange(true)) _exit(kInterrupted);
}

void set_handler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

}  // namespace

bool output_is_terminal() {
  return isatty(STDOUT_FILENO) == 1;
}

bool errors_are_terminal() {
  return isatty(STDERR_FILENO) == 1;
}

int report(const Error& error) {
  warn(error.message);
  return kFailure;
}

void warn(std::string_view message) {
  fmt::print(stderr, "weir: {}\n", message);
}

void put(std::string_view text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (whole && std::fflush(stdout) == 0) return;
  const int error = errno;
  if (!g_output_lost.exchange(true) && error != EPIPE)
    warn(
        fmt::format("cannot write to standard output: {}", std::generic_category().message(error)));
}

bool output_lost() {
  return g_output_lost;
}

void put_json(const boost::json::object& object) {
  put(boost::json::serialize(object) + "\n");
}

std::string human_bytes(uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  constexpr std::string_view kUnits = "kMGTPE";
  for (value /= 1000; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}B", value, kUnits[unit]);
}

InterruptScope::InterruptScope() {
  clear();
  set_handler(on_interrupt);
}

InterruptScope::~InterruptScope() {
  set_handler(SIG_DFL);
}

bool InterruptScope::interrupted() {
  return g_interrupted.load();
}

void InterruptScope::clear() {
  g_interrupted = false;
}

}  // namespace weir::cli
