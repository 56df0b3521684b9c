// Engines over tiny models, for tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "format/tiny_model.h"
#include "weir/engine.h"

namespace weir {

// A file that ends with the test.
class TinyFile {
 public:
  explicit TinyFile(const TinyModel& model)
      : path_(std::filesystem::temp_directory_path() / ("weir-tiny-" + std::to_string(getpid()) +
                                                        "-" + std::to_string(++count_) + ".gguf")) {
    const Status written = write_file_atomically(path_, tiny_model(model));
    EXPECT_TRUE(written);
  }
  TinyFile(const TinyFile&) = delete;
  TinyFile& operator=(const TinyFile&) = delete;
  ~TinyFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  static inline int count_ = 0;
  std::filesystem::path path_;
};

inline EngineOptions tiny_options() {
  EngineOptions o;
  o.threads = 2;
  o.step_tokens_max = 64;
  o.kv_bytes_max = 32 << 20;
  return o;
}

inline std::unique_ptr<Engine> open_tiny(const TinyModel& model, const EngineOptions& options) {
  const TinyFile file(model);  // The mapping outlives the name.
  auto engine = Engine::open(file.path(), options);
  EXPECT_TRUE(engine) << engine.error().message;
  return *std::move(engine);
}

// Gathers a request's events; wait() returns when the last is there.
class Collector {
 public:
  EventHandler handler() {
    return [this](const Event& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
      if (std::holds_alternative<EndEvent>(event)) ended_.notify_all();
    };
  }
  const std::vector<Event>& wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(
        lock, [&] { return !events_.empty() && std::holds_alternative<EndEvent>(events_.back()); });
    return events_;
  }
  const EndEvent& end() { return std::get<EndEvent>(wait().back()); }
  std::string text(uint32_t choice = 0) {
    std::string out;
    for (const Event& e : wait()) {
      if (const auto* t = std::get_if<TokenEvent>(&e); t && t->choice == choice) out += t->text;
      if (const auto* c = std::get_if<ChoiceEvent>(&e); c && c->choice == choice) out += c->text;
    }
    return out;
  }
  std::vector<Token> tokens(uint32_t choice = 0) {
    std::vector<Token> out;
    for (const Event& e : wait())
      if (const auto* t = std::get_if<TokenEvent>(&e); t && t->choice == choice)
        out.push_back(t->token.token);
    return out;
  }
  const ChoiceEvent* choice(uint32_t index) {
    for (const Event& e : wait())
      if (const auto* c = std::get_if<ChoiceEvent>(&e); c && c->choice == index) return c;
    return nullptr;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<Event> events_;
};

// Holds the engine's thread in a request's token `at`, until opened.
class Gate {
 public:
  explicit Gate(size_t at = 1) : at_(at) {}
  EventHandler handler(EventHandler then) {
    return [this, then = std::move(then)](const Event& event) {
      if (std::holds_alternative<TokenEvent>(event) && ++seen_ == at_) {
        reached_.set_value();
        opened_.get_future().wait();
      }
      then(event);
    };
  }
  void wait() { reached_.get_future().wait(); }
  void open() { opened_.set_value(); }

 private:
  size_t at_, seen_ = 0;
  std::promise<void> reached_, opened_;
};

}  // namespace weir
