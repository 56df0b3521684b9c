#include "catalog/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace weir {
namespace {

namespace json = boost::json;

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
constexpr std::string_view kHexDigits = "0123456789abcdef";

bool made_of(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

// A name that stays what it is as a file name and as an argument of a program.
bool is_plain_name(std::string_view text) {
  return made_of(text, kNameCharacters) && text[0] != '.' && text[0] != '-';
}

bool is_requirement(std::string_view text) {
  const size_t equals = text.find("==");
  return equals != std::string_view::npos && is_plain_name(text.substr(0, equals)) &&
         is_plain_name(text.substr(equals + 2));
}

// The fields of one model's object; errors name the model by its place.
class FieldReader {
 public:
  FieldReader(const json::object& object, size_t index) : object_(object), index_(index) {}

  Status text(const char* field, std::string& out) const {
    const json::value* value = object_.if_contains(field);
    if (!value || !value->is_string() || value->get_string().empty())
      return wrong(field, "a string that is not empty");
    out = value->get_string().c_str();
    return {};
  }

  Status size(const char* field, uint64_t& out) const {
    const json::value* value = object_.if_contains(field);
    if (!value || !value->is_int64() || value->get_int64() <= 0)
      return wrong(field, "an integer above 0");
    out = static_cast<uint64_t>(value->get_int64());
    return {};
  }

  Status texts(const char* field, std::vector<std::string>& out) const {
    const json::value* value = object_.if_contains(field);
    if (!value || !value->is_array() || value->get_array().empty())
      return wrong(field, "an array of strings that is not empty");
    for (const json::value& item : value->get_array()) {
      if (!item.is_string()) return wrong(field, "an array of strings");
      out.emplace_back(item.get_string().c_str());
    }
    return {};
  }

  tl::unexpected<Error> wrong(const char* field, std::string_view right) const {
    return fail(Code::kCorrupt,
                fmt::format("models[{}].{} of the manifest must be {}", index_, field, right));
  }

 private:
  const json::object& object_;
  size_t index_;
};

Result<ModelEntry> read_entry(const FieldReader& fields) {
  ModelEntry entry;
  WEIR_TRY(fields.text("name", entry.name));
  WEIR_TRY(fields.text("description", entry.description));
  WEIR_TRY(fields.text("licence", entry.licence));
  WEIR_TRY(fields.text("file", entry.file));
  WEIR_TRY(fields.text("sha256", entry.sha256));
  WEIR_TRY(fields.size("bytes", entry.bytes));
  WEIR_TRY(fields.size("download_bytes", entry.download_bytes));
  WEIR_TRY(fields.texts("packages", entry.packages));
  WEIR_TRY(fields.texts("parts", entry.parts));
  if (!is_plain_name(entry.name)) return fields.wrong("name", "a plain file name");
  if (!is_plain_name(entry.file)) return fields.wrong("file", "a plain file name");
  if (entry.sha256.size() != 64 || !made_of(entry.sha256, kHexDigits))
    return fields.wrong("sha256", "64 lower-case hexadecimal digits");
  if (!std::all_of(entry.packages.begin(), entry.packages.end(), is_requirement))
    return fields.wrong("packages", "requirements of the form name==version");
  return entry;
}

}  // namespace

Result<std::vector<ModelEntry>> parse_manifest(std::string_view text) {
  boost::system::error_code error;
  const json::value root = json::parse({text.data(), text.size()}, error);
  if (error) return fail(Code::kCorrupt, "the manifest is no JSON: " + error.message());
  const json::object* object = root.if_object();
  const json::value* models = object ? object->if_contains("models") : nullptr;
  if (!models || !models->is_array())
    return fail(Code::kCorrupt, "the manifest must be an object with an array \"models\"");
  std::vector<ModelEntry> entries;
  for (size_t i = 0; i < models->get_array().size(); ++i) {
    const json::object* model = models->get_array()[i].if_object();
    if (!model)
      return fail(Code::kCorrupt, fmt::format("models[{}] of the manifest must be an object", i));
    const FieldReader fields(*model, i);
    WEIR_ASSIGN(ModelEntry entry, read_entry(fields));
    for (const ModelEntry& other : entries)
      if (other.name == entry.name || other.file == entry.file)
        return fields.wrong("name", "another than that of an earlier model, and so its file");
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace weir
