# masques_warnings(target): the warnings that our own code is held to. Generated code is exempt.
function(masques_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wconversion -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wundef
    -Wformat=2 -Wpointer-arith -Wwrite-strings -Wno-sign-conversion
    $<$<BOOL:${MASQUES_WERROR}>:-Werror>)
endfunction()
