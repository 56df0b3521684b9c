// Any bytes as a model file: parsed, and read as far as they go. Starts from tiny models of each
// architecture, since random bytes would never get past the header.
#include <cstring>

#include "format/altered_gguf.h"
#include "format/tiny_model.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

std::string seed_model(unsigned seed) {
  weir::TinyModel model;
  model.architecture = static_cast<weir::Architecture>(seed % 4);
  model.layers = 1;
  model.vocabulary = weir::kTinyVocabularyMin;
  model.type = seed & 4 ? weir::DType::kQ8_0 : weir::DType::kF32;
  model.tied_output = seed & 8;
  return weir::tiny_model(model);
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  constexpr size_t kHeaderBytes = 24;
  if (size >= kHeaderBytes && seed % 64 != 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string model = seed_model(seed / 64);
  if (model.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, model.data(), model.size());
  return LLVMFuzzerMutate(data, model.size(), max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const weir::ExactBytes bytes({reinterpret_cast<const char*>(data), size});
  auto file = weir::GgufFile::parse(bytes.span());
  if (!file) return 0;
  for (const weir::GgufEntry& entry : file->metadata()) (void)weir::describe(entry);
  (void)weir::read_model(std::move(*file));
  return 0;
}
