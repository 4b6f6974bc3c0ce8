# The bare-metal hypervisor.
#
#   build/hv/paravane.elf         the image, built by gcc
#   build/hv-clang/paravane.elf   the same by clang
#
# and paravane-record.elf beside each: of the same objects, with those of hv/record between machine and engine.

HV_OFFSETS := hv/offsets.c
HV_RECORD := $(sort $(wildcard hv/record/*.c))
HV_RECORD_NONE := hv/record_none.c
HV_C := $(filter-out $(HV_OFFSETS) $(HV_RECORD) $(HV_RECORD_NONE),$(sort $(wildcard hv/*.c hv/*/*.c)))
HV_SCRIPT := hv/image.lds.S
HV_S := $(filter-out $(HV_SCRIPT),$(sort $(wildcard hv/*.S hv/*/*.S)))
HV_TOOLS := hv/link hv/make-symbols hv/check-image

CC_hv := $(GCC)
CFLAGS_hv := $(CFLAGS_gcc)
ENGINE_hv := build/gcc/engine/libengine.a
CC_hv-clang := $(CLANG)
CFLAGS_hv-clang := $(CFLAGS_clang)
ENGINE_hv-clang := build/clang/engine/libengine.a

.PHONY: hv

hv: build/hv/paravane.elf build/hv-clang/paravane.elf build/hv/paravane-record.elf build/hv-clang/paravane-record.elf

# The functions that the linker leads through the recorder.
HV_WRAPPED := $(shell sed -n 's/^WRAPPED.[^,]*, \([a-z_]*\),.*/\1/p' $(HV_RECORD))

$(eval $(call VERSION,build/hv/version.c,hv/base/version.h))

# HV_IMAGE(flavour, name, sources besides, functions that are wrapped)
define HV_IMAGE
build/$(1)/$(2).elf.stamp: STAMP = $(HV_C) $(HV_S) $(3) $(4)
build/$(1)/$(2).elf: $(patsubst hv/%.c,build/$(1)/%.o,$(HV_C) $(3)) $(HV_S:hv/%.S=build/$(1)/%.o) build/$(1)/version.o \
		$(ENGINE_$(1)) build/$(1)/image.lds $(HV_TOOLS) build/$(1)/$(2).elf.stamp
	$$(call say,LD)
	$$(Q)hv/link build/$(1) $$@ $(4:%=--wrap=%) $$(filter %.o %.a,$$^)
endef

define HV_RULES
$(call FLAVOUR,$(1))
$(call OBJECTS,$(1),,hv/)
$(call SCRIPT,$(1),$(HV_SCRIPT),hv/base/layout.h)

build/$(1)/version.o: build/hv/version.c build/$(1).stamp | $(call tools,$(1))
	$$(call say,CC)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) -MMD -MP -c $$< -o $$@

build/$(1)/offsets.h: build/$(1)/offsets.o
	$$(call say,OFFSETS)
	$$(Q)strings -a $$< | sed -n 's/.*#define/#define/p' >$$@

build/$(1)/cpu/entry_short.o: build/$(1)/offsets.h
build/$(1)/cpu/entry_short.o: OPTIONS += -include build/$(1)/offsets.h

$(call HV_IMAGE,$(1),paravane,$(HV_RECORD_NONE),)
$(call HV_IMAGE,$(1),paravane-record,$(HV_RECORD),$(HV_WRAPPED))
endef
$(foreach flavour,hv hv-clang,$(eval $(call HV_RULES,$(flavour))))
