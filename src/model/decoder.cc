#include "model/decoder.h"

#include <algorithm>
#include <cmath>

#include "base/thread_pool.h"
#include "kernels/attention.h"

namespace weir {
namespace {

// A vector's memory for n rows; grows, never shrinks.
float* grown(std::vector<float>& v, size_t n) {
  if (v.size() < n) v.resize(n);
  return v.data();
}

std::span<const float> vector_of(const Tensor& t) {
  return t.empty() ? std::span<const float>() : t.floats();
}

}  // namespace

Decoder::Decoder(const ModelFile& file, Arithmetic arithmetic, ThreadPool& pool,
                 const PackProgress& progress)
    : config_(file.config), arithmetic_(arithmetic), pool_(pool) {
  uint64_t done = 0;
  const auto pack = [&](const Tensor& t) {
    if (t.empty()) return PackedMatrix();
    PackedMatrix packed(t, arithmetic, pool);
    file.file.forget(t);
    done += t.bytes();
    if (progress) progress(done);
    return packed;
  };
  const ModelWeights& w = file.weights;
  embedding_ = pack(w.token_embedding);
  if (w.output.data != w.token_embedding.data) output_ = pack(w.output);
  output_norm_ = vector_of(w.output_norm);
  for (const LayerWeights& l : w.layers)
    layers_.push_back({vector_of(l.attn_norm), vector_of(l.post_attn_norm), vector_of(l.ffn_norm),
                       vector_of(l.post_ffn_norm), vector_of(l.q_norm), vector_of(l.k_norm),
                       vector_of(l.q_bias), vector_of(l.k_bias), vector_of(l.v_bias), pack(l.q),
                       pack(l.k), pack(l.v), pack(l.attn_out), pack(l.gate), pack(l.up),
                       pack(l.down)});
  const int dims = static_cast<int>(config_.rope_dims);
  rope_ = RopeTable(dims, config_.rope_theta, config_.rope_factor, vector_of(w.rope_freqs));
  local_rope_ = RopeTable(dims, config_.rope_theta_local, 1, {});
}

bool Decoder::local(uint32_t l) const {
  return config_.sliding_layers[l];
}

CacheShape Decoder::cache_shape(DType kv, uint32_t step_tokens_max) const {
  CacheShape shape{config_.layers, config_.kv_heads, config_.head_dim, kv, {}, step_tokens_max};
  for (uint32_t l = 0; l < config_.layers; ++l)
    shape.reach.push_back(
        local(l) ? Reach{Reach::Kind::kWindow, static_cast<int32_t>(config_.sliding_window), 0, 0}
                 : Reach{});
  return shape;
}

uint64_t Decoder::weight_bytes() const {
  uint64_t bytes = embedding_.bytes() + output_.bytes();
  for (const DecoderLayer& l : layers_)
    for (const PackedMatrix* m : {&l.q, &l.k, &l.v, &l.out, &l.gate, &l.up, &l.down})
      bytes += m->bytes();
  return bytes;
}

// One row is done by the caller: waking the other threads would cost more.
void Decoder::for_each_row(const Rows& rows, const std::function<void(size_t)>& body) {
  constexpr size_t kRowsPerPiece = 8;
  if (rows.count <= kRowsPerPiece)
    for (size_t i = 0; i < rows.count; ++i) body(i);
  else
    pool_.for_each((rows.count + kRowsPerPiece - 1) / kRowsPerPiece, [&](size_t piece) {
      const size_t end = std::min(rows.count, (piece + 1) * kRowsPerPiece);
      for (size_t i = piece * kRowsPerPiece; i < end; ++i) body(i);
    });
}

void Decoder::begin(const Rows& rows) {
  const size_t pairs = config_.rope_dims / 2;
  for (auto* v : {&cosine_, &sine_, &local_cosine_, &local_sine_}) grown(*v, rows.count * pairs);
  const bool any_local = config_.sliding_window > 0;
  for (const RowSpan& s : rows.spans)
    for (uint32_t i = 0; i < s.rows; ++i) {
      const size_t at = (s.first + i) * pairs;
      const int32_t position = s.position + static_cast<int32_t>(i);
      rope_.angles(position, &cosine_[at], &sine_[at]);
      if (any_local) local_rope_.angles(position, &local_cosine_[at], &local_sine_[at]);
    }
}

void Decoder::embed(std::span<const int32_t> tokens, const Rows& rows) {
  const size_t d = config_.d_model;
  for_each_row(rows, [&](size_t i) {
    embedding_.widen_row(static_cast<size_t>(tokens[i]), rows.x + i * d);
    if (config_.embedding_scale != 1) scale(rows.x + i * d, config_.embedding_scale, d);
  });
  observe(Observable::kEmbedding, ~0u, rows, rows.x, d);
}

void Decoder::multiply(Profile::Kind kind, std::initializer_list<Product> products) {
  Profile::Work work;
  for (const Product& p : products) {
    work.bytes += p.w->bytes();
    work.macs += p.w->rows() * p.w->columns() * input_.rows();
    work.integer = p.w->arithmetic() == Arithmetic::kInteger;
  }
  profile().time(kind, work, [&] { matmul(pool_, products, input_); });
}

void Decoder::norm(const Rows& rows, std::span<const float> weight) {
  const size_t d = config_.d_model;
  float* hidden = grown(hidden_, rows.count * d);
  for_each_row(rows, [&](size_t i) {
    rms_norm(rows.x + i * d, weight.data(), d, config_.rms_epsilon, hidden + i * d);
  });
  input_.set(hidden, rows.count, d, arithmetic_, pool_);
}

void Decoder::project_qkv(const DecoderLayer& w, const Rows& rows) {
  const struct {
    const PackedMatrix& matrix;
    std::span<const float> bias;
    std::vector<float>& out;
  } parts[] = {{w.q, w.q_bias, q_}, {w.k, w.k_bias, k_}, {w.v, w.v_bias, v_}};
  const auto product = [&](size_t i) {
    const size_t n = parts[i].matrix.rows();
    return Product{&parts[i].matrix, grown(parts[i].out, rows.count * n), n};
  };
  multiply(Profile::kQkv, {product(0), product(1), product(2)});
  for (const auto& p : parts) {
    const size_t n = p.matrix.rows();
    if (p.bias.empty()) continue;
    for_each_row(rows, [&](size_t i) { add(&p.out[i * n], p.bias.data(), n); });
  }
}

void Decoder::norm_heads(const DecoderLayer& w, const Rows& rows) {
  const size_t dim = config_.head_dim;
  const auto norm_all = [&](std::vector<float>& x, size_t heads, size_t row,
                            std::span<const float> weight) {
    for (size_t h = 0; h < heads; ++h) {
      float* head = &x[(row * heads + h) * dim];
      rms_norm(head, weight.data(), dim, config_.rms_epsilon, head);
    }
  };
  for_each_row(rows, [&](size_t i) {
    norm_all(q_, config_.heads, i, w.q_norm);
    norm_all(k_, config_.kv_heads, i, w.k_norm);
  });
}

void Decoder::rotate_and_write(uint32_t l, const Rows& rows) {
  const int dims = static_cast<int>(config_.rope_dims);
  const size_t pairs = config_.rope_dims / 2, dim = config_.head_dim;
  const auto& cosine = local(l) ? local_cosine_ : cosine_;
  const auto& sine = local(l) ? local_sine_ : sine_;
  const auto rotate = [&](std::vector<float>& x, size_t heads, size_t row) {
    for (size_t h = 0; h < heads; ++h)
      rope(&x[(row * heads + h) * dim], dims, &cosine[row * pairs], &sine[row * pairs],
           config_.rope_interleaved);
  };
  const size_t kv = config_.kv_heads * dim;
  std::vector<const RowSpan*> span_of(rows.count);
  for (const RowSpan& s : rows.spans) std::fill_n(span_of.begin() + s.first, s.rows, &s);
  for_each_row(rows, [&](size_t i) {
    rotate(q_, config_.heads, i);
    rotate(k_, config_.kv_heads, i);
    const RowSpan& s = *span_of[i];
    s.cache->write(l, s.position + static_cast<int32_t>(i - s.first), &k_[i * kv], &v_[i * kv]);
  });
  observe(Observable::kQuery, l, rows, q_.data(), config_.heads * dim);
  observe(Observable::kKey, l, rows, k_.data(), kv);
  observe(Observable::kValue, l, rows, v_.data(), kv);
}

// Each row reads what it sees once for all heads of a group; rows of one sequence share it.
Profile::Work Decoder::attention_work(uint32_t l, const Rows& rows) const {
  Profile::Work work;
  const uint64_t window = local(l) ? config_.sliding_window : ~0u;
  for (const RowSpan& s : rows.spans) {
    const uint64_t end = static_cast<uint64_t>(s.position) + s.rows;
    uint64_t seen = 0;  // Of all rows together.
    for (uint64_t at = static_cast<uint64_t>(s.position) + 1; at <= end; ++at)
      seen += std::min(at, window);
    const uint64_t slots = std::min<uint64_t>(end, window + s.rows - 1);
    work.bytes += slots * 2 * config_.kv_heads * row_bytes(s.cache->shape().kv, config_.head_dim);
    work.macs += seen * 2 * config_.heads * config_.head_dim;
  }
  return work;
}

void Decoder::attend_layer(uint32_t l, const Rows& rows) {
  const size_t n = size_t{config_.heads} * config_.head_dim;
  grown(attended_, rows.count * n);
  lists_.resize(rows.spans.size() * config_.kv_heads);
  queries_.clear();
  DType kv = DType::kF16;
  for (const RowSpan& s : rows.spans) {
    const auto lists =
        std::span(lists_).subspan(queries_.size() * config_.kv_heads, config_.kv_heads);
    s.cache->lists(l, s.position, lists);
    kv = s.cache->shape().kv;
    queries_.push_back({lists, static_cast<int32_t>(s.rows), &q_[s.first * n],
                        &attended_[s.first * n], nullptr, nullptr});
  }
  const AttentionShape shape{static_cast<int>(config_.heads),
                             static_cast<int>(config_.kv_heads),
                             static_cast<int>(config_.head_dim),
                             kv,
                             local(l) ? static_cast<int>(config_.sliding_window) : 0,
                             config_.attention_scale};
  profile().time(Profile::kAttention, profile().on() ? attention_work(l, rows) : Profile::Work(),
                 [&] { attend(pool_, shape, queries_); });
  observe(Observable::kAttention, l, rows, attended_.data(), n);
}

void Decoder::add_normed(const float* y, std::span<const float> weight, const Rows& rows) {
  const size_t d = config_.d_model;
  float* hidden = grown(hidden_, rows.count * d);
  for_each_row(rows, [&](size_t i) {
    rms_norm(y + i * d, weight.data(), d, config_.rms_epsilon, hidden + i * d);
    add(rows.x + i * d, hidden + i * d, d);
  });
}

void Decoder::project_out(const DecoderLayer& w, const Rows& rows) {
  const size_t d = config_.d_model;
  input_.set(attended_.data(), rows.count, size_t{config_.heads} * config_.head_dim, arithmetic_,
             pool_);
  if (w.post_attn_norm.empty()) return multiply(Profile::kOut, {{&w.out, rows.x, d, true}});
  multiply(Profile::kOut, {{&w.out, grown(q_, rows.count * d), d}});
  add_normed(q_.data(), w.post_attn_norm, rows);
}

void Decoder::feed_forward(const DecoderLayer& w, const Rows& rows, Gate activation) {
  const size_t d = config_.d_model, n = config_.ffn;
  float* gate = grown(gate_, rows.count * n);
  float* up = grown(up_, rows.count * n);
  multiply(Profile::kGateUp, {{&w.gate, gate, n}, {&w.up, up, n}});
  for_each_row(rows, [&](size_t i) { activation(gate + i * n, up + i * n, n, gate + i * n); });
  input_.set(gate, rows.count, n, arithmetic_, pool_);
  if (w.post_ffn_norm.empty()) return multiply(Profile::kDown, {{&w.down, rows.x, d, true}});
  multiply(Profile::kDown, {{&w.down, grown(q_, rows.count * d), d}});
  add_normed(q_.data(), w.post_ffn_norm, rows);
}

void Decoder::head(const Rows& rows, std::span<const uint32_t> picked, float* logits) {
  const size_t d = config_.d_model;
  float* x = grown(picked_, picked.size() * d);
  for (size_t i = 0; i < picked.size(); ++i)
    rms_norm(rows.x + picked[i] * d, output_norm_.data(), d, config_.rms_epsilon, x + i * d);
  for (size_t i = 0; i < picked.size(); ++i)
    for (const RowSpan& s : rows.spans)
      if (s.watch && (s.watch->what & static_cast<uint32_t>(Observable::kFinalNorm)) &&
          picked[i] >= s.first && picked[i] < s.first + s.rows)
        s.watch->observer({Observable::kFinalNorm,
                           -1,
                           s.position + static_cast<int32_t>(picked[i] - s.first),
                           1,
                           d,
                           {x + i * d, d}});
  input_.set(x, picked.size(), d, arithmetic_, pool_);
  const PackedMatrix& output = output_.empty() ? embedding_ : output_;
  multiply(Profile::kHead, {{&output, logits, output.rows()}});
}

void Decoder::observe(Observable what, uint32_t l, const Rows& rows, const float* values,
                      size_t columns) {
  for (const RowSpan& s : rows.spans)
    if (s.watch && (s.watch->what & static_cast<uint32_t>(what)))
      s.watch->observer({what,
                         static_cast<int>(l),
                         s.position,
                         s.rows,
                         columns,
                         {values + s.first * columns, s.rows * columns}});
}

}  // namespace weir
