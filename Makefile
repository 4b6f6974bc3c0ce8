# How Paravane is built, checked and tested.  `make help` lists the targets; tools/setup installs what this needs.
#
#   build/gcc/engine, build/clang/engine   the engine as the hypervisor links it: freestanding, by both compilers
#   build/hv, build/hv-clang               the hypervisor's image, by both; Makefile.hv
#   build/FLAVOUR                          engine and hosted machine as ordinary code, and the test programs on top:
#       san    address and undefined-behaviour sanitizers, assertions
#       fast   optimised, assertions: long runs of the model
#       cov    coverage, assertions
#       bench  optimised, no assertions: measurements only
#       tsan   the engine alone under clang's ThreadSanitizer
#   build/fuzz                             the same sources under clang's libFuzzer and sanitizers
#   build/log                              what the tests said, a file each

SHELL := /bin/bash
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables -j$(shell nproc)
ifneq ($(filter clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

GCC := gcc
CLANG := clang
Q := $(if $(V),,@)

# ---- What is compiled, and how -------------------------------------------------------------------------------------

ENGINE := $(sort $(wildcard engine/*.c))
SIM := $(sort $(wildcard sim/*.c))
SUPPORT := $(sort $(wildcard tests/support/*.c))
RINGS := unit sweep lessons model
PROGRAMS := $(sort $(foreach ring,$(RINGS),$(wildcard tests/$(ring)/*.c)))
# What of the hypervisor is tested on the host: Makefile.hv builds these.
HV_TESTS := build/hv-san/test_bootinfo build/hv-san/test_parts
# The engine under real threads, with a port of their own.
PARALLEL := $(sort $(wildcard tests/parallel/*.c))
BENCHES := $(sort $(wildcard tests/bench/*.c))
FUZZERS := $(sort $(wildcard tests/fuzz/*.c))

# Helpers in tests/RING/lib belong to the programs of that ring.
helpers = $(sort $(wildcard tests/$(1)/lib/*.c))

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wconversion -Wundef -Wmissing-prototypes -Wstrict-prototypes \
	-Wcast-qual -Wvla
COMMON := -I. -g $(WARNINGS)
FREESTANDING := -std=c11 -I. -O2 -ffreestanding -fno-builtin -fno-stack-protector -mno-red-zone \
	-mgeneral-regs-only -fPIC -fvisibility=hidden
HOSTED := -std=gnu11 -I.

CFLAGS_gcc := $(FREESTANDING) -fno-tree-loop-distribute-patterns
CFLAGS_clang := $(FREESTANDING)
CC_gcc := $(GCC)
CC_clang := $(CLANG)

SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_san := -O1 $(SANITIZERS) -DENGINE_DEBUG
CFLAGS_fast := -O2 -DENGINE_DEBUG
CFLAGS_cov := -O0 --coverage -DENGINE_DEBUG
CFLAGS_bench := -O2
CFLAGS_tsan := -O1 -fsanitize=thread -DENGINE_DEBUG
CFLAGS_fuzz := -O1 $(SANITIZERS) -fsanitize=fuzzer-no-link -DENGINE_DEBUG
CC_san := $(GCC)
CC_fast := $(GCC)
CC_cov := $(GCC)
CC_bench := $(GCC)
CC_fuzz := $(CLANG)
CC_tsan := $(CLANG)
FLAVOURS := san fast cov bench fuzz tsan

objects = $(patsubst %.c,build/$(1)/%.o,$(2))
programs = $(patsubst %.c,build/$(1)/%,$(2))

# ---- Targets -------------------------------------------------------------------------------------------------------

# A folder that is no target has nothing to be done, and make would call that a success.
FOLDERS := abi docs guest sim tests tools
.PHONY: all run engine symbols san fast cov test test-hosted check soak fuzz coverage bench defects record-xen format setup \
	$(FOLDERS)
.PHONY: clean help FORCE

all: symbols san hv guests cli paravirt

run: run-linux build/guests/demo.elf

engine: build/gcc/engine/libengine.a build/clang/engine/libengine.a

symbols: $(if $(ENGINE),engine)
	$(if $(ENGINE),$(Q)tools/check-symbols)

# All test programs of a flavour.
$(foreach flavour,san fast cov,$(eval \
	$(flavour): build/$(flavour)/libparavane-hosted.a $(call programs,$(flavour),$(PROGRAMS))))

# The lists of these are those of the other makefiles, which come later: hence the second expansion.
.SECONDEXPANSION:
test: engine hv guests cli paravirt san $$(HV_TESTS) $$(HV_UNIT) $$(CLI_PARTS) $$(LINUX_PARTS) \
		build/linux/xen.gz build/linux/grub-images $(call programs,tsan,$(PARALLEL)) \
		$(call programs,fast,$(filter tests/model/%,$(PROGRAMS))) $(call programs,fuzz,$(FUZZERS)) $$(HV_FUZZERS)
	$(Q)tests/run.sh

test-hosted: test

check: engine
	$(Q)tests/run.sh checks

# For soak and fuzz.  A seed that is not given is a new one each time.
SECONDS := 60
SEED = $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
# Of what is no number, the programs would make 0, and end at once with success.
number = $(if $(filter command,$(origin $(1))),$(if $(shell grep -xE '0x[0-9a-fA-F]+|[0-9]+' <<<'$($(1))'),,\
	$(error $(1)=$($(1)): not a number)))
$(call number,SECONDS)$(call number,SEED)

soak: $(call programs,fast,$(filter tests/model/%,$(PROGRAMS)))
	$(Q)seed=$(SEED); for program in $^; do \
	    echo "PARAVANE_MODEL_SECONDS=$(SECONDS) PARAVANE_MODEL_SEED=$$seed $$program"; \
	    PARAVANE_MODEL_SECONDS=$(SECONDS) PARAVANE_MODEL_SEED=$$seed $$program || exit 1; \
	done

fuzz: $(call programs,fuzz,$(FUZZERS)) $$(HV_FUZZERS)
	$(Q)tests/fuzz/run.sh $(SECONDS)

coverage: cov
	$(Q)tests/coverage.sh

bench: $(call programs,bench,$(BENCHES)) build/guests/paravirt.elf cli build/hv/paravane.elf
	$(Q)tools/bench $(call programs,bench,$(BENCHES))

defects: build/.tools
	$(Q)tests/defects/run.sh

record-xen: build/guests/differential.elf
	$(Q)tools/record-xen

format: build/.tools
	$(Q)tools/check-format --fix

setup:
	$(Q)tools/setup

clean:
	rm -rf build

define HELP
Paravane: direct paging for Xen PV guests.

  make run                 boot Debian's Linux, unmodified, as a PV guest: a shell; without a terminal, a self-check
  make                     build everything
  make install             install the paravane command, the hypervisor's image and the demo; PREFIX, DESTDIR
  make test                build and run every test; the last line counts them
  make check               only the static checks: symbols, headers, layers, sizes, format
  make soak SECONDS=n      random operations against the model for n seconds, from a seed that is printed
  make soak-frames         streams of instructions as a guest, from a seed that is printed; SEED=n repeats a run
  make fuzz SECONDS=n      coverage-guided fuzzing for n seconds; findings in build/fuzz/artifacts
  make coverage            which lines and branches of the engine the tests reach; fails below the floor
  make defects             plant each known kind of mistake, in engine and hypervisor, and see that a test notices
  make test-boot           boot the hypervisor's image in QEMU, every way that it can be started
  make bench               measure the engine, and what a fork costs a guest; figures in build/bench.json
  make bench-linux         instructions of Linux: natively, under Debian's Xen, under Paravane; build/bench-linux.json
  make record-xen          what Debian's Xen answers to the calls of tests/differential, recorded anew
  make test-linux, test-guest, test-paravirt, test-cli     those tests alone
  make format              lay out the sources as .clang-format says
  make setup               install what the build needs (the first make does it by itself)
  make clean               remove build/
  make san, fast, cov      only build the test programs: with sanitizers, optimised, for coverage

Examples:
  make V=1                                      show each command
  tests/run.sh unit sweep                       run two rings of the tests, once they are built
  build/san/tests/unit/NAME                     run one test program by hand
  make soak SECONDS=600 SEED=1234               repeat a run of the model
  build/fuzz/tests/fuzz/NAME build/fuzz/artifacts/crash-...    repeat a finding of the fuzzer
endef
export HELP

help:
	@echo "$$HELP"

$(FOLDERS):
	@echo "make $@: a folder, not a target; \`make help\` lists those.$(if $(filter docs,$@), Nothing is made of docs/ \
	and of the comments of abi/: read them as they are.)" >&2; exit 2

# What a variable holds: the tools ask for the flags that the code is compiled with.
print-%:
	@echo '$($*)'

# ---- Rules ---------------------------------------------------------------------------------------------------------

# Tools are looked for once, and again when the list of what is needed changes.
build/.tools: tools/setup
	$(Q)tools/setup
	@mkdir -p $(@D) && touch $@

compile = @mkdir -p $(@D)$(if $(V),, && echo '  CC      $@')
archive = @mkdir -p $(@D) && rm -f $@$(if $(V),, && echo '  AR      $@')
link = @mkdir -p $(@D)$(if $(V),, && echo '  LD      $@')

# Everything is built anew when the Makefile changes.  An archive is also made anew when a source file appears or goes.
build/%.list: FORCE
	@mkdir -p $(@D); echo '$(SOURCES)' | cmp -s - $@ || echo '$(SOURCES)' >$@
build/engine.list: SOURCES = $(ENGINE)
build/hosted.list: SOURCES = $(ENGINE) $(SIM)
build/support.list: SOURCES = $(SUPPORT)

define FREESTANDING_RULES
build/$(1)/engine/%.o: engine/%.c Makefile | build/.tools
	$$(compile)
	$$(Q)$$(CC_$(1)) $$(COMMON) $$(CFLAGS_$(1)) -MMD -MP -c $$< -o $$@

build/$(1)/engine/libengine.a: $(call objects,$(1),$(ENGINE)) build/engine.list | build/.tools
	$$(archive)
	$$(Q)ar qcs $$@ $$(filter %.o,$$^)
endef
$(foreach flavour,gcc clang,$(eval $(call FREESTANDING_RULES,$(flavour))))

# The engine is C11 in every flavour; what stands around it may use POSIX.
define HOSTED_RULES
build/$(1)/engine/%.o: engine/%.c Makefile | build/.tools
	$$(compile)
	$$(Q)$$(CC_$(1)) -std=c11 $$(COMMON) $$(CFLAGS_$(1)) -MMD -MP -c $$< -o $$@

build/$(1)/%.o: %.c Makefile | build/.tools
	$$(compile)
	$$(Q)$$(CC_$(1)) $$(HOSTED) $$(COMMON) $$(CFLAGS_$(1)) -MMD -MP -c $$< -o $$@

build/$(1)/libparavane-hosted.a: $(call objects,$(1),$(ENGINE) $(SIM)) build/hosted.list | build/.tools
	$$(archive)
	$$(Q)ar qcs $$@ $$(filter %.o,$$^)

build/$(1)/libsupport.a: $(call objects,$(1),$(SUPPORT)) build/support.list | build/.tools
	$$(archive)
	$$(Q)ar qcs $$@ $$(filter %.o,$$^)
endef
$(foreach flavour,$(FLAVOURS),$(eval $(call HOSTED_RULES,$(flavour))))

# A test program: its source, the helpers of its ring, all of tests/support, the hosted library, cmocka.
define RING_RULES
$(call programs,$(1),$(filter tests/$(2)/%,$(PROGRAMS))): build/$(1)/%: build/$(1)/%.o \
		$(call objects,$(1),$(call helpers,$(2)) $(SUPPORT)) build/$(1)/libparavane-hosted.a
	$$(link)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) $$^ -lcmocka -o $$@
endef
$(foreach flavour,san fast cov,$(foreach ring,$(RINGS),$(if $(filter tests/$(ring)/%,$(PROGRAMS)),\
	$(eval $(call RING_RULES,$(flavour),$(ring))))))

$(call programs,tsan,$(PARALLEL)): build/tsan/%: build/tsan/%.o $(call objects,tsan,$(ENGINE))
	$(link)
	$(Q)$(CC_tsan) $(CFLAGS_tsan) $^ -lcmocka -o $@

# A benchmark takes from its helpers and from tests/support what it uses; there is no cmocka in it.
$(call programs,bench,$(BENCHES)): build/bench/%: build/bench/%.o $(call objects,bench,$(call helpers,bench)) \
		build/bench/libsupport.a build/bench/libparavane-hosted.a
	$(link)
	$(Q)$(CC_bench) $(CFLAGS_bench) $^ -o $@

# A fuzz target may use the helpers of the model.
$(call programs,fuzz,$(FUZZERS)): build/fuzz/%: build/fuzz/%.o \
		$(call objects,fuzz,$(call helpers,fuzz) $(call helpers,model)) \
		build/fuzz/libsupport.a build/fuzz/libparavane-hosted.a
	$(link)
	$(Q)$(CC_fuzz) $(CFLAGS_fuzz) -fsanitize=fuzzer $^ -lcmocka -o $@

include Makefile.hv
include Makefile.hvtest
include Makefile.guests
include Makefile.cli
include Makefile.linux
include Makefile.paravirt

# Objects are kept; what each one included is in a .d file beside it.
.SECONDARY:
-include $(shell [ -d build ] && find build -name '*.d')
