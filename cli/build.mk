# The `paravane` command for the host.
#
#   build/cli/paravane        the command; it finds the hypervisor's image and the demo guest in the build tree
#   build/cli-san/paravane    the same with sanitizers, for the tests; build/cli-clang/paravane by clang
#   make install              the command, the image, the demo, the man page, completion for bash; PREFIX, DESTDIR
#   make uninstall            removes them

PREFIX := /usr/local
DESTDIR :=

CLI_C := $(sort $(wildcard cli/*.c))
# The judge of kernels, names and the code of consoles are the hypervisor's own: they call nobody, and can be linked anywhere.
CLI_SHARED := $(filter-out hv/kernel/bundle.c,$(sort $(wildcard hv/kernel/*.c))) hv/base/call_names.c
CLI_SHARED += hv/base/multiplex.c
# So is the engine's judge of entries, but for what it tells of refusals.
CLI_SHARED += engine/entry.c engine/level.c engine/refuse.c

CC_cli := $(GCC)
CFLAGS_cli := $(HOSTED) -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2
LINK_cli := -larchive -lxlutil -lxenlight
CC_cli-clang := $(CLANG)
CFLAGS_cli-clang := $(HOSTED) -O2
LINK_cli-clang := $(LINK_cli)
CC_cli-san := $(GCC)
CFLAGS_cli-san := $(HOSTED) -O1 $(SANITIZERS)
LINK_cli-san := $(LINK_cli)

.PHONY: cli install uninstall

cli: build/cli/paravane

$(eval $(call VERSION,build/cli/version.c,cli/version.h))

define CLI_RULES
$(call FLAVOUR,$(1))
$(call OBJECTS,$(1),,)

build/$(1)/version.o: build/cli/version.c build/$(1).stamp | $(call tools,$(1))
	$$(call say,CC)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) -c $$< -o $$@

build/$(1)/paravane: $(call objects,$(1),$(CLI_C) $(CLI_SHARED) $(ABI)) build/$(1)/version.o
	$$(call say,LD)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) $$^ $$(LINK_$(1)) -o $$@

# Where it looks last.  Not in the stamp: it is no reason to compile for `make install PREFIX=/usr`.
build/$(1)/cli/library.o: CFLAGS_$(1) += -DPARAVANE_LIBDIR='"$$(PREFIX)/lib/paravane"'
endef
$(foreach flavour,cli cli-clang cli-san,$(eval $(call CLI_RULES,$(flavour))))

# What is installed, and from where.
INSTALLED := bin/paravane lib/paravane/paravane.elf lib/paravane/paravane-record.elf \
	lib/paravane/paravane-replay lib/paravane/map.html lib/paravane/backend.elf lib/paravane/grub-x86_64-xen.bin \
	lib/paravane/grub-i386-xen.bin lib/paravane/demo.elf \
	lib/paravane/first share/man/man1/paravane.1 share/bash-completion/completions/paravane
from_bin/paravane := build/cli/paravane
from_lib/paravane/paravane.elf := build/hv/paravane.elf
from_lib/paravane/paravane-record.elf := build/hv/paravane-record.elf
from_lib/paravane/paravane-replay := build/replay/paravane-replay
from_lib/paravane/map.html := build/map/map.html
from_lib/paravane/backend.elf := build/backend/backend.elf
from_lib/paravane/grub-x86_64-xen.bin := build/grub/grub-x86_64-xen.bin
from_lib/paravane/grub-i386-xen.bin := build/grub/grub-i386-xen.bin
from_lib/paravane/demo.elf := build/guests/demo.elf
from_lib/paravane/first := build/linux/first
from_share/man/man1/paravane.1 := cli/paravane.1
from_share/bash-completion/completions/paravane := cli/paravane.bash
INSTALL_TO := $(DESTDIR)$(PREFIX)

# The demo guest is not made by whoever installs: that may be root, who shall not have to compile.
install: build/cli/paravane build/hv/paravane.elf build/hv/paravane-record.elf build/replay/paravane-replay \
		build/map/map.html build/backend/backend.elf build/linux/first grub
	@[ -f build/guests/demo.elf ] || { echo "build/guests/demo.elf is missing: make it first"; exit 1; }
	$(Q)$(foreach file,$(INSTALLED),install -D -m $(if $(filter bin/% %/first %/paravane-replay,$(file)),755,644) \
		$(from_$(file)) $(INSTALL_TO)/$(file) &&) :

uninstall:
	$(Q)rm -f $(INSTALLED:%=$(INSTALL_TO)/%)
	$(Q)rmdir $(INSTALL_TO)/lib/paravane 2>/dev/null || :
