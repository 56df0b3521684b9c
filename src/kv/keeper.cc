#include "kv/keeper.h"

#include <algorithm>

#include "base/check.h"
#include "base/number.h"

namespace weir {
namespace {

// The codec of the pages that most rows come to be in.
std::shared_ptr<const Codec> codec_of(const Recipe& recipe, const CacheShape& shape) {
  const Store store = make_store(recipe, shape.page_shape());
  return store ? store.codec : shape.codec;
}

uint64_t bytes_of(const std::vector<std::vector<float>>& notes) {
  uint64_t floats = 0;
  for (const auto& each : notes) floats += each.size();
  return floats * sizeof(float);
}

}  // namespace

// What a policy sees, computed when it looks.
class Keeper::View final : public PolicyView {
 public:
  View(Keeper& keeper, const Cache& cache, std::span<const uint32_t> its_layers, int32_t position)
      : keeper_(keeper), cache_(cache) {
    length = position;
    prompt = keeper.prompt_ > 0 ? keeper.prompt_ : length;
    heads = cache.shape().heads, kv_heads = cache.shape().kv_heads;
    head_dim = cache.shape().head_dim;
    layers.assign(its_layers.begin(), its_layers.end());
    layers_in_all = keeper.layers_.size();
  }
  using PolicyView::rows;
  int32_t rows(uint32_t layer, uint32_t kv_head) const override {
    return cache_.layer(layer).slot(length, kv_head);
  }
  int32_t position(uint32_t layer, uint32_t kv_head, int32_t slot) const override {
    return cache_.layer(layer).position(kv_head, slot);
  }
  float weight(uint32_t layer, uint32_t kv_head, int32_t slot) const override {
    return cache_.layer(layer).weight(kv_head, slot);
  }
  std::vector<float> keys(uint32_t layer, uint32_t kv_head) const override {
    std::vector<float> k(static_cast<size_t>(rows(layer, kv_head)) * head_dim), v(k);
    cache_.layer(layer).read(kv_head, 0, rows(layer, kv_head), k.data(), v.data());
    return k;
  }
  WindowAttention window(uint32_t layer) const override;
  std::span<const float> mass(uint32_t layer, uint32_t head) const override {
    return keeper_.mass_[layer][head];
  }

 private:
  Keeper& keeper_;
  const Cache& cache_;
};

WindowAttention Keeper::View::window(uint32_t layer) const {
  WindowAttention out;
  out.queries = std::min(keeper_.noted_, length - keeper_.noted_from_);
  for (uint32_t h = 0; h < kv_heads; ++h) out.rows = std::max(out.rows, rows(layer, h));
  const auto queries = static_cast<size_t>(out.queries), all = static_cast<size_t>(out.rows);
  out.p.resize(heads * queries * all);
  const size_t row = size_t{heads} * cache_.shape().head_dim;
  std::vector<float> q(queries * row);
  keeper_.scratch_.set(keeper_.scratch_bytes(queries, all));
  for (size_t i = 0; i < queries; ++i) {
    const size_t position = static_cast<size_t>(length) - queries + i;
    const size_t at = position % static_cast<size_t>(keeper_.noted_) * row;
    std::copy_n(keeper_.window_[layer].begin() + static_cast<ptrdiff_t>(at), row, &q[i * row]);
  }
  (*keeper_.probabilities_)(cache_, {layer, length - out.queries, out.queries, q.data()},
                            [&](uint32_t head, int32_t query, std::span<const float> p) {
                              std::ranges::copy(
                                  p, &out.p[(head * queries + static_cast<size_t>(query)) * all]);
                            });
  return out;
}

std::unique_ptr<Keeper> Keeper::make(const Recipe& recipe, const CacheShape& shape, PagePool& pages,
                                     Probabilities& probabilities) {
  if (!recipe.keep) return nullptr;
  return std::unique_ptr<Keeper>(new Keeper(recipe, shape, pages, probabilities));
}

Keeper::Keeper(const Recipe& recipe, const CacheShape& shape, PagePool& pages,
               Probabilities& probabilities)
    : shape_(&shape),
      probabilities_(&probabilities),
      act_(recipe.text()),
      codec_(codec_of(recipe, shape)),
      policy_(recipe.keep->method->make(recipe.keep->arguments)),
      points_(policy_->points()),
      needs_(policy_->needs()),
      layers_(shape.all_editable()),
      window_(shape.layers),
      mass_(shape.layers, Mass(shape.heads)),
      notes_(pages, 0),
      scratch_(pages, 0) {}

Keeper::Keeper(const Keeper& other)
    : shape_(other.shape_),
      probabilities_(other.probabilities_),
      act_(other.act_),
      codec_(other.codec_),
      policy_(other.policy_->fork()),
      points_(other.points_),
      needs_(other.needs_),
      prompt_(other.prompt_),
      layers_(other.layers_),
      window_(other.window_),
      noted_(other.noted_),
      noted_from_(other.noted_from_),
      noted_end_(other.noted_end_),
      mass_(other.mass_),
      notes_(other.notes_),
      scratch_(other.scratch_) {}

std::unique_ptr<Keeper> Keeper::fork() const {
  return std::unique_ptr<Keeper>(new Keeper(*this));
}

int32_t Keeper::next_point(int32_t length, int32_t prompt) const {
  int32_t next = points_.prompt_end && prompt > length ? prompt : kNoPoint;
  if (points_.every == 0) return next;
  const int32_t from = points_.in_prompt ? length : std::max(length, prompt);
  return std::min(next, (from / points_.every + 1) * points_.every);
}

// A plan for each tenth of the layers: copying what stays once for each layer would cost more time
// than it saves memory.
uint64_t Keeper::whole_layers() const {
  return std::max<uint64_t>(1, layers_.size() / 10);
}

// Only where it saves memory: there are the rows that plans leave, some layers more as they were,
// and the residual stream of all rows. And not where layers are encoded together: the first of them
// would have read its rows before they can be.
bool Keeper::cascades(int32_t length, int32_t prompt) const {
  if (!points_.by_layer || codec_->group() > 1) return false;
  if (prompt - length < 2 || next_point(length, prompt) != prompt) return false;
  const auto rows = static_cast<uint64_t>(prompt - length), layers = layers_.size();
  const uint64_t there = policy_->kept_max(prompt).mean + ceil_div(rows * whole_layers(), layers);
  return there < rows &&
         hidden_bytes(rows) < (rows - there) * layers * codec_->page_bytes() / kPageSlots;
}

int32_t Keeper::tail() const {
  const bool from_the_first = needs_.mass || (points_.in_prompt && points_.every > 0);
  return from_the_first ? kWholePrompt : needs_.window;
}

int32_t Keeper::window_before(int32_t point, int32_t prompt) const {
  return prompt > 0 && point > prompt ? needs_.window_past_prompt : needs_.window;
}

// Until the next point rows are added to those there are; after it, to those that a plan leaves.
Room Keeper::room(int32_t length, const LayerRows& rows, uint64_t tokens, int32_t prompt) const {
  Room room = Room::plain(tokens);
  if (needs_.mass) room.row_bytes = uint64_t{shape_->heads} * sizeof(float);
  const auto point = static_cast<uint64_t>(next_point(length, prompt));
  const uint64_t until = std::min(point, tokens) - static_cast<uint64_t>(length);
  room.rows = (rows + until) & tokens;
  room.kept = policy_->kept_max(prompt > 0 ? prompt : static_cast<int32_t>(tokens)) & tokens;
  room.ragged = policy_->ragged();
  if (point != kNoPoint)
    room.fixed_bytes = layers_.size() * shape_->heads * shape_->head_dim * sizeof(float) *
                       static_cast<uint64_t>(window_before(static_cast<int32_t>(point), prompt));
  if (cascades(length, prompt)) {
    room.rows.mean =
        rows.mean + room.kept.mean + ceil_div<uint64_t>(until * whole_layers(), layers_.size());
    room.rows = room.rows & tokens;
    room.fixed_bytes += hidden_bytes(until);
  }
  if (point > tokens) {
    // No point on the way: what an earlier one left keeps its positions.
    room.kept = room.kept & rows;
    return room;
  }
  const uint64_t gap = points_.every > 0 ? static_cast<uint64_t>(points_.every) : tokens;
  room.rows = room.rows | ((room.kept + std::min(gap, tokens - point)) & tokens);
  const int32_t queries = window_before(static_cast<int32_t>(point), prompt);
  // One head may have all the rows that heads have on average.
  const uint64_t heads = room.ragged ? shape_->kv_heads : 1;
  room.fixed_bytes += scratch_bytes(static_cast<uint64_t>(queries),
                                    std::min<uint64_t>(room.rows.most * heads, tokens));
  return room;
}

void Keeper::observe(const Cache& cache, const LayerQueries& queries) {
  if (!shape_->editable(queries.layer)) return;
  if (needs_.window > 0) note_window(queries);
  if (needs_.mass) add_mass(cache, queries);
}

// Only queries that are among the last before the next point, and so before any later one. A point
// that nobody foresaw when they were computed, a prompt after single tokens, has fewer to look at.
void Keeper::note_window(const LayerQueries& queries) {
  const int32_t point = next_point(queries.position), end = queries.position + queries.rows;
  const int32_t window = window_before(point, prompt_);
  const int32_t first = std::max(queries.position, point - window);
  if (point == kNoPoint || first >= end) return;
  if (queries.layer == layers_.front()) {
    if (window != noted_) forget_window();
    noted_ = window;
    if (noted_end_ != first) noted_from_ = first;
    noted_end_ = end;
  }
  const size_t row = size_t{shape_->heads} * shape_->head_dim;
  const auto size = static_cast<size_t>(noted_);
  std::vector<float>& ring = window_[queries.layer];
  if (ring.empty()) {
    notes_.set(notes_.bytes() + size * row * sizeof(float));
    ring.resize(size * row);
  }
  for (int32_t position = first; position < end; ++position) {
    const float* from = queries.q + static_cast<size_t>(position - queries.position) * row;
    const size_t at = static_cast<size_t>(position) % size * row;
    std::copy_n(from, row, ring.begin() + static_cast<ptrdiff_t>(at));
  }
}

void Keeper::forget_window() {
  for (const auto& ring : window_) notes_.set(notes_.bytes() - ring.size() * sizeof(float));
  window_.assign(shape_->layers, {});
  noted_end_ = -1;
}

void Keeper::add_mass(const Cache& cache, const LayerQueries& queries) {
  const uint32_t group = shape_->heads / shape_->kv_heads;
  Mass& mass = mass_[queries.layer];
  const uint64_t before = bytes_of(mass);
  for (uint32_t head = 0; head < shape_->heads; ++head)
    mass[head].resize(static_cast<size_t>(
        cache.layer(queries.layer).slot(queries.position + queries.rows, head / group)));
  notes_.set(notes_.bytes() + bytes_of(mass) - before);
  (*probabilities_)(cache, queries, [&](uint32_t head, int32_t, std::span<const float> p) {
    float* sum = mass[head].data();
    for (size_t slot = 0; slot < p.size(); ++slot) sum[slot] += p[slot];
  });
}

// Notes of rows move with them; rows that become one have got what all of them have.
void Keeper::follow(const Cache& cache, const Edit& edit) {
  if (!needs_.mass) return;
  Mass& mass = mass_[edit.layer];
  const uint32_t group = shape_->heads / shape_->kv_heads;
  const uint64_t before = bytes_of(mass);
  for (uint32_t head = 0; head < shape_->heads; ++head) {
    std::vector<float> left;
    for (const EditedRow& row : cache.layer(edit.layer).edited(head / group, edit)) {
      float sum = 0;
      for (const int32_t slot : row.sources) sum += mass[head][static_cast<size_t>(slot)];
      left.push_back(sum);
    }
    mass[head] = std::move(left);
  }
  notes_.set(notes_.bytes() - (before - bytes_of(mass)));
}

void Keeper::plan(Cache& cache, std::span<const uint32_t> layers, int32_t position) {
  const std::vector<Edit> edits = policy_->plan(View(*this, cache, layers, position));
  scratch_.set(0);
  for (const Edit& edit : edits) follow(cache, edit);
  cache.apply(edits, position, act_);
}

// The last of all layers gives no plan of its own: it comes when the rows count.
void Keeper::pass(Cache& cache, uint32_t layers_end, int32_t position) {
  const auto end = std::ranges::lower_bound(layers_, layers_end);
  const auto passed = static_cast<size_t>(end - layers_.begin());
  if (passed > 0 && passed < layers_.size() && layers_[passed - 1] == layers_end - 1 &&
      passed % whole_layers() == 0)
    plan(cache, std::span(layers_).first(passed), position);
}

void Keeper::advance(Cache& cache) {
  const int32_t length = cache.length();
  if (length == 0 || next_point(length - 1) != length) return;
  plan(cache, layers_, length);
  const LayerRows left = cache.rows(), most = policy_->kept_max(prompt_ > 0 ? prompt_ : length);
  WEIR_CHECK(left.most <= most.most && left.mean <= most.mean, "{} rows, {} on average, of {}, {}",
             left.most, left.mean, most.most, most.mean);
  // Nobody looks at these queries any more, or at fewer of those to come.
  const int32_t next = next_point(length);
  if (next == kNoPoint || window_before(next, prompt_) != noted_) forget_window();
  cache.settle(room(cache, cache.room().tokens, prompt_));
}

Room Keeper::room(const Cache& cache, uint64_t tokens, int32_t prompt) const {
  return room(cache.length(), cache.rows(), tokens, prompt);
}

}  // namespace weir
