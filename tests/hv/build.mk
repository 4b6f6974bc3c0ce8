# Tests of parts of the hypervisor that run as ordinary programs.
#
#   build/hv-san/tests/hv/test_NAME    a test, with sanitizers; HV_UNIT has all of them, `make hv-unit` runs them
#   build/fuzz/tests/hv/fuzz_NAME      a target of libFuzzer; HV_FUZZERS has all of them
#   build/fuzz/seeds/fuzz_NAME         what it begins with, made by tests/hv/seeds.c
#
# A program says what it is linked with, sources and libraries, on a line near its top, or on several such lines:
#   /* links: hv/emulate/decode.c hv/emulate/decode_table.c -lcapstone */
# Everything else that those sources call, the program provides itself.  tests/hv/host has headers that take the place of
# the hypervisor's.

HV_UNIT_SOURCES := $(sort $(wildcard tests/hv/test_*.c))
HV_FUZZER_SOURCES := $(sort $(wildcard tests/hv/fuzz_*.c))
HV_UNIT := $(HV_UNIT_SOURCES:%.c=build/hv-san/%)
HV_FUZZERS := $(HV_FUZZER_SOURCES:%.c=build/fuzz/%)

CC_hv-san := $(CC_san)
CFLAGS_hv-san := -Itests/hv/host $(CFLAGS_san)
$(eval $(call FLAVOUR,hv-san))
$(eval $(call OBJECTS,hv-san,,))

# The words of one kind on those lines of a source.
hv_links = $(filter $(2),$(shell sed -n 's|^/\* links: \(.*\) \*/$$|\1|p' $(1)))

# HV_UNIT_RULE(source, flavour, further flags for the link)
define HV_UNIT_RULE
build/$(2)/$(1:.c=): $(call objects,$(2),$(1) $(call hv_links,$(1),%.c))
	$$(call say,LD)
	$$(Q)$$(CC_$(2)) $$(CFLAGS_$(2)) $$^ $(call hv_links,$(1),-l%) $(3) -o $$@
endef
$(foreach source,$(HV_UNIT_SOURCES),$(eval $(call HV_UNIT_RULE,$(source),hv-san,-lcmocka)))
$(eval $(call HV_UNIT_RULE,tests/hv/seeds.c,hv-san,))
$(foreach source,$(HV_FUZZER_SOURCES),$(eval $(call HV_UNIT_RULE,$(source),fuzz,-fsanitize=fuzzer)))

build/fuzz/seeds/.made: build/hv-san/tests/hv/seeds
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && $< $(@D) >$@

$(HV_FUZZERS): | build/fuzz/seeds/.made

.PHONY: hv-unit
hv-unit: $(HV_UNIT)
	$(Q)status=0; for program in $(HV_UNIT); do $$program || status=1; done; exit $$status
