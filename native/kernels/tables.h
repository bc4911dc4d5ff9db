// The tables that the ISA files define.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/region.h"

namespace packed_rnn {

#define PACKED_RNN_ISA(name, supported) extern const Kernels name##_kernels;
#include "kernels/isa.inc"
#undef PACKED_RNN_ISA

}  // namespace packed_rnn
