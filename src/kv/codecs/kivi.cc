// KIVI: keys on a grid for each dimension, values on one for each row, in groups, by least and
// greatest; the latest rows stay as they are.
//
// Liu, Yuan, Jin, Zhong, Xu, Braverman, Chen, Hu: KIVI: A Tuning-Free Asymmetric 2bit Quantization
// for KV Cache, 2024. The authors attend over a whole prompt before they encode any of it, and move
// each value out of the residual as a new one comes; here keys and values are encoded together, a
// page of 64 rows at a time, in prompts too, so that a long prompt never takes what the cache
// cannot hold. The authors widen codes to the values of their grids before they multiply; here
// queries and weights are rounded to whole numbers of 8 bits and meet the codes (kernels/grid.h).
#include "kv/grid_codec.h"

namespace weir {
namespace {

const CodecEntry entry(
    {"kivi",
     "store",
     "Liu, Yuan, Jin, Zhong, Xu, Braverman, Chen, Hu: KIVI: A Tuning-Free Asymmetric 2bit "
     "Quantization for KV Cache, 2024",
     "2 or 4 bits an element and 1 of grids, or half of one: keys by dimension, values by row",
     "nothing",
     0,
     {{"bits", "of an element", 1, 0, 1, true, {"2", "4"}},
      {"group", "elements that share a grid; 64: half a bit of grids", 0, 0, 1, true, {"32", "64"}},
      residual_parameter(128)}},
    [](const PageShape& shape, const Arguments& a) -> std::shared_ptr<const Codec> {
      const std::string bits(a.word("bits")), group(a.word("group"));
      const GridForm form{bits == "2" ? 2 : 4, group == "64" ? 64 : 32};
      return std::make_shared<GridCodec>("kivi" + bits + (group == "64" ? "g64" : ""), form, shape);
    });

}  // namespace
}  // namespace weir
