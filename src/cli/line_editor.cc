#include "cli/line_editor.h"

#include <histedit.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <utility>

namespace weir::cli {
namespace {

constexpr int kHistoryLines = 1000;

std::filesystem::path history_file() {
  namespace fs = std::filesystem;
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (!(state && *state) && !(home && *home)) return {};
  const fs::path folder =
      (state && *state ? fs::path(state) : fs::path(home) / ".local" / "state") / "weir";
  std::error_code error;
  fs::create_directories(folder, error);
  return error ? fs::path() : folder / "history";
}

}  // namespace

// libedit, which is C and knows its user by one pointer.
class LineEditor::Terminal {
 public:
  explicit Terminal(std::string prompt) : prompt_(std::move(prompt)), file_(history_file()) {
    if (!std::setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
    edit_ = el_init("weir", stdin, stdout, stderr);
    history_ = history_init();
    HistEvent event;
    history(history_, &event, H_SETSIZE, kHistoryLines);
    history(history_, &event, H_SETUNIQUE, 1);
    if (!file_.empty()) history(history_, &event, H_LOAD, file_.c_str());
    el_set(edit_, EL_CLIENTDATA, this);
    el_set(edit_, EL_PROMPT, prompt_of);
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_HIST, history, history_);
    // Ctrl-C is a key here, not a signal: it drops the line.
    el_set(edit_, EL_SETTY, "-d", "-isig", nullptr);
    el_set(edit_, EL_ADDFN, "weir-drop-line", "Drop the line", drop_line);
    el_set(edit_, EL_BIND, "^C", "weir-drop-line", nullptr);
    el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_source(edit_, nullptr);
  }

  ~Terminal() {
    HistEvent event;
    if (!file_.empty()) history(history_, &event, H_SAVE, file_.c_str());
    history_end(history_);
    el_end(edit_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::optional<std::string> line(bool continued) {
    continued_ = continued;
    dropped_ = false;
    int count = 0;
    const char* text = el_gets(edit_, &count);
    if (dropped_) return std::string();
    if (!text || count <= 0) return std::nullopt;
    std::string out(text, static_cast<size_t>(count));
    if (out.ends_with('\n')) out.pop_back();
    HistEvent event;
    if (!out.empty()) history(history_, &event, H_ENTER, out.c_str());
    return out;
  }

 private:
  static Terminal* self(EditLine* edit) {
    void* data = nullptr;
    el_get(edit, EL_CLIENTDATA, &data);
    return static_cast<Terminal*>(data);
  }
  static char* prompt_of(EditLine* edit) {
    static char more[] = ". ";
    return self(edit)->continued_ ? more : self(edit)->prompt_.data();
  }
  static unsigned char drop_line(EditLine* edit, int) {
    self(edit)->dropped_ = true;
    std::cout << "^C\n" << std::flush;
    return CC_NEWLINE;
  }

  std::string prompt_;
  const std::filesystem::path file_;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
  bool continued_ = false, dropped_ = false;
};

LineEditor::LineEditor(std::string prompt) : prompt_(std::move(prompt)) {
  if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
    terminal_ = std::make_unique<Terminal>(prompt_);
}

LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::line(bool continued) {
  if (terminal_) return terminal_->line(continued);
  std::string out;
  if (!std::getline(std::cin, out)) return std::nullopt;
  return out;
}

std::optional<std::string> LineEditor::read() {
  std::string text;
  for (bool continued = false;; continued = true) {
    const auto next = line(continued);
    if (!next) return continued ? std::optional(text) : std::nullopt;
    text += *next;
    if (!text.ends_with('\\')) return text;
    text.back() = '\n';
  }
}

}  // namespace weir::cli
