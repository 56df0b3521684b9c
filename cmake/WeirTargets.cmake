# Warnings, sanitizers and the three kinds of target there are: a folder's library with its tests, a
# fuzz target, a program.

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(tl-expected REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS SSL Crypto)
find_package(Boost 1.81 REQUIRED CONFIG COMPONENTS json)

add_library(weir_flags INTERFACE)
target_include_directories(weir_flags INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
# Floats are rounded where the source says so and nowhere else (promise 1): no contraction.
target_compile_options(weir_flags INTERFACE
  -Wall -Wextra -Wshadow -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion
  -Wno-sign-conversion -Werror -ffp-contract=off -fno-math-errno -fvisibility=hidden
  -fno-semantic-interposition)
# g++ 12 sees overlapping copies in std::string's own code where there are none (GCC bug 105651).
target_compile_options(weir_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_compile_definitions(weir_flags INTERFACE BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(weir_flags INTERFACE tl::expected fmt::fmt Threads::Threads)
if(WEIR_SANITIZE)
  target_compile_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE}
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_FUZZ)
  target_compile_options(weir_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(WEIR_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

# weir_library(kv DEPENDS kernels [LINK target...] [EXCLUDE file...]): every .cc of the folder but
# *_test.cc and *_fuzz.cc makes the library weir_kv; the tests make the program kv_test; each
# *_fuzz.cc makes a program of its own. EXCLUDE names files that the folder builds in its own way.
function(weir_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  foreach(file ${ARG_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")

  add_library(weir_${name} OBJECT ${sources})
  target_link_libraries(weir_${name} PUBLIC weir_flags ${ARG_LINK})
  foreach(depend ${ARG_DEPENDS})
    target_link_libraries(weir_${name} PUBLIC weir_${depend}_all)
  endforeach()
  # An OBJECT library does not hand its objects on; this target does, so that a program links the
  # folder and all below it by one name, and self-registering files are never dropped.
  add_library(weir_${name}_all INTERFACE)
  target_link_libraries(weir_${name}_all INTERFACE weir_${name})
  target_sources(weir_${name}_all INTERFACE $<TARGET_OBJECTS:weir_${name}>)
  foreach(depend ${ARG_DEPENDS})
    target_link_libraries(weir_${name}_all INTERFACE weir_${depend}_all)
  endforeach()

  if(WEIR_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE weir_${name}_all GTest::gtest_main GTest::gmock)
    # Tests take longer to compile than to run: they are not optimised, and no fuzzer explores them.
    target_compile_options(${name}_test PRIVATE -O0
      $<$<BOOL:${WEIR_FUZZ}>:-fno-sanitize=fuzzer-no-link>)
    gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
  endif()
  if(WEIR_FUZZ)
    foreach(file ${fuzzers})
      get_filename_component(target ${file} NAME_WE)
      add_executable(${target} ${file})
      target_link_libraries(${target} PRIVATE weir_${name}_all)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()
