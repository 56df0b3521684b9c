#include <fmt/format.h>

#include <memory>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/open.h"
#include "weir/server.h"

namespace weir::cli {
namespace {

struct ServeArgs {
  std::string model = "smollm2";
  EngineOptions engine;
  ServerOptions server;
};

std::string url(const std::string& host, uint16_t port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
}

void print_address(const ServeArgs& args, uint16_t port) {
  const std::string at = url(args.server.host, port);
  const std::string key =
      args.server.api_keys.empty() ? "" : " -H 'Authorization: Bearer YOUR_KEY'";
  put(
      fmt::format("weir: serving {} on {}\nTry:\n"
                  "  curl -s {}/v1/chat/completions -H 'Content-Type: application/json'{} \\\n"
                  "    -d '{{\"model\": \"{}\", \"messages\": "
                  "[{{\"role\": \"user\", \"content\": \"Hello!\"}}], \"temperature\": 0.2}}'\n",
                  args.model, at, at, key, args.server.served_model_names.front()));
}

Status serve_model(ServeArgs& args) {
  WEIR_ASSIGN(const OpenedModel opened, open_engine(args.model, args.engine));
  if (args.server.served_model_names.empty()) args.server.served_model_names = {args.model};
  return serve(*opened.engine, args.server, [&](uint16_t port) { print_address(args, port); });
}

// A duration given in seconds.
void add_seconds(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                 const std::string& description) {
  const auto set = [&value](const double& seconds) {
    value = std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
  };
  command.add_option_function<double>(name, set, description)
      ->check(CLI::Range(0.0, 86400.0))
      ->type_name("SECONDS")
      ->default_str(fmt::format("{}", static_cast<double>(value.count()) / 1000));
}

void add_names(CLI::App& command, const std::string& name, std::vector<std::string>& values,
               const std::string& description) {
  command.add_option(name, values, description)
      ->allow_extra_args(false)
      ->take_all()
      ->default_str("");
}

void add_server_options(CLI::App& command, ServerOptions& o) {
  command.add_option("--host", o.host, "Address to listen on");
  command.add_option("--port", o.port, "Port to listen on; 0: any free one")
      ->check(CLI::Range(0, 65535));
  command
      .add_option("--api-key", o.api_keys,
                  "A key that clients must send (may be repeated; also WEIR_API_KEY)")
      ->envname("WEIR_API_KEY")
      ->allow_extra_args(false)
      ->take_all()
      ->default_str("");
  add_names(command, "--served-model-name", o.served_model_names,
            "The model's name in the API (may be repeated)");
  add_names(command, "--allowed-origins", o.allowed_origins,
            "Origins of web pages that may call; *: any (may be repeated)");
  add_seconds(command, "--shutdown-timeout", o.shutdown_timeout,
              "How long running answers may take after SIGTERM");
  add_seconds(command, "--header-timeout", o.header_timeout, "For a request to arrive whole");
  add_seconds(command, "--idle-timeout", o.idle_timeout, "For a connection without requests");
  add_bytes(command, "--max-body-bytes", o.body_bytes_max, "Largest request body");
  command.add_option("--max-header-bytes", o.header_bytes_max, "Largest request head")
      ->check(CLI::Range(256u, 1u << 20));
  command.add_option("--max-connections", o.connections_max, "Connections at once")
      ->check(CLI::Range(1u, 1u << 20));
}

}  // namespace

void add_serve(CLI::App& command, Job& job) {
  auto args = std::make_shared<ServeArgs>();
  command.add_option("MODEL", args->model, "A model's name, or a GGUF file");
  add_server_options(command, args->server);
  add_engine_options(command, args->engine, true);
  command.callback([args, &job] {
    job = [args] {
      const Status status = serve_model(*args);
      return status ? kSuccess : report(status.error());
    };
  });
}

}  // namespace weir::cli
