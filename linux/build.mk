# Debian's Linux as a guest: its kernels fetched, a ramdisk made for them.
#
#   build/linux/FLAVOUR/vmlinuz        amd64, cloud-amd64: the kernels, as Debian ships them
#   build/linux/FLAVOUR/ramdisk.img    for each: a shell, the self-check, the benchmark
#   build/linux/check, bench, frames   the last two, and a hostile one, as static programs
#   build/linux/first                  the first process of `paravane run KERNEL -- COMMAND`; in no ramdisk made here
#   build/linux/traffic                the guest's end of the measurements of a network, the same
#   build/linux/debian/disk.img        a disk with a Debian system on it
#   build/linux/stress.img             the ramdisk of amd64 with Debian's stress-ng in it

LINUX_FLAVOURS := amd64 cloud-amd64
LINUX_PROGRAMS := check bench frames
LINUX_FILES := $(addprefix linux/,init inittab attach profile welcome devices share udhcpc)
# What boots them.
LINUX_NEEDS := build/cli/paravane build/hv/paravane.elf build/linux/first
# The first one is what `make run-linux` boots.
LINUX_FIRST := $(firstword $(LINUX_FLAVOURS))

CC_linux := $(GCC)
CFLAGS_linux := $(HOSTED) -D_GNU_SOURCE -O2 -pthread
LINK_linux := -static -s

.PHONY: linux grub run-linux run-debian bench-linux bench-trace bench-transport bench-fills bench-devices image

image: build/linux/debian/disk.img

linux: $(LINUX_FLAVOURS:%=build/linux/%/ramdisk.img)

run-linux: build/linux/$(LINUX_FIRST)/ramdisk.img build/backend/backend.elf $(LINUX_NEEDS)
	$(Q)tools/run-linux $(LINUX_FIRST)

bench-linux: build/linux/$(LINUX_FIRST)/ramdisk.img build/linux/xen.gz build/linux/count.so $(LINUX_NEEDS)
	$(Q)tools/bench-linux

bench-trace: build/linux/amd64/ramdisk.img build/linux/count.so $(LINUX_NEEDS)
	$(Q)tools/bench-trace

bench-transport: build/guests/transport.elf build/linux/count.so
	$(Q)tools/bench-transport

bench-fills: build/linux/amd64/ramdisk.img build/linux/fills.so $(LINUX_NEEDS)
	$(Q)tools/bench-fills

bench-devices: build/linux/debian/disk.img build/linux/traffic build/linux/count.so build/backend/backend.elf \
		$(LINUX_NEEDS)
	$(Q)tools/fetch-first-domain || true
	$(Q)tests/machine/bench.py $(ROWS)

run-debian: build/linux/debian/disk.img grub build/backend/backend.elf $(LINUX_NEEDS)
	$(Q)tools/run-debian

# What is fetched stays, whatever becomes newer.
$(LINUX_FLAVOURS:%=build/linux/%/modules): build/linux/%/modules: | build/.tools-run
	$(Q)tools/fetch-linux $*

build/linux/busybox build/linux/xen.gz: build/linux/%: | build/.tools-run
	$(Q)tools/fetch-linux $(basename $(@F))

build/linux/stress-ng: | build/.tools-run
	$(Q)tools/fetch-linux stress-ng

build/linux/stress.img: tools/make-ramdisk linux/stress build/linux/amd64/ramdisk.img | build/linux/stress-ng
	$(call say,CPIO)
	$(Q)tools/make-ramdisk stress

build/linux/grub-images: | build/.tools-run
	$(Q)tools/fetch-linux grub-image

# The guest that boots others from their disks.
grub: build/grub/grub-x86_64-xen.bin build/grub/grub-i386-xen.bin

build/grub/grub-%.bin: tools/make-grub linux/grub.cfg | build/.tools-run
	$(call say,GRUB)
	$(Q)tools/make-grub $* $@

build/linux/grub/guest.elf: tools/make-grub-guest build/linux/$(LINUX_FIRST)/ramdisk.img | build/.tools-run
	@mkdir -p $(@D)
	$(Q)tools/make-grub-guest x86_64-xen $@ build/linux/$(LINUX_FIRST)/vmlinuz build/linux/$(LINUX_FIRST)/ramdisk.img \
		earlyprintk=xen console=hvc0 paravane.check=short

# A kernel of 32 bits, started by the GRUB of that width.
build/linux/grub/guest32.elf: tools/make-grub-guest build/guests32/demo.elf | build/.tools-run
	@mkdir -p $(@D)
	$(Q)tools/make-grub-guest i386-xen $@ build/guests32/demo.elf

build/linux/debian/disk.img: tools/debian-image $(shell find linux/debian -type f) | build/.tools-image
	$(Q)tools/debian-image

$(eval $(call FLAVOUR,linux))
$(eval $(call OBJECTS,linux,obj/,))

define LINUX_PROGRAM
build/linux/$(1): $(patsubst %.c,build/linux/obj/%.o,$(sort $(wildcard linux/$(1)/*.c)))
	$$(call say,LD)
	$$(Q)$$(CC_linux) $$(CFLAGS_linux) $$(LINK_linux) $$^ -o $$@
endef
$(foreach program,$(LINUX_PROGRAMS) traffic first,$(eval $(call LINUX_PROGRAM,$(program))))

# Plugins for QEMU.
build/linux/count.so: tools/count-instructions.c
build/linux/fills.so: tools/count-fills.c
build/linux/count.so build/linux/fills.so: build/linux.stamp | build/.tools
	$(call say,CC)
	$(Q)$(CC_linux) $(CFLAGS_linux) -shared -fPIC $(filter %.c,$^) -o $@

$(LINUX_FLAVOURS:%=build/linux/%/ramdisk.img): build/linux/%/ramdisk.img: tools/make-ramdisk $(LINUX_FILES) \
		$(LINUX_PROGRAMS:%=build/linux/%) build/linux/busybox build/linux/%/modules
	$(call say,CPIO)
	$(Q)tools/make-ramdisk $*
