// How glibc keeps freed memory. By default it returns large blocks to the system and takes them back page by page, at every
// large tensor anew: a fifth of a training step on the CPU. Here up to a GiB stays with the process; blocks above 32 MiB go back.
#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>

namespace {

__attribute__((constructor)) void keepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace
#endif
