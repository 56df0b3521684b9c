// A model file: everything weir reads from one, checked against each other.
#pragma once

#include <filesystem>
#include <string>

#include "format/gguf.h"
#include "format/model_config.h"
#include "format/vocabulary.h"
#include "format/weights.h"
#include "weir/status.h"

namespace weir {

// Movable; the views in it live as long as it does.
struct ModelFile {
  GgufFile file;
  ModelConfig config;
  ModelWeights weights;
  Vocabulary vocabulary;
  std::string digest;  // model_digest(file)
};

// Errors name what is wrong with the file, by key or tensor. Reads every byte once, for the digest.
Result<ModelFile> open_model(const std::filesystem::path& path);

// The same from a parsed file.
Result<ModelFile> read_model(GgufFile file);

// 64 hexadecimal digits that name the model in cache keys: SHA-256 over the header (metadata and
// tensor infos) and XXH3-128 hashes of the data in pieces, which all cores share. Changes with any
// byte. It tells files apart; it is no defence against files made to collide.
std::string model_digest(const GgufFile& file);

}  // namespace weir
