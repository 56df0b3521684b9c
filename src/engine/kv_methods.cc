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
          p.least_positive,
          p.whole,
          {p.words.begin(), p.words.end()}};
}

KvMethod described(const MethodInfo& m) {
  KvMethod out;
  out.name = m.name, out.role = m.role, out.paper = m.paper;
  out.description = m.says, out.observes = m.observes;
  out.bytes_per_row = m.bytes_per_row, out.bytes_per_query_head = m.bytes_per_query_head;
  out.bytes_per_token = kSampleRowBytes + m.bytes_per_row + m.bytes_per_query_head;
  const Arguments defaults(m);
  for (const Parameter& p : m.parameters) out.parameters.push_back(described(p, defaults));
  return out;
}

// Summaries grow evenly with the dimensions.
KvMethod described(const RetrieverEntry& entry) {
  KvMethod out = described(entry.info);
  const auto retriever = entry.make(Arguments(entry.info));
  const auto page_bytes = [&](uint32_t head_dim) {
    return static_cast<double>(retriever->summary_floats(head_dim) * sizeof(float));
  };
  const double bytes = page_bytes(kSampleHeadDim);
  out.bytes_per_page_dim = (page_bytes(2 * kSampleHeadDim) - bytes) / kSampleHeadDim;
  out.bytes_per_page = static_cast<uint32_t>(bytes - out.bytes_per_page_dim * kSampleHeadDim);
  out.bytes_per_token += bytes / kPageSlots;
  return out;
}

KvMethod described(const CodecEntry& entry) {
  KvMethod out = described(entry.info);
  const PageShape sample{1, kSampleHeadDim, DType::kF16};
  const auto codec = entry.make(sample, Arguments(entry.info));
  out.bytes_per_token = static_cast<double>(codec->page_bytes()) / (kPageSlots * codec->group());
  return out;
}

}  // namespace

std::vector<KvMethod> kv_methods() {
  std::vector<KvMethod> out;
  for (const PolicyEntry* entry : policies()) out.push_back(described(entry->info));
  for (const RetrieverEntry* entry : retrievers()) out.push_back(described(*entry));
  for (const CodecEntry* entry : codecs())
    if (entry->info.name != "raw") out.push_back(described(*entry));  // What no word says.
  return out;
}

}  // namespace weir
