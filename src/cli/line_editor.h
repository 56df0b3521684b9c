// Lines from the user: with editing and history on a terminal, plain elsewhere.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace weir::cli {

class LineEditor {
 public:
  // One per process. `prompt` stands before every line; the history is kept in the user's state
  // directory, ${XDG_STATE_HOME:-~/.local/state}/weir/history.
  explicit LineEditor(std::string prompt);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // What the user enters next; lines that end in a backslash go on in the next one. Empty after
  // Ctrl-C; nullopt at the end of input (Ctrl-D).
  std::optional<std::string> read();

  // Whether Ctrl-C reaches read() as a key, not the process as a signal.
  bool on_terminal() const { return terminal_ != nullptr; }

 private:
  class Terminal;
  std::optional<std::string> line(bool continued);

  const std::string prompt_;
  std::unique_ptr<Terminal> terminal_;  // Null where standard input is none.
};

}  // namespace weir::cli
