// Role 1 of 3: how rows of keys and values become the bytes of a page, and floats again. A codec is
// one file under codecs/ that names itself with a CodecEntry; nobody else needs to know of it.
//
// Kernels never call a codec. Where its pages lie as attention reads them, in_place() says where;
// all others are decoded before attention (list_attention.h). A page of a sequence's own cache is
// open first, in the cache's codec (raw); a recipe's codec encodes it once it is settled (store.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/attention.h"
#include "kv/method.h"
#include "kv/method_table.h"
#include "tensor/dtype.h"
#include "weir/status.h"

namespace weir {

// What one page holds: kPageSlots rows of each of `lists` lists (some heads of some layers).
struct PageShape {
  uint32_t lists = 0, head_dim = 0;
  DType kv = DType::kF16;  // As attention reads the elements of keys and values.
};

// Consecutive rows for all lists of a page. Not owned.
struct KvRows {
  uint32_t count = 0;
  const float* k = nullptr;  // [count][lists][head_dim]
  const float* v = nullptr;
};

// Immutable and called from any thread. Outlives every page that it wrote.
class Codec {
 public:
  explicit Codec(const PageShape& shape) : shape_(shape) {}
  virtual ~Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  virtual std::string_view name() const = 0;
  // Of the bytes: raised when the same rows come to give other ones, so that old pages are misses.
  virtual uint32_t version() const = 0;
  // Name, type and version, for keys: a sequence's root has that of open pages, what comes after
  // the first encoded row also that of the recipe's codec (Store::act).
  std::string id() const;

  const PageShape& shape() const { return shape_; }
  virtual size_t page_bytes() const = 0;
  // Of how many layers a page holds rows: the lists of one, then those of the next.
  virtual uint32_t group() const { return 1; }
  // Of so many layers that may be encoded, those before this one never are. From there on each
  // group() of them are a group; so many as make none are not encoded either.
  virtual uint64_t first_layer(uint64_t /*layers*/) const { return 0; }
  // What attention over one of a page's layers reads of it.
  virtual size_t layer_bytes() const { return page_bytes(); }
  // How many consecutive rows, from a multiple of it, are encoded together. A cache's open page
  // takes rows one by one and needs 1.
  virtual uint32_t granule() const { return 1; }

  // Writes rows into slots [slot, slot + rows.count) of a page that began as zeros; other slots
  // stay as they are, and may be written by other threads. REQUIRES whole granules inside the page.
  virtual void encode(uint32_t slot, const KvRows& rows, std::byte* page) const = 0;
  // Gives slots [slot, slot + count) of the page's list `list` as floats, [count][head_dim] each.
  virtual void decode(const std::byte* page, uint32_t list, uint32_t slot, uint32_t count, float* k,
                      float* v) const = 0;
  // Where attention may read the page's list `list` in a form of attention.h; nulls where the bytes
  // have another one.
  virtual AttentionPage in_place(const std::byte* page, uint32_t list) const;

 private:
  PageShape shape_;
};

// With the parameters' defaults. kNotFound for a name that no codec has; the message lists those
// there are.
Result<std::shared_ptr<const Codec>> make_codec(std::string_view name, const PageShape& shape);

using CodecEntry = MethodEntry<std::shared_ptr<const Codec> (*)(const PageShape& shape,
                                                                const Arguments& arguments)>;

// For the entries of those that a recipe may name: the rows that stay as they are.
Parameter residual_parameter(int32_t initial);

// By name.
inline std::vector<const CodecEntry*> codecs() {
  return MethodTable<CodecEntry>::all();
}

}  // namespace weir
