# A thin front to Meson: `make` builds, `make test` runs the fast part.
BUILD ?= build

.PHONY: all test check asan fuzz differ lint interop bench format clean install
all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)
$(BUILD)/build.ninja:
	@tools/install && meson setup $(BUILD) >/dev/null
test: all            ## the fast tests: under a minute, no network, no root
	@meson test -C $(BUILD) --no-rebuild --suite unit --suite fuzz --suite cli --print-errorlogs
check:               ## everything
	@./check
asan:                ## the fast tests under AddressSanitizer and UBSan
	@[ -d build-asan ] || meson setup build-asan -Db_sanitize=address,undefined -Dbuildtype=debugoptimized >/dev/null
	@ninja -C build-asan && meson test -C build-asan --no-rebuild --suite unit --suite fuzz --print-errorlogs
interop: all         ## against others: log verifiers, Cedar, PostgreSQL
	@meson test -C $(BUILD) --no-rebuild --suite interop --print-errorlogs
fuzz:                ## libFuzzer binaries in build-fuzz/tests/fuzz
	@[ -d build-fuzz ] || CC=clang-14 meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C build-fuzz
CASES ?= 200000
SEED ?= 1
differ: all          ## lib/cedar against its reference implementation on CASES random cases of each sort
	@cd tests/interop/cedar && for c in 'differ.mjs ask' 'differ_validate.mjs ask-validate' 'differ_whole.mjs ask-whole'; do \
		set -- $$c; node $$1 ../../../$(BUILD)/tests/interop/cedar/cedar-$$2 $(CASES) $(SEED) || exit 1; done
lint:
	@tools/check-layers && tools/check-headers && tools/lint
bench: all
	@bench/run
format:
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i
install: all
	@meson install -C $(BUILD)
clean:
	@rm -rf build build-*
