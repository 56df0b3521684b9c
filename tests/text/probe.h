// One operation of text_probe: a JSON object in, a JSON object out.
#pragma once

#include <boost/json.hpp>

namespace weir::probe {

using Operation = boost::json::object (*)(const boost::json::object& request);

}  // namespace weir::probe
