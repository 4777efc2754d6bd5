#!/bin/sh
# make: pattern rules, functions and variables over thousands of targets, jobs in parallel.
# package: make
# uses: fork
# set: ci
prepare()
{
    cat >Makefile <<'MAKE'
numbers := $(shell seq 1 3000)
names   := $(patsubst %,out/n%.txt,$(numbers))
double   = $(foreach w,$(1),$(w)$(w))
define rule
out/n$(1).txt: in/n$(1).src | out
	@:
in/n$(1).src:
	@:
endef
all: few $(names)
	@echo "$(words $(call double,$(names))) $(lastword $(sort $(names)))"
few: $(patsubst %,out/p%.dat,$(wordlist 1,150,$(numbers)))
	@cat $(sort $^) | cksum
out/p%.dat: | out
	@echo "file $* of $(filter-out 1%,$(wordlist 1,20,$(numbers)))" >$@
out:
	@mkdir -p $@
fail:
	@exit 4
$(foreach n,$(numbers),$(eval $(call rule,$(n))))
MAKE
}

work()
{
    run make -j 2 -f "$IN/Makefile"
    run make -f "$IN/Makefile" few
    run make -f "$IN/Makefile" fail || echo "exit status $?"
}
