#include "model/decoder.h"

#include <algorithm>
#include <cmath>

#include "base/row_pieces.h"
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

bool watched(const RowSpan& s, Observable what) {
  return s.watch && (s.watch->what & static_cast<uint32_t>(what));
}

Profile::Work work_of(const PackedMatrix& w, size_t rows) {
  return {w.bytes(), w.rows() * w.columns() * rows, w.arithmetic() == Arithmetic::kInteger};
}

}  // namespace

Decoder::Decoder(const ModelFile& file, Arithmetic arithmetic, ThreadPool& pool,
                 const PackProgress& progress)
    : config_(file.config), arithmetic_(arithmetic), pool_(pool) {
  uint64_t done = 0;
  const auto pack = [&](const Tensor& t) {
    if (t.empty()) return PackedMatrix();
    const PackedMatrix packed(t, arithmetic, pool, arena_);
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
  shape.heads = config_.heads, shape.scale = config_.attention_scale;
  shape.d_model = config_.d_model;
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

void Decoder::begin(const Rows& rows) {
  const size_t pairs = config_.rope_dims / 2;
  for (auto* v : {&cosine_, &sine_, &local_cosine_, &local_sine_}) grown(*v, rows.count * pairs);
  const bool any_local = config_.sliding_window > 0;
  span_of_.clear();
  for (const RowSpan& s : rows.spans) {
    span_of_.insert(span_of_.end(), s.rows, static_cast<uint32_t>(&s - rows.spans.data()));
    for (uint32_t i = 0; i < s.rows; ++i) {
      const size_t at = (s.first + i) * pairs;
      const int32_t position = s.position + static_cast<int32_t>(i);
      rope_.angles(position, &cosine_[at], &sine_[at]);
      if (any_local) local_rope_.angles(position, &local_cosine_[at], &local_sine_[at]);
    }
  }
}

void Decoder::embed(std::span<const int32_t> tokens, const Rows& rows) {
  const size_t d = config_.d_model;
  for_each_row(pool_, rows.count, [&](size_t i) {
    embedding_.widen_row(static_cast<size_t>(tokens[i]), rows.x + i * d);
    if (config_.embedding_scale != 1) scale(rows.x + i * d, config_.embedding_scale, d);
  });
  observe(Observable::kEmbedding, ~0u, rows, rows.x, d);
}

void Decoder::multiply(Profile::Kind kind, const Activations& x,
                       std::initializer_list<Product> products) {
  Profile::Work work;
  for (const Product& p : products) work += work_of(*p.w, x.rows());
  profile().time(kind, work, [&] { matmul(pool_, products, x); });
}

void Decoder::norm(const Rows& rows, std::span<const float> weight) {
  const size_t d = config_.d_model;
  float* hidden = grown(hidden_, rows.count * d);
  input_.make(hidden, rows.count, d, arithmetic_, pool_, [&](size_t i) {
    rms_norm(rows.x + i * d, weight.data(), d, config_.rms_epsilon, hidden + i * d);
  });
}

void Decoder::project_qkv(const DecoderLayer& w, const Rows& rows) {
  const auto product = [&](const PackedMatrix& matrix, std::vector<float>& out) {
    return Product{&matrix, grown(out, rows.count * matrix.rows()), matrix.rows()};
  };
  multiply(Profile::kQkv, input_, {product(w.q, q_), product(w.k, k_), product(w.v, v_)});
}

// Biases, norms and rotation of `heads` heads of one row, whichever the layer has.
void Decoder::finish_heads(float* row, size_t heads, std::span<const float> bias,
                           std::span<const float> norm, const float* cosine,
                           const float* sine) const {
  const size_t dim = config_.head_dim;
  if (!bias.empty()) add(row, bias.data(), heads * dim);
  for (float* head = row; head < row + heads * dim; head += dim) {
    if (!norm.empty()) rms_norm(head, norm.data(), dim, config_.rms_epsilon, head);
    rope(head, static_cast<int>(config_.rope_dims), cosine, sine, config_.rope_interleaved);
  }
}

void Decoder::finish_qkv(uint32_t l, const Rows& rows) {
  const DecoderLayer& w = layers_[l];
  const size_t pairs = config_.rope_dims / 2;
  const size_t q_size = size_t{config_.heads} * config_.head_dim;
  const size_t kv_size = size_t{config_.kv_heads} * config_.head_dim;
  const auto& cosine = local(l) ? local_cosine_ : cosine_;
  const auto& sine = local(l) ? local_sine_ : sine_;
  for_each_row(pool_, rows.count, [&](size_t i) {
    const float *c = &cosine[i * pairs], *s = &sine[i * pairs];
    float *k = &k_[i * kv_size], *v = &v_[i * kv_size];
    finish_heads(&q_[i * q_size], config_.heads, w.q_bias, w.q_norm, c, s);
    finish_heads(k, config_.kv_heads, w.k_bias, w.k_norm, c, s);
    if (!w.v_bias.empty()) add(v, w.v_bias.data(), kv_size);
    const RowSpan& span = rows.spans[span_of_[i]];
    span.cache->write(l, span.position + static_cast<int32_t>(i - span.first), k, v);
  });
  observe(Observable::kQuery, l, rows, q_.data(), q_size);
  observe(Observable::kKey, l, rows, k_.data(), kv_size);
  observe(Observable::kValue, l, rows, v_.data(), kv_size);
}

// Each row reads what it sees once for all heads of a group; rows of one sequence share it. What
// rows choose to read is known when they have.
Profile::Work Decoder::attention_work(uint32_t l, const Rows& rows) const {
  Profile::Work work;
  const uint64_t window = local(l) ? config_.sliding_window : ~0u;
  for (const RowSpan& s : rows.spans) {
    if (s.retrieves && s.cache->indexed(l)) continue;
    const LayerTable& table = s.cache->layer(l);
    const auto first = static_cast<uint64_t>(table.slot(s.position));
    const uint64_t end = first + s.rows;
    uint64_t seen = 0;  // Of all rows together.
    for (uint64_t at = first + 1; at <= end; ++at) seen += std::min(at, window);
    const uint64_t slots = std::min<uint64_t>(end, window + s.rows - 1);
    work.bytes += table.bytes_read(static_cast<int32_t>(slots));
    work.macs += seen * 2 * config_.heads * config_.head_dim;
  }
  return work;
}

// Heads of queries, of a layer that is not local, as though they stood so many positions before.
void Decoder::rotate_back(float* heads, size_t count, int32_t by) const {
  std::vector<float> cosine(config_.rope_dims / 2), sine(cosine.size());
  rope_.angles(by, cosine.data(), sine.data());
  for (float& s : sine) s = -s;
  for (size_t h = 0; h < count; ++h)
    rope(heads + h * config_.head_dim, static_cast<int>(config_.rope_dims), cosine.data(),
         sine.data(), config_.rope_interleaved);
}

// Each span's plain attention, and who is to choose what it reads.
AttentionShape Decoder::gather_queries(uint32_t l, const Rows& rows) {
  const size_t n = size_t{config_.heads} * config_.head_dim;
  grown(attended_, rows.count * n);
  lists_.resize(rows.spans.size() * config_.kv_heads);
  queries_.clear(), readers_.clear();
  DType kv = DType::kF16;
  for (const RowSpan& s : rows.spans) {
    const auto lists =
        std::span(lists_).subspan(queries_.size() * config_.kv_heads, config_.kv_heads);
    s.cache->lists(l, s.position, lists);
    kv = s.cache->shape().kv;
    if (s.retrieves && s.cache->indexed(l))
      readers_.push_back({s.cache, s.position, queries_.size()});
    queries_.push_back({lists, static_cast<int32_t>(s.rows), &q_[s.first * n],
                        &attended_[s.first * n], nullptr, nullptr});
  }
  return {static_cast<int>(config_.heads),
          static_cast<int>(config_.kv_heads),
          static_cast<int>(config_.head_dim),
          kv,
          local(l) ? static_cast<int>(config_.sliding_window) : 0,
          config_.attention_scale};
}

void Decoder::attend_layer(uint32_t l, const Rows& rows) {
  const AttentionShape shape = gather_queries(l, rows);
  sinks_.add(
      l, rows, shape,
      [this](float* heads, size_t count, int32_t by) { rotate_back(heads, count, by); }, queries_);
  Profile::Work work = profile().on() ? attention_work(l, rows) : Profile::Work();
  profile().time(Profile::kAttention, work, [&] {
    retrieval_.begin(l, shape, readers_, queries_);
    attend(pool_, shape, queries_);
    retrieval_.finish(queries_);
    if (!profile().on()) return;
    const Retrieval::Work chosen = retrieval_.work();
    work.bytes += chosen.bytes, work.macs += chosen.macs;
  });
  sinks_.merge(shape, queries_);
  observe(Observable::kAttention, l, rows, attended_.data(),
          size_t{config_.heads} * config_.head_dim);
  observe_bounds(l, rows);
}

void Decoder::observe_bounds(uint32_t l, const Rows& rows) {
  for (size_t i = 0; i < readers_.size(); ++i) {
    const RowSpan& s = rows.spans[readers_[i].span];
    const std::span<const float> bounds = retrieval_.bounds(i);
    if (bounds.empty() || !watched(s, Observable::kReadBound)) continue;
    s.watch->observer(
        {Observable::kReadBound, static_cast<int>(l), s.position, s.rows, config_.heads, bounds});
  }
}

void Decoder::add_normed(const float* y, std::span<const float> weight, const Rows& rows) {
  const size_t d = config_.d_model;
  float* hidden = grown(hidden_, rows.count * d);
  for_each_row(pool_, rows.count, [&](size_t i) {
    rms_norm(y + i * d, weight.data(), d, config_.rms_epsilon, hidden + i * d);
    add(rows.x + i * d, hidden + i * d, d);
  });
}

void Decoder::project_out(const DecoderLayer& w, const Rows& rows) {
  const size_t d = config_.d_model;
  input_.set(attended_.data(), rows.count, size_t{config_.heads} * config_.head_dim, arithmetic_,
             pool_);
  if (w.post_attn_norm.empty()) return multiply(Profile::kOut, input_, {{&w.out, rows.x, d, true}});
  multiply(Profile::kOut, input_, {{&w.out, grown(q_, rows.count * d), d}});
  add_normed(q_.data(), w.post_attn_norm, rows);
}

void Decoder::feed_forward(const DecoderLayer& w, const Rows& rows, Activation activation) {
  const size_t d = config_.d_model;
  const Arithmetic next = w.down.arithmetic();
  float* floats = next == Arithmetic::kFloat ? grown(wide_, rows.count * config_.ffn) : nullptr;
  Profile::Work work = work_of(w.gate, rows.count);
  work += work_of(w.up, rows.count);
  profile().time(Profile::kGateUp, work,
                 [&] { gated_.make_gated(floats, w.gate, w.up, input_, activation, next, pool_); });
  if (w.post_ffn_norm.empty())
    return multiply(Profile::kDown, gated_, {{&w.down, rows.x, d, true}});
  multiply(Profile::kDown, gated_, {{&w.down, grown(q_, rows.count * d), d}});
  add_normed(q_.data(), w.post_ffn_norm, rows);
}

void Decoder::head(const Rows& rows, std::span<const uint32_t> picked, float* logits) {
  const size_t d = config_.d_model;
  float* x = grown(picked_, picked.size() * d);
  for (size_t i = 0; i < picked.size(); ++i)
    rms_norm(rows.x + picked[i] * d, output_norm_.data(), d, config_.rms_epsilon, x + i * d);
  for (size_t i = 0; i < picked.size(); ++i)
    for (const RowSpan& s : rows.spans)
      if (watched(s, Observable::kFinalNorm) && picked[i] >= s.first &&
          picked[i] < s.first + s.rows)
        s.watch->observer({Observable::kFinalNorm,
                           -1,
                           s.position + static_cast<int32_t>(picked[i] - s.first),
                           1,
                           d,
                           {x + i * d, d}});
  input_.set(x, picked.size(), d, arithmetic_, pool_);
  const PackedMatrix& output = output_.empty() ? embedding_ : output_;
  multiply(Profile::kHead, input_, {{&output, logits, output.rows()}});
}

void Decoder::observe(Observable what, uint32_t l, const Rows& rows, const float* values,
                      size_t columns) {
  for (const RowSpan& s : rows.spans)
    if (watched(s, what))
      s.watch->observer({what,
                         static_cast<int>(l),
                         s.position,
                         s.rows,
                         columns,
                         {values + s.first * columns, s.rows * columns}});
}

}  // namespace weir
