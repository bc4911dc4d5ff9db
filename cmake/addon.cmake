# The Node.js addon. cmake-js passes CMAKE_JS_INC, _SRC and _LIB; plain CMake takes the headers from the npm packages.
if(NOT CMAKE_JS_INC)
  execute_process(
    COMMAND node -p "require('node-api-headers').include_dir + ';' + require('node-addon-api').include_dir"
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    OUTPUT_VARIABLE CMAKE_JS_INC
    OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
endif()

if(APPLE)
  # Zig's Mach-O linker can't make bundles; dlopen takes a shared library as well.
  add_library(packed_rnn SHARED ${packed_rnn_binding} ${CMAKE_JS_SRC})
else()
  add_library(packed_rnn MODULE ${packed_rnn_binding} ${CMAKE_JS_SRC})
endif()
set_target_properties(packed_rnn PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(packed_rnn SYSTEM PRIVATE ${CMAKE_JS_INC})
target_compile_definitions(
  packed_rnn
  PRIVATE NAPI_VERSION=8
          NODE_ADDON_API_CPP_EXCEPTIONS
          NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
          NODE_GYP_MODULE_NAME=packed_rnn
          BUILDING_NODE_EXTENSION)
target_link_libraries(packed_rnn PRIVATE packed_rnn_core ${CMAKE_JS_LIB})

if(APPLE)
  target_link_options(packed_rnn PRIVATE -undefined dynamic_lookup)
  set_target_properties(packed_rnn PROPERTIES INSTALL_NAME_DIR "@rpath" BUILD_WITH_INSTALL_NAME_DIR ON)
elseif(MSVC)
  if(CMAKE_JS_NODELIB_DEF AND CMAKE_JS_NODELIB_TARGET)
    execute_process(COMMAND ${CMAKE_AR} /def:${CMAKE_JS_NODELIB_DEF} /out:${CMAKE_JS_NODELIB_TARGET})
  endif()
elseif(WIN32)
  # Without an import library, which would tie the addon to a host named node.exe.
  set(host_symbols ${CMAKE_CURRENT_BINARY_DIR}/host_symbols.c)
  execute_process(
    COMMAND node ${CMAKE_CURRENT_LIST_DIR}/host-symbols.js 8 ${CMAKE_SYSTEM_PROCESSOR}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    OUTPUT_FILE ${host_symbols}
    COMMAND_ERROR_IS_FATAL ANY)
  target_sources(packed_rnn PRIVATE ${host_symbols})
  target_compile_definitions(packed_rnn PRIVATE NAPI_EXTERN=)
elseif(NOT PACKED_RNN_SANITIZE)
  target_link_options(packed_rnn PRIVATE -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/native/exports.map)
endif()
