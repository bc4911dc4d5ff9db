// The instruction set in use.
#pragma once

#include <napi.h>

#include "kernels/kernels.h"

namespace packed_rnn::binding {

// The table chosen when the module was loaded.
const Kernels& kernels();

}  // namespace packed_rnn::binding
