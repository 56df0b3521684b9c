#include "eval/stream.h"

#include <algorithm>

#include "eval/statistics.h"

namespace weir::eval {
namespace {

constexpr size_t kPiece = 64;

}  // namespace

std::vector<Bucket> position_buckets(uint32_t tokens) {
  constexpr int kFirst = 256;
  std::vector<Bucket> out;
  const auto end = static_cast<int>(tokens);
  for (int from = 1, to = kFirst; from <= end; from = to + 1, to *= 2)
    out.push_back({from, std::min(to, end)});
  return out;
}

Status stream(Engine& engine, const Arm& arm, std::span<const Token> tokens, size_t context,
              ArmTally& to) {
  const uint64_t before = engine.stats().kv_bytes_used;
  WEIR_ASSIGN(Sequence sequence, engine.create_sequence(arm.recipe));
  std::vector<double> nll;  // Of the token after each.
  for (size_t from = 0; from < context; from += kPiece) {
    const auto piece = tokens.subspan(from, std::min(kPiece, context - from));
    WEIR_ASSIGN(const auto logits, sequence.append(piece, LogitRows::kAll));
    const size_t vocabulary = logits.size() / piece.size();
    for (size_t i = 0; i < piece.size(); ++i)
      nll.push_back(
          -log_probability(logits.subspan(i * vocabulary, vocabulary), tokens[from + i + 1]));
  }
  const uint64_t after = engine.stats().kv_bytes_used;
  to.measures[std::string(kStreamBytes)].push_back(static_cast<double>(after - before));
  for (const Bucket& b : position_buckets(static_cast<uint32_t>(context))) {
    const auto first = static_cast<size_t>(b.first), last = static_cast<size_t>(b.last);
    to.measures[bucket_name(kStreamNll, b)].push_back(
        mean(std::span<const double>(nll).subspan(first - 1, last - first + 1)));
  }
  return {};
}

}  // namespace weir::eval
