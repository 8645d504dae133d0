#include "routes.h"

#include <c10/util/Exception.h>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

namespace medr1 {
namespace {

std::string inNumbers(const sockaddr* address, socklen_t length) {
  char text[NI_MAXHOST];
  const int failed = ::getnameinfo(address, length, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  TORCH_CHECK(failed == 0, ::gai_strerror(failed));
  return text;
}

// A datagram socket that is connected is given the address that its packets would be sent from. Empty where no way leads there.
std::string sourceOf(const addrinfo& to) {
  const int socket = ::socket(to.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return "";
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  const bool found = ::connect(socket, to.ai_addr, to.ai_addrlen) == 0 && ::getsockname(socket, reinterpret_cast<sockaddr*>(&from), &length) == 0;
  ::close(socket);
  return found ? inNumbers(reinterpret_cast<sockaddr*>(&from), length) : "";
}

}  // namespace

Route routeTo(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), "9", &hints, &found);  // any port: nothing is sent
  TORCH_CHECK(failed == 0, "the address of ", host, " is not known here: ", ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
  for (const addrinfo* to = all.get(); to != nullptr; to = to->ai_next) {
    const std::string from = sourceOf(*to);
    if (!from.empty()) return {inNumbers(to->ai_addr, to->ai_addrlen), from};
  }
  TORCH_CHECK(false, "no network leads from this machine to ", host);
}

bool isLoopback(const std::string& address) { return address.rfind("127.", 0) == 0 || address == "::1"; }

}  // namespace medr1
