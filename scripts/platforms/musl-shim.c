// What Bun's musl build and glibc's libstdc++ ask of a C library that musl does not have. The number parsers are for a
// libstdc++ built with glibc 2.38 or newer; stdlib.h is left out, since there it calls them by these very names.
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
long strtol(const char*, char**, int);
unsigned long strtoul(const char*, char**, int);
long __isoc23_strtol(const char* text, char** end, int base) {
  return strtol(text, end, base);
}
unsigned long __isoc23_strtoul(const char* text, char** end, int base) {
  return strtoul(text, end, base);
}
size_t __strftime_l(char* text, size_t size, const char* format, const struct tm* time, locale_t locale) {
  return strftime_l(text, size, format, time, locale);
}
uint32_t arc4random(void) {
  uint32_t value = 4;
  syscall(SYS_getrandom, &value, sizeof value, 0);
  return value;
}
