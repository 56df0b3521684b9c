#include "server/api/read_job.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "server/api/sampling_fields.h"
#include "server/testing/fake_service.h"

namespace weir::server {
namespace {

struct Reading {
  FakeService service;
  std::vector<std::string> names{"fake", "other"};
  Result<Job> completion(const std::string& body) {
    return read_completion(body, {service, names});
  }
  Result<Job> chat(const std::string& body) { return read_chat(body, {service, names}); }
  Result<Job> completion_with(const std::string& field) {
    return completion(R"({"prompt":"abc",)" + field + "}");
  }
  Result<Job> chat_with(const std::string& field) {
    return chat(R"({"messages":[{"role":"user","content":"a"}],)" + field + "}");
  }
};

// Numbers as text, with their value; and values that are no numbers.
const std::vector<std::pair<const char*, double>> kNumbers = {
    {"-1", -1},
    {"0", 0},
    {"1", 1},
    {"1.0", 1},
    {"0.5", 0.5},
    {"-0.0", 0},
    {"2147483647", 2147483647.0},
    {"2147483648", 2147483648.0},
    {"-2147483649", -2147483649.0},
    {"4294967296", 4294967296.0},
    {"9223372036854775808", 9223372036854775808.0},
    {"-9223372036854775809", -9223372036854775809.0},
    {"18446744073709551616", 18446744073709551616.0},
    {"1e308", 1e308},
    {"-1e308", -1e308},
    {"1e-320", 1e-320},
};
const std::vector<const char*> kOthers = {"\"1\"", "\"NaN\"", "true", "false", "[]", "{}", "[1]"};

struct Bounded {
  std::string name;
  NumberRange range;
  bool chat;
};

std::vector<Bounded> bounded_fields() {
  std::vector<Bounded> fields;
  for (const NumberField& field : number_fields())
    for (const bool chat : {false, true})
      fields.push_back({std::string(field.name), field.range, chat});
  const NumberRange tokens{1, kTokensMax, true};
  fields.push_back({"max_tokens", tokens, false});
  fields.push_back({"max_tokens", tokens, true});
  fields.push_back({"max_completion_tokens", tokens, true});
  fields.push_back({"logprobs", {0, kLogprobsMax, true}, false});
  fields.push_back({"top_logprobs", {0, kLogprobsMax, true}, true});
  return fields;
}

bool within(double value, const NumberRange& range) {
  if (range.integer && value != std::floor(value)) return false;
  return (range.above_min ? value > range.min : value >= range.min) && value <= range.max;
}

TEST(ReadJob, EveryNumberIsBounded) {
  Reading reading;
  for (const Bounded& field : bounded_fields()) {
    const auto read = [&](const char* text) {
      const std::string json = fmt::format(R"("{}":{})", field.name, text);
      return field.chat ? reading.chat_with(json + R"(,"logprobs":true)")
                        : reading.completion_with(json);
    };
    for (const auto& [text, value] : kNumbers) {
      const auto job = read(text);
      const bool context = !job && job.error().message.starts_with("This model's context");
      EXPECT_EQ(job.has_value() || context, within(value, field.range))
          << field.name << " " << text << " " << (job ? "" : job.error().message);
      if (!job) {
        EXPECT_EQ(job.error().code, Code::kInvalid);
        EXPECT_TRUE(job.error().param == field.name || context) << job.error().param;
      }
    }
    for (const char* text : kOthers) {
      const auto job = read(text);
      ASSERT_FALSE(job.has_value()) << field.name << " " << text;
      EXPECT_EQ(job.error().param, field.name) << text;
    }
    EXPECT_TRUE(read("null").has_value()) << field.name;
  }
}

TEST(ReadJob, SetsEveryNumber) {
  Reading reading;
  const auto job = reading.completion_with(
      R"("temperature":0.5,"top_p":0.25,"top_k":7,"min_p":0.125,"typical_p":0.75,
         "repetition_penalty":1.5,"presence_penalty":-1,"frequency_penalty":2,"n":3,
         "min_tokens":2,"max_tokens":9,"seed":-5,"logprobs":4,"ignore_eos":true,
         "stop":["x","yz"],"stop_token_ids":[5],"logit_bias":{"12":-100},"best_of":3,
         "skip_special_tokens":false,"kv":"keep=h2o",
         "stream":true,"stream_options":{"include_usage":true})");
  ASSERT_TRUE(job.has_value()) << job.error().message;
  const Request& r = job->requests.at(0);
  EXPECT_EQ(r.sampling.temperature, 0.5f);
  EXPECT_EQ(r.sampling.top_p, 0.25f);
  EXPECT_EQ(r.sampling.top_k, 7);
  EXPECT_EQ(r.sampling.min_p, 0.125f);
  EXPECT_EQ(r.sampling.typical_p, 0.75f);
  EXPECT_EQ(r.sampling.repetition_penalty, 1.5f);
  EXPECT_EQ(r.sampling.presence_penalty, -1);
  EXPECT_EQ(r.sampling.frequency_penalty, 2);
  EXPECT_EQ(r.choices, 3u);
  EXPECT_EQ(r.min_tokens, 2u);
  EXPECT_EQ(r.max_tokens, 9u);
  EXPECT_EQ(r.sampling.seed, static_cast<uint64_t>(int64_t{-5}));
  EXPECT_EQ(r.logprobs, 4);
  EXPECT_EQ(r.prompt_logprobs, -1);
  EXPECT_TRUE(r.ignore_eos);
  EXPECT_FALSE(r.skip_special_tokens);
  EXPECT_EQ(r.kv, "keep=h2o");
  EXPECT_EQ(r.stop, (std::vector<std::string>{"x", "yz"}));
  EXPECT_EQ(r.stop_tokens, (std::vector<Token>{5}));
  EXPECT_EQ(r.sampling.logit_bias.at(0), (std::pair<Token, float>{12, -100}));
  EXPECT_TRUE(job->stream && job->include_usage && job->logprobs);
}

TEST(ReadJob, Prompts) {
  Reading reading;
  const auto prompts = [&](const std::string& prompt) {
    return reading.completion(R"({"prompt":)" + prompt + "}");
  };
  EXPECT_EQ(prompts(R"("ab")")->requests.at(0).prompt, (std::vector<Token>{256, 'a', 'b'}));
  EXPECT_EQ(prompts(R"(["a","b"])")->requests.size(), 2u);
  EXPECT_EQ(prompts("[1,2,3]")->requests.at(0).prompt, (std::vector<Token>{1, 2, 3}));
  EXPECT_EQ(prompts("[[1],[2,3]]")->requests.at(1).prompt, (std::vector<Token>{2, 3}));
  for (const char* bad : {"[]", "[[]]", "[1,\"a\"]", "[\"a\",1]", "[[1],2]", "{}", "1", "null",
                          "[300]", "[-1]", "[1.5]", "[1e9]", "[[300]]", "[true]", "[[[1]]]"}) {
    const auto job = prompts(bad);
    ASSERT_FALSE(job.has_value()) << bad;
    EXPECT_TRUE(job.error().param.starts_with("prompt")) << bad;
  }
}

TEST(ReadJob, RefusesWithTheFieldsName) {
  Reading reading;
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"("model":"nope")", "model"},
      {R"("model":1)", "model"},
      {R"("stop":1)", "stop"},
      {R"("stop":[1])", "stop[0]"},
      {R"("stop":["a",""])", "stop[1]"},
      {R"("stop":["","","","","","","","","","","","","","","","",""])", "stop"},
      {R"("stop_token_ids":[-1])", "stop_token_ids[0]"},
      {R"("stop_token_ids":"a")", "stop_token_ids"},
      {R"("logit_bias":{"a":1})", "logit_bias"},
      {R"("logit_bias":{"300":1})", "logit_bias"},
      {R"("logit_bias":{"1":101})", "logit_bias[1]"},
      {R"("logit_bias":{"1":"1"})", "logit_bias[1]"},
      {R"("logit_bias":[])", "logit_bias"},
      {R"("seed":1.5)", "seed"},
      {R"("seed":"1")", "seed"},
      {R"("seed":9223372036854775808)", "seed"},
      {R"("stream":1)", "stream"},
      {R"("stream_options":{"include_usage":true})", "stream_options"},
      {R"("stream":true,"stream_options":{"include_usage":1})", "stream_options.include_usage"},
      {R"("stream":true,"stream_options":[])", "stream_options"},
      {R"("suffix":"a")", "suffix"},
      {R"("guided_json":{"type":"object"})", "guided_json"},
      {R"("use_beam_search":true)", "use_beam_search"},
      {R"("include_stop_str_in_output":true)", "include_stop_str_in_output"},
      {R"("length_penalty":1.2)", "length_penalty"},
      {R"("repeat_penalty":1.1)", "repeat_penalty"},
      {R"("n_predict":20)", "n_predict"},
      {R"("mirostat":2)", "mirostat"},
      {R"("top_a":0.1)", "top_a"},
      {R"("max_tokens":4096)", "max_tokens"},
      {R"("max_tokens":0)", "max_tokens"},
      {R"("n":2,"best_of":3)", "best_of"},
      {R"("ignore_eos":"yes")", "ignore_eos"},
      {R"("kv":{"keep":"h2o"})", "kv"},
  };
  for (const auto& [field, param] : cases) {
    const auto job = reading.completion_with(field);
    ASSERT_FALSE(job.has_value()) << field;
    EXPECT_EQ(job.error().param, param) << field;
  }
  EXPECT_TRUE(reading.completion_with(R"("unknown":{"a":[1]},"user":"x")").has_value());
  EXPECT_TRUE(reading.completion_with(R"("suffix":null,"guided_json":null)").has_value());
  EXPECT_TRUE(reading
                  .completion_with(R"("length_penalty":1,"repeat_penalty":1.0,"n_predict":-1,
                                      "mirostat":0,"top_a":0,"include_stop_str_in_output":false)")
                  .has_value());
}

TEST(ReadJob, AnElementIsNamedWithItsKindOrValue) {
  Reading reading;
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"prompt":[[[1]]]})", "prompt[0][0] must be an integer, not an array."},
      {R"({"prompt":[1,-1]})", "prompt[1] must be at least 0 and at most 299, not -1."},
      {R"({"prompt":[[1],[2,300]]})", "prompt[1][1] must be at least 0 and at most 299, not 300."},
      {R"({"prompt":["a",1]})", "prompt[1] must be a string, as prompt[0] is, not an integer."},
      {R"({"prompt":[[1],"a"]})", "prompt[1] must be an array, as prompt[0] is, not a string."},
      {R"({"prompt":[{}]})",
       "prompt[0] must be a string, a token or an array of tokens, not an object."},
      {R"({"prompt":[[1],[]]})", "prompt[1] must not be empty."},
      {R"({"prompt":"a","stop":["a",{}]})", "stop[1] must be a string, not an object."},
      {R"({"prompt":"a","stop":["a",""]})", "stop[1] must have 1 to 1024 bytes, not 0."},
      {R"({"prompt":"a","stop_token_ids":["a"]})",
       "stop_token_ids[0] must be an integer, not a string."},
  };
  for (const auto& [body, message] : cases) {
    const auto job = reading.completion(body);
    ASSERT_FALSE(job.has_value()) << body;
    EXPECT_EQ(job.error().message, message);
    EXPECT_TRUE(job.error().message.starts_with(job.error().param + " ")) << job.error().param;
  }
  const auto tokens = reading.completion("{\"prompt\":\"a\xff\"}");
  EXPECT_EQ(tokens.error().message, "The body is not valid UTF-8 at byte 12.");
}

TEST(ReadJob, ToolsThatTheTemplateIgnoresAreRefused) {
  Reading reading;
  const auto with = [&](const char* text, const char* more) {
    return reading.chat(fmt::format(
        R"({{"messages":[{{"role":"user","content":"{}"}}],"tools":[{{"type":"function"}}]{}}})",
        text, more));
  };
  EXPECT_TRUE(with("a", "").has_value());
  EXPECT_EQ(with("@toolless", "").error().param, "tools");
  EXPECT_TRUE(with("@toolless", R"(,"tool_choice":"none")").has_value());
}

TEST(ReadJob, ADefaultLengthGivesWayToTheContext) {
  Reading reading;
  const auto length = [&](size_t tokens, const char* more) -> Result<uint32_t> {
    std::string list = "1";
    for (size_t i = 1; i < tokens; ++i) list += ",1";
    WEIR_ASSIGN(const Job job, reading.completion(R"({"prompt":[)" + list + "]" + more + "}"));
    return job.requests.at(0).max_tokens;
  };
  EXPECT_EQ(*length(10, ""), 16u);
  EXPECT_EQ(*length(4090, ""), 6u);
  EXPECT_EQ(*length(4095, ""), 1u);
  EXPECT_EQ(length(4096, "").error().param, "prompt");
  EXPECT_EQ(length(4090, R"(,"max_tokens":16)").error().param, "max_tokens");
}

TEST(ReadJob, ChatRefusesWithTheFieldsName) {
  Reading reading;
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({})", "messages"},
      {R"({"messages":[]})", "messages"},
      {R"({"messages":"a"})", "messages"},
      {R"({"messages":[1]})", "messages[0]"},
      {R"({"messages":[{"content":"a"}]})", "messages[0].role"},
      {R"({"messages":[{"role":"king","content":"a"}]})", "messages[0].role"},
      {R"({"messages":[{"role":"user"}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":1}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":["a"]}]})", "messages[0].content[0]"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
       "messages[0].content[0].type"},
      {R"({"messages":[{"role":"user","content":"@refuse"}]})", "messages"},
  };
  for (const auto& [body, param] : cases) {
    const auto job = reading.chat(body);
    ASSERT_FALSE(job.has_value()) << body;
    EXPECT_EQ(job.error().param, param) << body;
  }
  const std::vector<std::pair<const char*, const char*>> fields = {
      {R"("response_format":{"type":"json_object"})", "response_format"},
      {R"("response_format":1)", "response_format"},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("tool_choice":{"type":"function"})", "tool_choice"},
      {R"("tools":[1])", "tools[0]"},
      {R"("tools":{})", "tools"},
      {R"("top_logprobs":1)", "top_logprobs"},
      {R"("modalities":["audio"])", "modalities"},
      {R"("echo":true)", "echo"},
      {R"("chat_template_kwargs":{"messages":[]})", "chat_template_kwargs"},
      {R"("chat_template":"{{1}}")", "chat_template"},
  };
  for (const auto& [field, param] : fields) {
    const auto job = reading.chat_with(field);
    ASSERT_FALSE(job.has_value()) << field;
    EXPECT_EQ(job.error().param, param) << field;
  }
}

TEST(ReadJob, ChatInput) {
  const auto object = parse_body(R"({"messages":[
    {"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
    {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function",
      "function":{"name":"f","arguments":"{\"x\":1}"}}]},
    {"role":"tool","content":"r","tool_call_id":"1"}],
    "tools":[{"type":"function"}],"chat_template_kwargs":{"enable_thinking":false}})");
  ASSERT_TRUE(object.has_value());
  const auto input = read_chat_input(Fields(*object));
  ASSERT_TRUE(input.has_value()) << input.error().message;
  EXPECT_NE(input->messages_json.find(R"("role":"system","content":"a\nb")"), std::string::npos)
      << input->messages_json;
  EXPECT_NE(input->messages_json.find(R"("arguments":{"x":1})"), std::string::npos);
  EXPECT_EQ(input->tools_json, R"([{"type":"function"}])");
  EXPECT_EQ(input->extra_json, R"({"enable_thinking":false})");
}

TEST(ReadJob, BadJson) {
  Reading reading;
  const std::string deep(1000, '[');
  for (const std::string& body :
       {std::string(), std::string("[]"), std::string("1"), std::string("{"), std::string("{}x"),
        std::string("{\"prompt\":\"\xff\"}"), std::string("\xEF\xBB\xBF{\"prompt\":\"a\"}"),
        std::string("{\"prompt\":\"\\ud800\"}"), std::string("{\"prompt\":\"a\",}"),
        std::string("{\"prompt\":\"a\"}\0", 15), std::string("{'prompt':'a'}"),
        std::string("{\"prompt\":NaN}"), "{\"prompt\":" + deep + "}"}) {
    const auto job = reading.completion(body);
    ASSERT_FALSE(job.has_value()) << body;
    EXPECT_EQ(job.error().code, Code::kInvalid) << body;
  }
  EXPECT_TRUE(reading.completion(R"({"prompt":1,"prompt":"the last counts"})").has_value());
  const auto numbers = R"({"prompt":"a","x":1e999,"y":)" + std::string(10000, '9') + "}";
  const auto job = reading.completion(numbers);
  EXPECT_TRUE(job || job.error().code == Code::kInvalid);
}

TEST(ReadJob, SizesAreBounded) {
  Reading reading;
  EXPECT_TRUE(reading.completion_with(R"("max_tokens":4000)").has_value());
  const auto prompt = [&](size_t tokens, const char* more) {
    std::string list = "[1";
    for (size_t i = 1; i < tokens; ++i) list += ",1";
    return reading.completion(R"({"prompt":)" + list + "]" + more + "}");
  };
  EXPECT_TRUE(prompt(4095, R"(,"max_tokens":1)").has_value());
  EXPECT_EQ(prompt(4096, R"(,"max_tokens":1)").error().param, "prompt");
  EXPECT_TRUE(prompt(4096, R"(,"max_tokens":0,"echo":true)").has_value());
  EXPECT_FALSE(prompt(4097, R"(,"max_tokens":0,"echo":true)").has_value());
  EXPECT_EQ(reading.completion_with(R"("n":128,"max_tokens":4000,"logprobs":20)").error().param,
            "logprobs");
  std::string many = "[\"a\"";
  for (size_t i = 0; i < kPromptsMax; ++i) many += ",\"a\"";
  EXPECT_FALSE(reading.completion(R"({"prompt":)" + many + "]}").has_value());
  EXPECT_EQ(reading.completion(R"({"prompt":["a","b","c","d","e"],"n":128})").error().param, "n");
}

}  // namespace
}  // namespace weir::server
