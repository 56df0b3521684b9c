// The endpoints that need no generation.
#pragma once

#include <string_view>

#include "server/api/generate.h"
#include "server/http/message.h"

namespace weir::server {

// --- Quick: run on the I/O thread ---
HttpResponse list_models(const Workplace& workplace);
HttpResponse show_model(const Workplace& workplace, const std::string& name);
HttpResponse health(const Workplace& workplace);  // 503: the engine's loop has stopped stepping.
HttpResponse ready(const Workplace& workplace);   // 503 also while the server shuts down.
HttpResponse version();

// --- Slow: run on the pool ---
Result<std::string> metrics(const Workplace& workplace);  // Prometheus text.
// {"prompt"} or {"messages"} -> {"tokens", "count", "max_model_len", "token_strs"}.
Result<std::string> tokenize(std::string_view body, const JobContext& context);
// {"tokens"} -> {"prompt"}.
Result<std::string> detokenize(std::string_view body, const JobContext& context);

}  // namespace weir::server
