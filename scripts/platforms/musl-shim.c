// What Bun's musl build and glibc's libstdc++ ask of a C library that musl does not have.
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

char __libc_single_threaded = 0;
struct {
  unsigned a, b, c, d[1];
} __cpu_model;

int __cpu_indicator_init(void) {
  return 0;
}
int _dl_find_object(void* address, void* result) {
  (void)address, (void)result;
  return -1;  // not found: the unwinder goes on with dl_iterate_phdr
}
int __cxa_thread_atexit_impl(void (*function)(void*), void* object, void* library) {
  (void)function, (void)object, (void)library;
  return 0;
}
size_t __strftime_l(char* text, size_t size, const char* format, const struct tm* time, locale_t locale) {
  return strftime_l(text, size, format, time, locale);
}
uint32_t arc4random(void) {
  uint32_t value = 4;
  syscall(SYS_getrandom, &value, sizeof value, 0);
  return value;
}
