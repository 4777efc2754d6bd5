# Front door of the build; CMakeLists.txt describes it, CMakePresets.json names its variants.
# Everything is written into build/. `make install` takes PREFIX and DESTDIR.
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
OPTIONS = -DCMAKE_INSTALL_PREFIX=$(PREFIX) -DASHLAR_WERROR=$(or $(ASHLAR_WERROR),OFF) \
          -DASHLAR_CONFIGS=$(or $(ASHLAR_CONFIGS),OFF)
BENCH   = --rounds $(or $(ROUNDS),11) $(if $(ROWS),--rows $(ROWS)) $(BENCH_OPTIONS)
CTEST   = ctest --test-dir build --output-on-failure --no-tests=error

.PHONY: all deps check-deps ci-deps programs-deps bench-deps demo check check-programs bench \
        compare install uninstall debug clang region26 asan tsan cov fuzz aarch64 lint models fmt \
        bareroot clean

all:
	@mkdir -p build
	@cmake --preset release $(OPTIONS) >build/configure.log 2>&1 || \
	    { cat build/configure.log; exit 1; }
	@cmake --build build -j $(JOBS) --target products

deps:            # what the build needs
	@deps/install build
check-deps:      # what the tests need as well
	@deps/install build check
ci-deps:         # what the other configurations need as well
	@deps/install build check ci
programs-deps:   # the programs that check-programs runs
	@deps/install build check programs
bench-deps:      # the other allocators, and what the rows run
	@deps/install build bench

demo: deps all   # a real program on Ashlar, then what its heap held
	ASHLAR=stats build/ashlar run -- perl demo/words.pl
check: check-deps all   # ASHLAR_CONFIGS=ON (CI): every other configuration as a test of its own
	@cmake --build build -j $(JOBS)
	@$(CTEST) -j $(JOBS) -LE programs
check-programs: programs-deps all
	@cmake --build build -j $(JOBS)
	@$(CTEST) -L programs
bench: bench-deps all   # ROWS=larson-2,idle-freed ROUNDS=3 BENCH_OPTIONS='--html out.html'
	@cmake --build build -j $(JOBS) --target bench_programs
	@bench/run.py $(BENCH)
compare: bench-deps all # the field's table: COMPARE_CMD='perl demo/words.pl', or ROWS, or all rows
	@cmake --build build -j $(JOBS) --target bench_programs
	@bench/compare.py --rounds $(or $(ROUNDS),3) $(if $(ROWS),--rows $(ROWS)) \
	    $(COMPARE_OPTIONS) $(if $(COMPARE_CMD),-- $(COMPARE_CMD))

install: all
	@cmake --install build
uninstall:
	@cmake --build build --target uninstall

debug clang region26 asan tsan cov fuzz aarch64 lint:   # one configuration, in build/config/
	@tests/config/run $@ build/config/$@ $(JOBS)
models: check-deps all     # the Spin models of the protocols
	@$(CTEST) -L model
fmt:
	@git ls-files '*.c' '*.h' '*.hpp' '*.cpp' | xargs clang-format -i
bareroot:        # the two commands of README in a bare Debian root (as root)
	@tests/bareroot.sh
clean:
	rm -rf build
