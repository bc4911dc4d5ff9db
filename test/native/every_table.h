// The tables of kernels to be tested.
#pragma once

#include <cstring>
#include <vector>

#include "kernels/tables.h"

namespace packed_rnn::test {

// All that this processor can run, those made for others with the same instruction sets included. Portable comes last.
inline std::vector<const Kernels*> every_table() {
  const Supported supported = supported_kernels();
  std::vector<const Kernels*> tables(supported.tables, supported.tables + supported.count);
#if PACKED_RNN_X64
  if (std::strcmp(tables[0]->isa, "avx512") == 0) {
    tables.insert(tables.begin(),
                  std::strcmp(tables[0]->name, "avx512") == 0 ? &avx512_halved_kernels : &avx512_kernels);
  }
#endif
  return tables;
}

// Those of the best instruction set.
inline std::vector<const Kernels*> best_tables() {
  std::vector<const Kernels*> tables = every_table();
  std::size_t count = 1;
  while (count < tables.size() && std::strcmp(tables[count]->isa, tables[0]->isa) == 0) ++count;
  tables.resize(count);
  return tables;
}

}  // namespace packed_rnn::test
