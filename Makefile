# How Paravane is built, checked and tested.  `make help` lists the targets; tools/setup installs what this needs.
#
# Beside what is built, a build.mk says how:
#
#   engine/build.mk   the engine as the hypervisor links it: build/gcc/engine, build/clang/engine
#   hv/build.mk       the hypervisor's image: build/hv, build/hv-clang
#   guests/build.mk   guest kernels: build/guests, build/guests-clang
#   backend/build.mk  the back end domain: build/backend, build/backend-clang
#   cli/build.mk      the paravane command: build/cli
#   sim/replay/build.mk  what replays recordings: build/replay
#   map/build.mk      the page of `paravane map`: build/map
#   playground/build.mk  engine and hosted machine in a browser: build/playground, build/docs/playground.html
#   linux/build.mk    Debian's Linux as a guest: build/linux
#   tools/docs/tables.mk   the code's own tables as JSON, for the documentation: build/tables
#   tests/build.mk    the test programs, in several flavours, and what runs them; it includes those of its folders
#
# Objects go to build/FLAVOUR, where a flavour is a compiler and its flags: CC_FLAVOUR, CFLAGS_FLAVOUR.

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

# ---- How things are compiled ---------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wconversion -Wundef -Wmissing-prototypes -Wstrict-prototypes \
	-Wcast-qual -Wvla
OPTIONS := -I. -g $(WARNINGS)
# How to unwind the stack is for a debugger alone: in .debug_frame, which no image loads.
DEBUGGED := -fno-asynchronous-unwind-tables
FREESTANDING := -std=c11 $(OPTIONS) -O2 -ffreestanding -fno-builtin -fno-stack-protector -mno-red-zone \
	-mgeneral-regs-only -fPIC -fvisibility=hidden $(DEBUGGED)
HOSTED := -std=gnu11 $(OPTIONS)
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

objects = $(patsubst %,build/$(1)/%.o,$(basename $(2)))
programs = $(patsubst %.c,build/$(1)/%,$(2))

# What a recipe begins with: $(call say,WHAT)
say = @mkdir -p $(@D)$(if $(V),, && printf '  %-7s %s\n' $(1) $@)

# ---- Rules, for the makefiles to use -------------------------------------------------------------------------------

# Tools are looked for once, and again when the list of what is needed changes: those of `make run`, those that make a
# disk, all others.
build/.tools-run: tools/setup
	$(Q)tools/setup run
	@mkdir -p $(@D) && touch $@

build/.tools-image: tools/setup | build/.tools-run
	$(Q)tools/setup image
	@mkdir -p $(@D) && touch $@

build/.tools: tools/setup | build/.tools-image
	$(Q)tools/setup
	@mkdir -p $(@D) && touch $@

build/.tools-deploy: tools/setup | build/.tools
	$(Q)tools/setup deploy
	@mkdir -p $(@D) && touch $@

build/.tools-docs: tools/setup
	$(Q)tools/setup docs
	@mkdir -p $(@D) && touch $@

build/.tools-test-docs: tools/setup | build/.tools-docs
	$(Q)tools/setup test-docs
	@mkdir -p $(@D) && touch $@

# What a flavour needs.
FOR_RUN := gcc hv guests backend cli linux replay
tools = build/.tools$(if $(filter $(1),$(FOR_RUN)),-run,$(if $(filter $(1),tables),-docs))

# A stamp holds a text, and is written anew when that is another.
build/%.stamp: FORCE
	@mkdir -p $(@D); cmp -s $@ - <<<'$(STAMP)' || echo '$(STAMP)' >$@

# FLAVOUR(name): what is made in it is made anew when the flags change.
define FLAVOUR
build/$(1).stamp: STAMP = $(CC_$(1)) $(CFLAGS_$(1)) $(LINK_$(1))
endef

# OBJECTS(flavour, directory, folder, further flags): build/FLAVOUR/DIRECTORY%.o of FOLDER%.c or .S
define OBJECTS
build/$(1)/$(2)%.o: $(3)%.c build/$(1).stamp | $(call tools,$(1))
	$$(call say,CC)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) $(4) -MMD -MP -c $$< -o $$@

build/$(1)/$(2)%.o: $(3)%.S build/$(1).stamp | $(call tools,$(1))
	$$(call say,AS)
	$$(Q)$$(CC_$(1)) $$(OPTIONS) -MMD -MP -c $$< -o $$@
endef

# ARCHIVE(archive, objects): made anew also when one is there no more.
define ARCHIVE
$(1).stamp: STAMP = $(2)
$(1): $(2) $(1).stamp
	$$(call say,AR)
	$$(Q)rm -f $$@ && ar qcs $$@ $$(filter %.o,$$^)
endef

# SCRIPT(flavour, source, headers): a linker script, build/FLAVOUR/image.lds
define SCRIPT
build/$(1)/image.lds: $(2) $(3) build/$(1).stamp | $(call tools,$(1))
	$$(call say,CPP)
	$$(Q)$$(CC_$(1)) -E -P -x assembler-with-cpp -I. $$< -o $$@
endef

# VERSION(file, header that declares it): looked up each time, and written where it has changed.
define VERSION
$(1): FORCE
	@mkdir -p $$(@D); printf '#include <%s>\n\nconst char version[] = "%s";\n' $(2) \
	    "$$$$(git describe --tags --always --dirty 2>/dev/null || echo unknown)" >$$@.new; \
	if cmp -s $$@.new $$@; then rm $$@.new; else mv $$@.new $$@; fi
endef

include engine/build.mk
include hv/build.mk
include guests/build.mk
include backend/build.mk
include cli/build.mk
include sim/replay/build.mk
include linux/build.mk
include playground/build.mk
include map/build.mk
include packaging/build.mk
include tools/docs/tables.mk
include tests/build.mk

# ---- Targets -------------------------------------------------------------------------------------------------------

# A folder that is no target has nothing to be done, and make would call that a success.
FOLDERS := abi guest packaging sim tests tools
# As a shell completes it, with a slash: nor is that a success.
SLASHED := $(filter-out build/,$(wildcard */))
.PHONY: all run gdb docs format setup clean help FORCE $(FOLDERS) $(SLASHED)

all: symbols hv guests backend grub cli replay map

# And what the command has besides, for those who go on from there.
run: run-linux build/guests/demo.elf build/backend/backend.elf $(RECORDER)

gdb: $(RUNNER) build/guests/demo.elf | build/.tools
	$(Q)tools/gdb

# Debian's Python, which has Debian's libraries; another may come first in PATH.
PYTHON := /usr/bin/python3 -B

docs: build/tables/tables.json | build/.tools-docs
	$(Q)$(PYTHON) tools/docs/generate.py build/docs
	$(Q)[ ! -e build/playground/playground.html ] || cp build/playground/playground.html build/docs

format: build/.tools
	$(Q)tools/check-format --fix

setup:
	$(Q)tools/setup

clean:
	rm -rf build

define HELP
Paravane: direct paging for Xen PV guests.

  make run                 boot Debian's Linux, unmodified, as a PV guest: a shell; without a terminal, a self-check
  make run-debian          a Debian system on a disk, which is made first: some minutes, once; PORT=2222 leads to its ssh
  make                     build everything
  make new-guest DIR=../mine    a kernel of your own: a directory with one that says hello, a Makefile, a README;
                           with WIDTH=32 one of 32 bits
  make gdb                 the demo under a debugger, with the symbols of all parts; tools/gdb debugs any run
  make install             install the paravane command, the hypervisor's image and the demo; PREFIX, DESTDIR
  make uninstall           remove what it has installed there
  make deb                 a Debian package of what is installed: build/paravane_VERSION_amd64.deb
  make test                build and run every test; the last line counts them
  make check               only the static checks: symbols, headers, layers, circles, sizes, format, names of tests
  make soak SECONDS=n      random operations against the model for n seconds, from a seed that is printed
  make torture SECONDS=n   several processors with the same frames; SEED=n repeats what each does
  make stress SECONDS=n    Debian's stress-ng in a guest with 2 and with 4 vCPUs on two processors, n seconds each
  make boots N=20          so many boots of Linux in a row, with 2, 4 and 8 vCPUs on two processors, and self-checks
  make soak-frames         streams of instructions as a guest, from a seed that is printed; SEED=n repeats a run
  make fuzz SECONDS=n      coverage-guided fuzzing for n seconds; findings in build/fuzz/artifacts
  make coverage            which lines and branches of the engine the tests reach; fails below the floor
  make defects             plant each known kind of mistake, in all that guests reach, and see that a test notices
  make test-boot           boot the hypervisor's image in QEMU, every way that it can be started
  make bench               measure the engine, what a fork costs a guest, and what a second processor brings; figures in
                           build/bench.json
  make bench-calls         instructions of single calls, for the pages of the reference: tools/docs/costs.txt
  make bench-linux         instructions of Linux: natively, under Debian's Xen, under Paravane; build/bench-linux.json
  make bench-trace         instructions of a boot of Linux that is looked at by --explain or --trace
  make bench-transport     what ways out of a machine cost a trace: memory, devices with memory, queues or ports
  make bench-fills         translations that operations of Linux walk for, with global pages and without
  make bench-devices       disks and networks of a Debian guest, beside QEMU's own; figures in build/bench-devices.json;
                           with ROWS='instructions read-random-1' that alone
  make image               a disk with a Debian system on it, from Debian's packages: build/linux/debian/disk.img
  make record-xen          what Debian's Xen answers to the calls of tests/differential, recorded anew
  make recordings          the runs of tests/recordings, which `make test` replays, recorded anew
  make docs                the reference and all documents as pages, man pages and one JSON file: build/docs/index.html
  make test-linux, test-guest, test-paravirt, test-cli     those tests alone
  make playground          the engine in a browser, with ten lessons: build/docs/playground.html, a page that works as a file
  make test-playground, test-map     its lessons by clicks; the map of a recorded boot: in Chromium
  make test-docs           the documentation, in Chromium, too: two widths, paper; pictures in build/docs-shots
  make test-deploy         images of `paravane image`: booted by BIOS, by UEFI and by libvirt
  make test-machine        a Debian system on a disk: boots through GRUB, files stay, network, power cuts, fio
  make format              lay out the sources as .clang-format says
  make setup               install what all of this needs (the first make does it by itself)
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
	@echo "make $@: a folder, not a target; \`make help\` lists those." >&2; exit 2

$(SLASHED): %/: %

# What a variable holds: the tools ask for the flags that the code is compiled with.
print-%:
	@echo '$($*)'

# Objects are kept; what each one included is in a .d file beside it.
.SECONDARY:
-include $(shell [ -d build ] && find build \( -path build/linux/debian -o -path build/defects \) -prune -o -name '*.d' -print)
