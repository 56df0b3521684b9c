// Tokenizers for the Python tests. Texts are JSON strings, or hexadecimal where they may be bytes
// of any kind.
#pragma once

#include "text/probe.h"

namespace weir::probe {

// {"vocabulary": {fields of VocabularyData}}: makes it the current one. {"digest", "adds_bos"}.
boost::json::object load_vocabulary(const boost::json::object& request);
// {"hex": [text...], "add_special", "parse_special"}: {"tokens": [[id...]...]}.
boost::json::object encode(const boost::json::object& request);
// {"tokens": [[id...]...], "skip_special"}: {"texts": [text...], "hex": [bytes...]}.
boost::json::object decode(const boost::json::object& request);
// {"tokens": [[id...]...], "stops": [string...]}: {"parts": [[text...]...], "stop": [index...]}.
boost::json::object stream(const boost::json::object& request);

}  // namespace weir::probe
