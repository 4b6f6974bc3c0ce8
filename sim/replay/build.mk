# What replays recordings: the engine on a machine of its own, which answers from a recording.
#
#   build/replay/paravane-replay      what `paravane replay` runs
#   build/replay-san/paravane-replay  the same with sanitizers and assertions, for the tests

REPLAY := $(sort $(wildcard sim/replay/*.c))
REPLAY_SHARED := hv/base/call_names.c

CC_replay := $(GCC)
CFLAGS_replay := $(HOSTED) -O2
LINK_replay := -larchive
CC_replay-san := $(GCC)
CFLAGS_replay-san := $(HOSTED) -O1 $(SANITIZERS) -DENGINE_DEBUG
LINK_replay-san := $(LINK_replay)

# What records, and what replays; and what the tests replay with.
RECORDER := build/hv/paravane-record.elf build/replay/paravane-replay build/map/map.html
REPLAYED := build/replay-san/paravane-replay

.PHONY: replay

replay: build/replay/paravane-replay

define REPLAY_RULES
$(call FLAVOUR,$(1))
$(call OBJECTS,$(1),,)
$(call OBJECTS,$(1),engine/,engine/,-std=c11)

build/$(1)/paravane-replay: $(call objects,$(1),$(REPLAY) $(REPLAY_SHARED) $(ENGINE) $(ABI))
	$$(call say,LD)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) $$^ $$(LINK_$(1)) -o $$@
endef
$(foreach flavour,replay replay-san,$(eval $(call REPLAY_RULES,$(flavour))))
