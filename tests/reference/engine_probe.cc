// A program that lets the Python tests of this folder drive an engine: one JSON request per line on
// standard input, one JSON reply per line on standard output, each followed by the raw float32
// arrays that its "floats" counts. A request is an object with one member, the call's name, whose
// value holds its arguments; a reply to a failed call is {"error": message}. See engine_probe.py.
#include <boost/json.hpp>
#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "weir/engine.h"
#include "weir/models.h"

namespace json = boost::json;

namespace {

struct Reply {
  json::object head;
  std::vector<float> floats;
};

// A refused call: thrown here only, caught in answer(). The tests read the message.
struct Refused : std::runtime_error {
  explicit Refused(const weir::Error& error) : std::runtime_error(error.message) {}
};

template <typename T>
T take(weir::Result<T> result) {
  if (!result) throw Refused(result.error());
  return std::move(*result);
}

void take(const weir::Status& status) {
  if (!status) throw Refused(status.error());
}

template <typename T>
T get(const json::object& from, const char* key, T fallback) {
  const json::value* value = from.if_contains(key);
  return value ? json::value_to<T>(*value) : fallback;
}

std::vector<weir::Token> tokens_of(const json::value& value) {
  return json::value_to<std::vector<weir::Token>>(value);
}

weir::SamplingOptions sampling_of(const json::object& from) {
  weir::SamplingOptions o;
  o.temperature = get(from, "temperature", o.temperature);
  o.top_k = get(from, "top_k", o.top_k);
  o.top_p = get(from, "top_p", o.top_p);
  o.min_p = get(from, "min_p", o.min_p);
  o.typical_p = get(from, "typical_p", o.typical_p);
  o.repetition_penalty = get(from, "repetition_penalty", o.repetition_penalty);
  o.presence_penalty = get(from, "presence_penalty", o.presence_penalty);
  o.frequency_penalty = get(from, "frequency_penalty", o.frequency_penalty);
  if (const json::value* bias = from.if_contains("logit_bias"))
    for (const json::value& pair : bias->as_array())
      o.logit_bias.emplace_back(json::value_to<weir::Token>(pair.at(0)),
                                json::value_to<float>(pair.at(1)));
  if (const json::value* seed = from.if_contains("seed")) o.seed = json::value_to<uint64_t>(*seed);
  return o;
}

class Probe {
 public:
  // Runs one request.
  Reply answer(const std::string& line) {
    try {
      const json::object request = json::parse(line).as_object();
      const auto& [name, arguments] = *request.begin();
      const auto call = kCalls.find(name);
      if (call == kCalls.end()) return {{{"error", "no such call"}}, {}};
      return (this->*call->second)(arguments.as_object());
    } catch (const std::exception& e) {
      return {{{"error", e.what()}}, {}};
    }
  }

 private:
  using Call = Reply (Probe::*)(const json::object&);
  static const std::map<std::string_view, Call> kCalls;

  weir::Sequence& sequence(const json::value& name) {
    return sequences_.at(json::value_to<std::string>(name));
  }

  Reply resolve(const json::object& a) {
    return {
        {{"path", take(weir::resolve_model(json::value_to<std::string>(a.at("model")))).string()}},
        {}};
  }

  Reply open(const json::object& a) {
    weir::EngineOptions o;
    o.threads = get(a, "threads", o.threads);
    o.step_tokens_max = get(a, "step_tokens_max", o.step_tokens_max);
    o.kv_type = get(a, "kv_type", o.kv_type);
    o.arithmetic = get(a, "arithmetic", o.arithmetic);
    o.kv = get(a, "kv", o.kv);
    sequences_.clear();
    engine_.reset();
    engine_ = take(weir::Engine::open(json::value_to<std::string>(a.at("model")), o));
    const weir::ModelInfo& info = engine_->info();
    return {{{"vocabulary", info.vocabulary},
             {"layers", info.layers},
             {"isa", info.isa},
             {"arithmetic", info.arithmetic},
             {"kv_type", info.kv_type},
             {"bos", info.bos},
             {"eos", info.eos}},
            {}};
  }

  Reply tokenize(const json::object& a) {
    const auto tokens = take(engine_->tokenize(json::value_to<std::string>(a.at("text")),
                                               get(a, "add_special", true), false));
    return {{{"tokens", json::value_from(tokens)}}, {}};
  }

  Reply detokenize(const json::object& a) {
    return {{{"text", take(engine_->detokenize(tokens_of(a.at("tokens"))))}}, {}};
  }

  Reply create(const json::object& a) {
    put(a.at("sequence"), take(engine_->create_sequence()));
    return {};
  }

  Reply fork(const json::object& a) {
    put(a.at("to"), take(sequence(a.at("sequence")).fork()));
    return {};
  }

  Reply drop(const json::object& a) {
    sequences_.erase(json::value_to<std::string>(a.at("sequence")));
    return {};
  }

  void put(const json::value& name, weir::Sequence s) {
    sequences_.insert_or_assign(json::value_to<std::string>(name), std::move(s));
  }

  // Later appends to the sequence reply with what was observed, too.
  Reply observe(const json::object& a) {
    sequence(a.at("sequence"))
        .observe(json::value_to<uint32_t>(a.at("what")), [this](const weir::Observation& o) {
          observed_.head.emplace("observed", json::array())
              .first->value()
              .as_array()
              .push_back({{"what", static_cast<uint32_t>(o.what)},
                          {"layer", o.layer},
                          {"position", o.position},
                          {"rows", o.rows},
                          {"columns", o.columns}});
          observed_.floats.insert(observed_.floats.end(), o.values.begin(), o.values.end());
        });
    return {};
  }

  Reply append(const json::object& a) {
    observed_ = {};
    const auto rows = get(a, "all", false) ? weir::LogitRows::kAll : weir::LogitRows::kLast;
    weir::Sequence& s = sequence(a.at("sequence"));
    const auto tokens = tokens_of(a.at("tokens"));
    const auto logits = take(s.append(tokens, rows));
    Reply reply = std::move(observed_);
    reply.floats.insert(reply.floats.end(), logits.begin(), logits.end());
    return reply;
  }

  // One draw for each of `seeds`.
  Reply sample(const json::object& a) {
    weir::SamplingOptions options = sampling_of(a.at("options").as_object());
    json::array tokens;
    for (const auto seed : json::value_to<std::vector<uint64_t>>(a.at("seeds"))) {
      options.seed = seed;
      tokens.push_back(take(sequence(a.at("sequence")).sample(options)));
    }
    return {{{"tokens", tokens}}, {}};
  }

  // Runs one request to its end: the tokens of each choice.
  Reply generate(const json::object& a) {
    weir::Request request;
    request.prompt = tokens_of(a.at("prompt"));
    request.sampling = sampling_of(a.at("options").as_object());
    request.choices = get(a, "choices", 1u);
    request.max_tokens = get(a, "max_tokens", 16u);
    request.ignore_eos = true;
    request.logprobs = 0;
    std::vector<std::vector<weir::Token>> out(request.choices);
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    weir::Status status;
    take(engine_->submit(request, [&](const weir::Event& event) {
      if (const auto* t = std::get_if<weir::TokenEvent>(&event))
        out[t->choice].push_back(t->token.token);
      if (const auto* end = std::get_if<weir::EndEvent>(&event)) {
        std::lock_guard lock(mutex);
        status = end->status;
        done = true;
        changed.notify_one();
      }
    }));
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done; });
    take(status);
    return {{{"choices", json::value_from(out)}}, {}};
  }

  Reply observed_;  // Outlives the engine, whose thread fills it.
  std::unique_ptr<weir::Engine> engine_;
  std::map<std::string, weir::Sequence> sequences_;  // Before engine_ goes.
};

const std::map<std::string_view, Probe::Call> Probe::kCalls = {
    {"resolve", &Probe::resolve},   {"open", &Probe::open},
    {"tokenize", &Probe::tokenize}, {"detokenize", &Probe::detokenize},
    {"create", &Probe::create},     {"fork", &Probe::fork},
    {"drop", &Probe::drop},         {"observe", &Probe::observe},
    {"append", &Probe::append},     {"sample", &Probe::sample},
    {"generate", &Probe::generate},
};

}  // namespace

int main() {
  Probe probe;
  for (std::string line; std::getline(std::cin, line);) {
    Reply reply = probe.answer(line);
    reply.head["floats"] = reply.floats.size();
    std::cout << json::serialize(reply.head) << '\n';
    std::cout.write(reinterpret_cast<const char*>(reply.floats.data()),
                    static_cast<std::streamsize>(reply.floats.size() * sizeof(float)));
    std::cout.flush();
  }
}
