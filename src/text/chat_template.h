// Chat templates: the Jinja text that a model file carries, run on a conversation to give a prompt.
//
// The language is that of Python's jinja2 3.1 in the environment that Hugging Face transformers
// builds for `apply_chat_template` (an immutable sandbox with trim_blocks, lstrip_blocks, loop
// controls, `generation` blocks, `raise_exception`, `strftime_now` and its own `tojson`); the
// output is equal to jinja2's, byte for byte. Where weir says no and jinja2 does not: integers
// beyond 64 bits, recursive loops, template inheritance, printing a generator or a function, a few
// filters no chat template uses (urlize, xmlattr, pprint, ...), and the limits of jinja_limits.h.
// Where weir is more lenient: an unknown filter or test is an error only when it is reached.
// `escape` and `safe` give plain strings, so that `+` does not escape again.
#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "weir/status.h"

namespace weir {

namespace jinja {
struct Program;
}

// What a template sees. Every JSON value may have any type and shape: the template decides what it
// makes of them. Objects keep the order of their keys. Strings are UTF-8.
struct ChatTemplateInput {
  boost::json::value messages;
  boost::json::value tools;      // null: the template sees `none`, as in transformers.
  boost::json::value documents;  // The same.
  bool add_generation_prompt = false;
  std::string bos_token;
  std::string eos_token;
  boost::json::object extra;  // More variables (`enable_thinking`, ...); they win over those above.
  // What `strftime_now` shows, in UTC. Given by the caller so that a prompt can be repeated.
  std::chrono::sys_seconds now{};
};

// One parsed template. Cheap to copy; const, so any number of threads may render at once.
class ChatTemplate {
 public:
  // kInvalid with the line and what was expected.
  static Result<ChatTemplate> parse(std::string_view source);

  // kInvalid when the template calls `raise_exception` (the message is the template's own), when
  // an operation does not fit its values, or when a limit is passed. The message has the line.
  Result<std::string> render(const ChatTemplateInput& input) const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Program> program);

  std::shared_ptr<const jinja::Program> program_;
};

}  // namespace weir
