// Any template over any JSON gives text or an error. The bytes are a template; after a NUL comes
// the JSON of the messages.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "text/chat_template.h"

namespace {

boost::json::value messages_of(std::string_view text) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(text, error);
  if (!error) return value;
  return boost::json::array{{{"role", "user"}, {"content", text}},
                            {{"role", "assistant"}, {"content", nullptr}}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(bytes.find('\0'), size);
  const auto parsed = weir::ChatTemplate::parse(bytes.substr(0, end));
  if (!parsed) return 0;
  weir::ChatTemplateInput input;
  input.messages = messages_of(bytes.substr(std::min(end + 1, size)));
  input.tools = input.messages;
  input.bos_token = "<s>";
  (void)parsed->render(input);
  return 0;
}
