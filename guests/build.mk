# Guest kernels, each by both compilers.
#
#   build/guests/costs.elf          what single calls cost, in instructions
#   build/guests/demo.elf           direct paging at work, explained on the console
#   build/guests/differential.elf   calls by the thousand, whose answers are compared with Xen's
#   build/guests/paravirt.elf       a kernel with processes that boots both ways
#   build/guests/scaling.elf        how much more work two processors do
#   build/guests/transport.elf      ways out of a machine for a trace, on bare hardware
#   build/guests/hello.elf          a first one, which `make new-guest DIR=DIRECTORY` copies to a place of its own
#   build/guests/guest.a            the library, for kernels outside this tree; build/guests32/guest.a of 32 bits
#   build/guests/tests/NAME.elf     a test kernel for each directory guests/tests/NAME
#   build/guests/NAME.elf           for `make kernel KERNEL=DIRECTORY/NAME`: somebody's own, of all *.c and *.S there
#   build/guests-clang/...          the same by clang
#   build/guests32/...              the same as kernels of 32 bits, but for those that are about what these lack
#
# guest/x86_64/ and guest/x86_32/ have what of the library is of one width; so may a kernel's directory.

GUEST_SCRIPT := guest/image.lds.S
GUEST_SCRIPT_HEADERS := guest/layout.h guest/width.h $(wildcard guest/x86_*/width.h)
GUEST_WIDTH = $(or $(WIDTH_$(1)),x86_64)
# GUEST_SOURCES(flavour, directory): what lies there.
GUEST_SOURCES = $(filter-out $(GUEST_SCRIPT),$(sort $(wildcard \
	$(foreach place,$(2) $(2)/$(call GUEST_WIDTH,$(1)),$(place)/*.c $(place)/*.S))))
GUEST_KERNELS := costs demo differential hello paravirt scaling transport
GUEST_TEST_LIB := $(sort $(wildcard guests/tests/lib/*.c))
GUEST_TESTS := $(filter-out lib,$(sort $(patsubst guests/tests/%/,%,$(dir $(wildcard guests/tests/*/*.c)))))
# Those that are about instructions, segments or layouts of 64 bits, or whose like of 32 bits is one of GUEST_NARROW:
# rings has selectors, segments, iret and syscalls, narrow_emulation write_emulation.  recipes has the examples of docs/pv-mmu.md.  And some where the width makes no
# difference, since they are about devices or other domains.
GUEST_WIDE := differential scaling transport $(addprefix tests/,bases bases_absent iret iret_no_user mistakes recipes \
	segments selectors syscalls vm86 ways write_emulation netfront patched pci served storm uart)
# Those that are about what 32 bits have.
GUEST_NARROW := $(addprefix tests/,contexts high_root narrow narrow_emulation narrow_gates rings)
GUEST_FLAVOURS := guests guests-clang guests32 guests32-clang
# What is built, where nobody names a kernel; and somebody's own.
GUEST_BUILT := guests guests-clang guests32
GUEST_OWN := guests guests-clang

# A kernel at a fixed address in the topmost 2 GiB, without the library that the compiler would call for.
CFLAGS_GUEST := -std=c11 $(OPTIONS) -O2 -ffreestanding -fno-builtin -fno-stack-protector -mno-red-zone \
	-mgeneral-regs-only -mcmodel=kernel -fno-pic $(DEBUGGED)
LINK_GUEST := -nostdlib -static --build-id=none -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments
# The same in the first 4 GiB.  The processor is one that can exchange 8 bytes at once.
CFLAGS_GUEST32 := $(filter-out -mcmodel=kernel -mno-red-zone,$(CFLAGS_GUEST)) -march=i686
CC_guests := $(GCC)
CFLAGS_guests := $(CFLAGS_GUEST) -fno-tree-loop-distribute-patterns
LINK_guests := $(LINK_GUEST)
CC_guests-clang := $(CLANG)
CFLAGS_guests-clang := $(CFLAGS_GUEST)
LINK_guests-clang := $(LINK_GUEST)
WIDTH_guests32 := x86_32
CC_guests32 := $(GCC) -m32
CFLAGS_guests32 := $(CFLAGS_GUEST32) -fno-tree-loop-distribute-patterns
LINK_guests32 := -m elf_i386 $(LINK_GUEST)
WIDTH_guests32-clang := x86_32
CC_guests32-clang := $(CLANG) -m32
CFLAGS_guests32-clang := $(CFLAGS_GUEST32)
LINK_guests32-clang := $(LINK_guests32)

.PHONY: guests paravirt kernel new-guest

GUEST_OTHER_WIDTH = $(if $(filter x86_32,$(call GUEST_WIDTH,$(1))),$(GUEST_WIDE),$(GUEST_NARROW))
guest_kernels = $(foreach flavour,$(GUEST_BUILT),\
	$(patsubst %,build/$(flavour)/%.elf,$(filter-out $(call GUEST_OTHER_WIDTH,$(flavour)),$(1))))

guests: $(call guest_kernels,$(GUEST_KERNELS) $(GUEST_TESTS:%=tests/%))

paravirt: $(call guest_kernels,paravirt)

$(foreach flavour,$(GUEST_FLAVOURS),\
	$(eval $(call FLAVOUR,$(flavour)))\
	$(eval $(call OBJECTS,$(flavour),,))\
	$(eval $(call SCRIPT,$(flavour),$(GUEST_SCRIPT),$(GUEST_SCRIPT_HEADERS))))

# GUEST_KERNEL(flavour, name, further sources, directory): what lies in the directory, and the guest library.
define GUEST_KERNEL
build/$(1)/$(2).elf: $(call objects,$(1),$(call GUEST_SOURCES,$(1),$(4)) $(3) $(call GUEST_SOURCES,$(1),guest) $(ABI)) \
		build/$(1)/image.lds
	$$(call say,LD)
	$$(Q)ld $$(LINK_$(1)) -T build/$(1)/image.lds $$(filter %.o,$$^) -o $$@
endef
$(foreach flavour,$(GUEST_FLAVOURS),\
	$(foreach kernel,$(GUEST_KERNELS),\
		$(eval $(call GUEST_KERNEL,$(flavour),$(kernel),,guests/$(kernel))))\
	$(foreach test,$(GUEST_TESTS),\
		$(eval $(call GUEST_KERNEL,$(flavour),tests/$(test),$(GUEST_TEST_LIB),guests/tests/$(test)))))

$(foreach flavour,guests guests32,\
	$(eval $(call ARCHIVE,build/$(flavour)/guest.a,$(call objects,$(flavour),$(call GUEST_SOURCES,$(flavour),guest)))))

# As it stands, so that the shell knows a ~.
new-guest:
	$(Q)tools/new-guest $(WIDTH:%=--width=%) $(DIR)

ifeq ($(KERNEL),)
kernel:
	@echo "which kernel?  make kernel KERNEL=DIRECTORY" >&2; exit 2
else ifeq ($(wildcard $(KERNEL:%/=%)/*.c),)
kernel:
	@echo "$(KERNEL) has no sources: make kernel KERNEL=DIRECTORY, with *.c in it" >&2; exit 2
else
KERNEL_NAME := $(notdir $(abspath $(KERNEL)))
$(foreach flavour,$(GUEST_OWN),$(eval $(call GUEST_KERNEL,$(flavour),$(KERNEL_NAME),,$(KERNEL:%/=%))))
kernel: $(GUEST_OWN:%=build/%/$(KERNEL_NAME).elf)
endif
