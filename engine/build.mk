# The engine as the hypervisor links it: freestanding, by both compilers.
#
#   build/gcc/engine/libengine.a, build/clang/engine/libengine.a

ENGINE := $(sort $(wildcard engine/*.c))
# Nothing but assertions: part of whatever uses the headers of abi/.
ABI := abi/assertions.c

CC_gcc := $(GCC)
CFLAGS_gcc := $(FREESTANDING) -fno-tree-loop-distribute-patterns
CC_clang := $(CLANG)
CFLAGS_clang := $(FREESTANDING)

.PHONY: engine symbols

engine: build/gcc/engine/libengine.a build/clang/engine/libengine.a

symbols: engine
	$(Q)tools/check-symbols

$(foreach flavour,gcc clang,\
	$(eval $(call FLAVOUR,$(flavour)))\
	$(eval $(call OBJECTS,$(flavour),engine/,engine/))\
	$(eval $(call OBJECTS,$(flavour),abi/,abi/))\
	$(eval $(call ARCHIVE,build/$(flavour)/engine/libengine.a,$(call objects,$(flavour),$(ENGINE) $(ABI)))))
