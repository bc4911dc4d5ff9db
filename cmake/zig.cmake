# Cross-compiles with Zig: ZIG, in the environment, is its binary, and ZIG_TARGET what to build for.
set(ZIG "$ENV{ZIG}" CACHE FILEPATH "")
set(ZIG_TARGET "$ENV{ZIG_TARGET}" CACHE STRING "")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ZIG ZIG_TARGET)

string(REGEX MATCH "^[^-]+" CMAKE_SYSTEM_PROCESSOR ${ZIG_TARGET})
if(ZIG_TARGET MATCHES windows)
  set(CMAKE_SYSTEM_NAME Windows)
elseif(ZIG_TARGET MATCHES macos)
  set(CMAKE_SYSTEM_NAME Darwin)
  set(CMAKE_OSX_SYSROOT "")
  set(CMAKE_INSTALL_NAME_TOOL true) # none is needed: nothing is installed
else()
  set(CMAKE_SYSTEM_NAME Linux)
endif()
set(CMAKE_SYSTEM_VERSION 1)

set(CMAKE_C_COMPILER ${ZIG} cc -target ${ZIG_TARGET})
set(CMAKE_CXX_COMPILER ${ZIG} c++ -target ${ZIG_TARGET})
foreach(language C CXX)
  set(CMAKE_${language}_ARCHIVE_CREATE "${ZIG} ar qc <TARGET> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_FINISH "${ZIG} ranlib <TARGET>")
  # The same bytes from every folder.
  set(CMAKE_${language}_FLAGS_INIT "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
endforeach()
set(CMAKE_MODULE_LINKER_FLAGS_INIT -s)
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-s -Wl,-x") # Mach-O alone is linked so, and keeps its local symbols without -x

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
