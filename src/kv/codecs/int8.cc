// Keys and values in 8 bits: 9 with their grids, against 16. The grids are those of KIVI.
#include "kv/grid_codec.h"

namespace weir {
namespace {

const CodecEntry entry(
    {"int8",
     "store",
     "none: a base line, on the grids of KIVI (Liu et al., 2024)",
     "8 bits an element and 1 of grids: keys by dimension, values by row, in groups of 32",
     "nothing",
     0,
     {residual_parameter(0)}},
    [](const PageShape& shape, const Arguments&) -> std::shared_ptr<const Codec> {
      return std::make_shared<GridCodec>("int8", GridForm{8}, shape);
    });

}  // namespace
}  // namespace weir
