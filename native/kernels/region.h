// What differs between compilers. A region is a part of a file compiled for more than the baseline processor; it opens
// after the standard headers, so that no function they share with other files is ever compiled for it.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#define PACKED_RNN_X64 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define PACKED_RNN_ARM64 1
#endif

#define PACKED_RNN_PRAGMA(text) _Pragma(#text)

#if defined(_MSC_VER) && !defined(__clang__)
// /fp:precise made fmas of what is none before Visual Studio 2022.
#pragma fp_contract(off)
#endif

#if defined(__clang__)
#define PACKED_RNN_REGION(isa) \
  PACKED_RNN_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define PACKED_RNN_REGION_END PACKED_RNN_PRAGMA(clang attribute pop)
#define PACKED_RNN_UNROLL PACKED_RNN_PRAGMA(clang loop unroll(full))
#define PACKED_RNN_UNROLL_BY(count) PACKED_RNN_PRAGMA(clang loop unroll_count(count))
#elif defined(__GNUC__)
// GCC instantiates templates at the end of the file with the options in force there: the region must reach so far.
#define PACKED_RNN_REGION(isa) PACKED_RNN_PRAGMA(GCC target(isa))
#define PACKED_RNN_REGION_END
#if defined(__SANITIZE_ADDRESS__)
// Unrolled, where every access is checked, a table takes minutes to compile.
#define PACKED_RNN_UNROLL
#else
#define PACKED_RNN_UNROLL PACKED_RNN_PRAGMA(GCC unroll 24)
#endif
#define PACKED_RNN_UNROLL_BY(count) PACKED_RNN_PRAGMA(GCC unroll count)
#else
#define PACKED_RNN_REGION(isa)
#define PACKED_RNN_REGION_END
#define PACKED_RNN_UNROLL
#define PACKED_RNN_UNROLL_BY(count)
#endif

// What one compiler has to be told of a vector, and the other must not be.
#if defined(__clang__)
// It would else begin a row before the last is done, and run out of registers.
#define PACKED_RNN_KEEP_ORDER(sum) __asm__ volatile("" : "+v"(sum) : : "memory")
#define PACKED_RNN_KEEP_LOADED(weights)
#elif defined(__GNUC__)
#define PACKED_RNN_KEEP_ORDER(sum)
// It would else load them again for every fma that takes them, and two loads a cycle are too few for that.
#define PACKED_RNN_KEEP_LOADED(weights) __asm__("" : "+v"(weights))
#else
#define PACKED_RNN_KEEP_ORDER(sum)
#define PACKED_RNN_KEEP_LOADED(weights)
#endif

#if defined(__GNUC__)
// Compilers would else have an index for all pointers.
#define PACKED_RNN_KEEP_MOVING(pointer) __asm__("" : "+r"(pointer))
#else
#define PACKED_RNN_KEEP_MOVING(pointer)
#endif

#if defined(__GNUC__)
#define PACKED_RNN_INLINE inline __attribute__((always_inline))
#define PACKED_RNN_NOINLINE __attribute__((noinline))
#define PACKED_RNN_LIKELY(condition) __builtin_expect(condition, 1)
#else
#define PACKED_RNN_INLINE __forceinline
#define PACKED_RNN_NOINLINE __declspec(noinline)
#define PACKED_RNN_LIKELY(condition) (condition)
#endif
