# The examples of the header and of the documentation, written to files that are built.
set(ENTRAIN_EXAMPLES ${CMAKE_BINARY_DIR}/examples)

# Give the part of a file that a regular expression has in brackets.
function(read_example file pattern result)
    file(READ ${file} text)
    if(NOT text MATCHES "${pattern}")
        message(FATAL_ERROR "${file} has no example any more")
    endif()
    set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endfunction()

# engine.h opens with a program, in a comment.
read_example(${PROJECT_SOURCE_DIR}/native/include/entrain/engine.h
    "\n \\* @code(\n.*)\n \\* @endcode\n" program)
string(REGEX REPLACE "\n \\* ?" "\n" program "${program}\n")
file(CONFIGURE OUTPUT ${ENTRAIN_EXAMPLES}/engine_example.c CONTENT "${program}" @ONLY)

# docs/architecture.md adds a block, which becomes one more of the extra blocks.
if(ENTRAIN_EXTRA_BLOCKS)
    read_example(${PROJECT_SOURCE_DIR}/docs/architecture.md "\n```faust\n([^`]*)```\n" block)
    file(CONFIGURE OUTPUT ${ENTRAIN_EXAMPLES}/sway.dsp CONTENT "${block}" @ONLY)
    list(APPEND ENTRAIN_EXTRA_BLOCKS ${ENTRAIN_EXAMPLES})
endif()
