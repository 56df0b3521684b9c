#include "weir/kv_methods.h"

#include "kv/codec.h"
#include "kv/policy.h"
#include "kv/retriever.h"

namespace weir {
namespace {

KvParameter described(const Parameter& p, const Arguments& defaults) {
  const std::string initial = defaults.written(p.name);
  return {std::string(p.name),
          std::string(p.says),
          initial,
          p.least,
          p.most,
          p.whole,
          {p.words.begin(), p.words.end()}};
}

KvMethod described(const MethodInfo& m) {
  KvMethod out{std::string(m.name),    std::string(m.role),     std::string(m.paper),
               std::string(m.says),    std::string(m.observes), m.bytes_per_row,
               m.bytes_per_query_head, m.bytes_per_page_dim,    {}};
  const Arguments defaults(m);
  for (const Parameter& p : m.parameters) out.parameters.push_back(described(p, defaults));
  return out;
}

}  // namespace

std::vector<KvMethod> kv_methods() {
  std::vector<KvMethod> out;
  for (const PolicyEntry* entry : policies()) out.push_back(described(entry->info));
  for (const RetrieverEntry* entry : retrievers()) out.push_back(described(entry->info));
  for (const CodecEntry* entry : codecs())
    if (entry->info.name != "raw") out.push_back(described(entry->info));  // What no word says.
  return out;
}

}  // namespace weir
