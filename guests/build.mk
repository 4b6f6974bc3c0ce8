# Guest kernels, each by both compilers.
#
#   build/guests/costs.elf          what single calls cost, in instructions
#   build/guests/demo.elf           direct paging at work, explained on the console
#   build/guests/differential.elf   calls by the thousand, whose answers are compared with Xen's
#   build/guests/paravirt.elf       a kernel with processes that boots both ways
#   build/guests/hello.elf          a first one, which `make new-guest DIR=DIRECTORY` copies to a place of its own
#   build/guests/guest.a            the library, for kernels outside this tree
#   build/guests/tests/NAME.elf     a test kernel for each directory guests/tests/NAME
#   build/guests/NAME.elf           for `make kernel KERNEL=DIRECTORY/NAME`: somebody's own, of all *.c and *.S there
#   build/guests-clang/...          the same by clang

GUEST_C := $(sort $(wildcard guest/*.c))
GUEST_SCRIPT := guest/image.lds.S
GUEST_S := $(filter-out $(GUEST_SCRIPT),$(sort $(wildcard guest/*.S)))
GUEST_KERNELS := costs demo differential hello paravirt
GUEST_TEST_LIB := $(sort $(wildcard guests/tests/lib/*.c))
GUEST_TESTS := $(filter-out lib,$(sort $(patsubst guests/tests/%/,%,$(dir $(wildcard guests/tests/*/*.c)))))
GUEST_FLAVOURS := guests guests-clang

# A kernel at a fixed address in the topmost 2 GiB, without the library that the compiler would call for.
CFLAGS_GUEST := -std=c11 $(OPTIONS) -O2 -ffreestanding -fno-builtin -fno-stack-protector -mno-red-zone \
	-mgeneral-regs-only -mcmodel=kernel -fno-pic $(DEBUGGED)
LINK_GUEST := -nostdlib -static --build-id=none -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments
CC_guests := $(GCC)
CFLAGS_guests := $(CFLAGS_GUEST) -fno-tree-loop-distribute-patterns
LINK_guests := $(LINK_GUEST)
CC_guests-clang := $(CLANG)
CFLAGS_guests-clang := $(CFLAGS_GUEST)
LINK_guests-clang := $(LINK_GUEST)

.PHONY: guests paravirt kernel new-guest

guest_kernels = $(foreach flavour,$(GUEST_FLAVOURS),$(patsubst %,build/$(flavour)/%.elf,$(1)))

guests: $(call guest_kernels,$(GUEST_KERNELS) $(GUEST_TESTS:%=tests/%))

paravirt: $(call guest_kernels,paravirt)

$(foreach flavour,$(GUEST_FLAVOURS),\
	$(eval $(call FLAVOUR,$(flavour)))\
	$(eval $(call OBJECTS,$(flavour),,))\
	$(eval $(call SCRIPT,$(flavour),$(GUEST_SCRIPT),guest/layout.h)))

# GUEST_KERNEL(flavour, name, further sources, directory): what lies in the directory, and the guest library.
define GUEST_KERNEL
build/$(1)/$(2).elf: $(call objects,$(1),$(sort $(wildcard $(4)/*.c $(4)/*.S)) $(3) $(GUEST_S) $(GUEST_C) $(ABI)) \
		build/$(1)/image.lds
	$$(call say,LD)
	$$(Q)ld $$(LINK_$(1)) -T build/$(1)/image.lds $$(filter %.o,$$^) -o $$@
endef
$(foreach flavour,$(GUEST_FLAVOURS),\
	$(foreach kernel,$(GUEST_KERNELS),\
		$(eval $(call GUEST_KERNEL,$(flavour),$(kernel),,guests/$(kernel))))\
	$(foreach test,$(GUEST_TESTS),\
		$(eval $(call GUEST_KERNEL,$(flavour),tests/$(test),$(GUEST_TEST_LIB),guests/tests/$(test)))))

$(eval $(call ARCHIVE,build/guests/guest.a,$(call objects,guests,$(GUEST_S) $(GUEST_C))))

# As it stands, so that the shell knows a ~.
new-guest:
	$(Q)tools/new-guest $(DIR)

ifeq ($(KERNEL),)
kernel:
	@echo "which kernel?  make kernel KERNEL=DIRECTORY" >&2; exit 2
else ifeq ($(wildcard $(KERNEL:%/=%)/*.c),)
kernel:
	@echo "$(KERNEL) has no sources: make kernel KERNEL=DIRECTORY, with *.c in it" >&2; exit 2
else
KERNEL_NAME := $(notdir $(abspath $(KERNEL)))
$(foreach flavour,$(GUEST_FLAVOURS),$(eval $(call GUEST_KERNEL,$(flavour),$(KERNEL_NAME),,$(KERNEL:%/=%))))
kernel: $(call guest_kernels,$(KERNEL_NAME))
endif
