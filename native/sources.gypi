{
  "variables": {
    "packed_rnn_core": [
      "native/core/layers.cpp",
      "native/core/layout.cpp",
      "native/core/memory.cpp",
      "native/core/pass.cpp",
      "native/core/processors.cpp",
      "native/core/recurrent.cpp",
      "native/core/sequence.cpp",
      "native/core/share.cpp",
      "native/core/threads.cpp",
      "native/core/weights.cpp",
      "native/core/workspace.cpp",
      "native/kernels/avx2.cpp",
      "native/kernels/avx512.cpp",
      "native/kernels/neon.cpp",
      "native/kernels/portable.cpp",
      "native/kernels/select.cpp"
    ],
    "packed_rnn_binding": [
      "native/binding/addon.cpp",
      "native/binding/layers.cpp",
      "native/binding/recurrent.cpp",
      "native/binding/runtime.cpp",
      "native/binding/sequence.cpp",
      "native/binding/stream.cpp"
    ]
  }
}
