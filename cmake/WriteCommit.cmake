# Writes the commit's name as a C++ string to OUT, and touches the file only when the name changes:
# run at every build, it rebuilds nothing but what names the commit.
execute_process(COMMAND git describe --always --dirty --abbrev=12
  WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE failed ERROR_QUIET)
if(failed)
  set(commit unknown)
endif()
set(old "")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT old STREQUAL "\"${commit}\"\n")
  file(WRITE ${OUT} "\"${commit}\"\n")
endif()
