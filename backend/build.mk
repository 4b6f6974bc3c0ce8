# The back end domain, a kernel on the guest library, by both compilers.
#
#   build/backend/backend.elf         installed as lib/paravane/backend.elf
#   build/backend-clang/backend.elf   the same by clang

CC_backend := $(GCC)
CFLAGS_backend := $(CFLAGS_guests)
LINK_backend := $(LINK_GUEST)
CC_backend-clang := $(CLANG)
CFLAGS_backend-clang := $(CFLAGS_guests-clang)
LINK_backend-clang := $(LINK_GUEST)

.PHONY: backend

backend: build/backend/backend.elf build/backend-clang/backend.elf

$(foreach flavour,backend backend-clang,\
	$(eval $(call FLAVOUR,$(flavour)))\
	$(eval $(call OBJECTS,$(flavour),,))\
	$(eval $(call SCRIPT,$(flavour),$(GUEST_SCRIPT),$(GUEST_SCRIPT_HEADERS)))\
	$(eval $(call GUEST_KERNEL,$(flavour),backend,,backend)))
