# Engine and hosted machine as ordinary code, in several flavours, and the test programs on top.
#
#   build/san     address and undefined-behaviour sanitizers, assertions
#   build/fast    optimised, assertions: long runs of the model
#   build/cov     coverage, assertions
#   build/bench   optimised, no assertions: measurements only
#   build/tsan    the engine alone under clang's ThreadSanitizer
#   build/fuzz    the same sources under clang's libFuzzer and sanitizers
#   build/log     what the tests said, a file each

SIM := $(sort $(wildcard sim/*.c))
SUPPORT := $(sort $(wildcard tests/support/*.c))
RINGS := unit sweep lessons model
PROGRAMS := $(sort $(foreach ring,$(RINGS),$(wildcard tests/$(ring)/*.c)))
# The engine under real threads, with a port of their own.
PARALLEL := $(sort $(wildcard tests/parallel/*.c))
BENCHES := $(sort $(wildcard tests/bench/*.c))
FUZZERS := $(sort $(wildcard tests/fuzz/*.c))
FLAVOURS := san fast cov bench fuzz tsan

# Helpers in tests/RING/lib belong to the programs of that ring.
helpers = $(sort $(wildcard tests/$(1)/lib/*.c))

CC_san := $(GCC)
CFLAGS_san := $(HOSTED) -O1 $(SANITIZERS) -DENGINE_DEBUG
CC_fast := $(GCC)
CFLAGS_fast := $(HOSTED) -O2 -DENGINE_DEBUG
CC_cov := $(GCC)
CFLAGS_cov := $(HOSTED) -O0 --coverage -DENGINE_DEBUG
CC_bench := $(GCC)
CFLAGS_bench := $(HOSTED) -O2
CC_tsan := $(CLANG)
CFLAGS_tsan := $(HOSTED) -O1 -fsanitize=thread -DENGINE_DEBUG
CC_fuzz := $(CLANG)
CFLAGS_fuzz := $(HOSTED) -O1 $(SANITIZERS) -fsanitize=fuzzer-no-link -DENGINE_DEBUG

# ---- Rules.

# The engine is C11 in every flavour; what stands around it may use POSIX.
define HOSTED_RULES
$(call FLAVOUR,$(1))
$(call OBJECTS,$(1),,)
$(call OBJECTS,$(1),engine/,engine/,-std=c11)
$(call ARCHIVE,build/$(1)/libparavane-hosted.a,$(call objects,$(1),$(ENGINE) $(ABI) $(SIM)))
$(call ARCHIVE,build/$(1)/libsupport.a,$(call objects,$(1),$(SUPPORT)))
endef
$(foreach flavour,$(FLAVOURS),$(eval $(call HOSTED_RULES,$(flavour))))

# A test program: its source, the helpers of its ring, all of tests/support, the hosted library, cmocka.
define RING_RULES
$(call programs,$(1),$(filter tests/$(2)/%,$(PROGRAMS))): build/$(1)/%: build/$(1)/%.o \
		$(call objects,$(1),$(call helpers,$(2)) $(SUPPORT)) build/$(1)/libparavane-hosted.a
	$$(call say,LD)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) $$^ -lcmocka -o $$@
endef
$(foreach flavour,san fast cov,$(foreach ring,$(RINGS),$(if $(filter tests/$(ring)/%,$(PROGRAMS)),\
	$(eval $(call RING_RULES,$(flavour),$(ring))))))

$(call programs,tsan,$(PARALLEL)): build/tsan/%: build/tsan/%.o $(call objects,tsan,$(call helpers,parallel) $(ENGINE))
	$(call say,LD)
	$(Q)$(CC_tsan) $(CFLAGS_tsan) $^ -lcmocka -o $@

# A benchmark takes from its helpers and from tests/support what it uses; there is no cmocka in it.
$(call programs,bench,$(BENCHES)): build/bench/%: build/bench/%.o $(call objects,bench,$(call helpers,bench)) \
		build/bench/libsupport.a build/bench/libparavane-hosted.a
	$(call say,LD)
	$(Q)$(CC_bench) $(CFLAGS_bench) $^ -o $@

# A fuzz target may use the helpers of the model.
$(call programs,fuzz,$(FUZZERS)): build/fuzz/%: build/fuzz/%.o \
		$(call objects,fuzz,$(call helpers,fuzz) $(call helpers,model)) \
		build/fuzz/libsupport.a build/fuzz/libparavane-hosted.a
	$(call say,LD)
	$(Q)$(CC_fuzz) $(CFLAGS_fuzz) -fsanitize=fuzzer $^ -lcmocka -o $@

include tests/hv/build.mk
include tests/threads/build.mk
include tests/cli/build.mk
include tests/guestlib/build.mk
include tests/backend/build.mk

# ---- Targets.

.PHONY: $(filter san fast cov,$(FLAVOURS)) test test-hosted check soak soak-frames torture stress boots fuzz coverage bench \
	bench-paravirt bench-calls defects recordings record-xen test-boot test-guest test-linux test-machine test-deploy \
	test-paravirt test-cli test-docs test-playground test-map

# All test programs of a flavour.
$(foreach flavour,san fast cov,$(eval \
	$(flavour): build/$(flavour)/libparavane-hosted.a $(call programs,$(flavour),$(PROGRAMS))))

MODEL := $(call programs,fast,$(filter tests/model/%,$(PROGRAMS)))
# What runs a guest.
RUNNER := build/cli/paravane build/hv/paravane.elf
# What of Linux the tests boot, and GRUB, which starts it as a guest does that builds a guest.
LINUX_TESTED := linux build/linux/count.so build/backend/backend.elf build/linux/grub/guest.elf build/guests/tests/share.elf
# The same of 32 bits.
GRUB_TESTED := grub build/linux/grub-images build/linux/grub/guest32.elf

test: engine hv guests backend $(BACKEND_KERNELS) cli deb san $(HV_UNIT) $(CLI_TESTED) $(GUESTLIB) \
		$(BACKEND_UNIT) $(LINUX_TESTED) $(GRUB_TESTED) build/linux/xen.gz build/tables/tables.json \
		$(RECORDER) $(REPLAYED) \
		build/playground/playground.html build/map/map.html \
		$(call programs,tsan,$(PARALLEL)) $(HV_THREADS) $(MODEL) $(call programs,fuzz,$(FUZZERS)) $(HV_FUZZERS)
	$(Q)tests/run.sh

test-hosted: test

check: engine build/san/libparavane-hosted.a build/guests/demo.elf build/guests32/demo.elf build/backend/backend.elf \
		build/hv/paravane.elf $(RECORDER)
	$(Q)tests/run.sh checks

test-boot: hv
	$(Q)tests/boot/run.sh

test-guest: guests backend $(RUNNER)
	$(Q)tests/guest/run.sh

test-linux: $(LINUX_TESTED) $(RUNNER)
	$(Q)tests/linux/run.sh

test-machine: image grub build/backend/backend.elf build/backend/tests/dying.elf \
		build/guests/demo.elf build/linux/amd64/ramdisk.img $(RUNNER)
	$(Q)tests/machine/run.sh

DEPLOYED := build/guests/demo.elf build/guests/tests/blkfront.elf build/guests/tests/iret_no_user.elf

test-deploy: linux image grub $(DEPLOYED) build/backend/backend.elf $(RUNNER) | build/.tools-deploy
	$(Q)tests/deploy/run.sh

test-paravirt: paravirt $(GUESTLIB) $(RUNNER)
	$(Q)tests/run.sh guestlib paravirt

test-cli: $(CLI_TESTED)
	$(Q)tests/cli/run.sh

# Pages as a browser shows them; pictures of them are in build/docs-shots.
test-docs: build/tables/tables.json build/guests/demo.elf build/guests/differential.elf $(RUNNER) | \
		build/.tools-test-docs
	$(Q)tests/docs/run.sh faults facts documents limits explained tables start pages manual screens

test-playground: build/playground/playground.html
	$(Q)tests/playground/run.sh

test-map: build/map/map.html build/cli/paravane build/guests/demo.elf $(RECORDER)
	$(Q)tests/map/run.sh

# For soak and fuzz.  A seed that is not given is a new one each time.
SECONDS := 60
SEED = $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
# Of what is no number, the programs would make 0, and end at once with success.
number = $(if $(filter command,$(origin $(1))),$(if $(shell grep -xE '0x[0-9a-fA-F]+|[0-9]+' <<<'$($(1))'),,\
	$(error $(1)=$($(1)): not a number)))
$(call number,SECONDS)$(call number,SEED)

soak: $(MODEL)
	$(Q)seed=$(SEED); for program in $^; do \
	    echo "PARAVANE_MODEL_SECONDS=$(SECONDS) PARAVANE_MODEL_SEED=$$seed $$program"; \
	    PARAVANE_MODEL_SECONDS=$(SECONDS) PARAVANE_MODEL_SEED=$$seed $$program || exit 1; \
	done

# Streams of instructions from new seeds, or from SEED.
soak-frames: guests $(RUNNER)
	$(Q)seed=$(SEED); echo "SEED=$$seed"; PARAVANE_FRAMES_SEED=$$seed PARAVANE_FRAMES_SEEDS=20 \
	    PARAVANE_FRAMES_STREAMS=1000 tests/frames/run.sh streams

# The seed is new each time, or SEED.
torture: guests $(RUNNER)
	$(Q)seed=$(SEED); echo "SEED=$$seed"; PARAVANE_TORTURE_SEED=$$seed PARAVANE_TORTURE_SECONDS=$(SECONDS) \
	    tests/torture/run.sh

stress: build/linux/stress.img build/linux/first $(RUNNER)
	$(Q)PARAVANE_STRESS_SECONDS=$(SECONDS) tests/linux/stress.sh

# Or of another N.
N := 20
$(call number,N)

boots: linux $(RUNNER)
	$(Q)tests/linux/boots.sh $(N)

fuzz: $(call programs,fuzz,$(FUZZERS)) $(HV_FUZZERS)
	$(Q)tests/fuzz/run.sh $(SECONDS)

coverage: cov
	$(Q)tests/coverage.sh

bench: $(call programs,bench,$(BENCHES)) build/guests/paravirt.elf build/guests/tests/share.elf build/guests/demo.elf \
		build/guests/scaling.elf build/guests32/demo.elf build/guests/costs.elf build/guests32/costs.elf \
		build/guests/hello.elf build/guests32/hello.elf \
		build/replay/paravane-replay build/linux/amd64/ramdisk.img build/linux/count.so $(RUNNER)
	$(Q)tools/bench $(call programs,bench,$(BENCHES)) tests/recordings/bench.sh tests/several/bench.sh \
		tests/guest/bench.sh tests/several/scaling.sh tests/budget/bench.sh

bench-paravirt: build/guests/paravirt.elf $(RUNNER)
	$(Q)tests/paravirt/bench.sh

bench-calls: build/guests/costs.elf $(RUNNER)
	$(Q)tools/bench-calls

# PART=3/10, SINCE=COMMIT, RESUME=yes: some of them.  The list of tests/recordings goes with the whole, or its first part.
DEFECTS_WHICH = $(if $(RESUME),--resume,$(if $(PART),--part $(PART)) $(if $(SINCE),--since $(SINCE)))

defects: build/.tools build/replay/paravane-replay
	$(Q)tests/defects/run.sh $(DEFECTS_WHICH)
	$(if $(filter-out 1/%,$(PART))$(SINCE)$(RESUME),,$(Q)tests/recordings/defects.sh)

# The runs that tests/recordings replays, anew.
recordings: build/guests/demo.elf build/guests32/demo.elf build/guests/tests/hostile.elf linux build/linux/first \
		build/linux/grub-images build/backend/backend.elf $(RUNNER) $(RECORDER)
	$(Q)tests/recordings/make.sh

record-xen: build/guests/differential.elf
	$(Q)tools/record-xen
