// By which address of its own a machine reaches another one: what Gloo is to listen on.
#pragma once

#include <string>

namespace medr1 {

struct Route {
  std::string to;    // the other machine's address, in numbers
  std::string from;  // this machine's, on the way there
};

// Throws where the name is unknown, or no way leads there. Sends nothing.
Route routeTo(const std::string& host);

bool isLoopback(const std::string& address);

}  // namespace medr1
