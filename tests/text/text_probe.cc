// Drives the text folder for the Python tests: one JSON object per line in, one per line out. What
// goes wrong is {"error": message}.
#include <iostream>
#include <map>
#include <string>

#include "text/probe.h"
#include "text/template_operations.h"
#include "text/tokenizer_operations.h"

namespace {

const std::map<std::string, weir::probe::Operation, std::less<>> kOperations = {
    {"decode", weir::probe::decode},        {"encode", weir::probe::encode},
    {"load", weir::probe::load_vocabulary}, {"render", weir::probe::render},
    {"stream", weir::probe::stream},
};

boost::json::object answer(const std::string& line) {
  try {
    const boost::json::object request = boost::json::parse(line).as_object();
    return kOperations.at(std::string(request.at("op").as_string()))(request);
  } catch (const std::exception& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << boost::json::serialize(answer(line)) << std::endl;
  }
  return 0;
}
