{
  "includes": ["native/sources.gypi"],
  "targets": [
    {
      "target_name": "packed_rnn",
      "sources": ["<@(packed_rnn_core)", "<@(packed_rnn_binding)"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "configurations": {"Release": {"defines": ["NDEBUG"]}},
      # An fma is where the source writes one. GCC's own AVX-512 headers set off -Wuninitialized.
      "cflags": ["-O3", "-ffp-contract=off", "-fvisibility=hidden", "-Wno-uninitialized"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++17", "-fvisibility-inlines-hidden"],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "GCC_ENABLE_CPP_RTTI": "YES",
        "GCC_INLINES_ARE_PRIVATE_EXTERN": "YES",
        "GCC_OPTIMIZATION_LEVEL": "3",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "MACOSX_DEPLOYMENT_TARGET": "11.0",
        "OTHER_CFLAGS": ["-ffp-contract=off"]
      },
      "msvs_settings": {
        "VCCLCompilerTool": {
          "AdditionalOptions": ["/std:c++17", "/fp:precise", "/utf-8"],
          "ExceptionHandling": 1,
          "RuntimeTypeInfo": "true"
        }
      },
      "conditions": [
        ["OS=='linux'", {"ldflags": ["-Wl,--version-script=<(module_root_dir)/native/exports.map"]}]
      ]
    }
  ]
}
