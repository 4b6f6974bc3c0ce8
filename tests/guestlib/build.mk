# Parts of the guest library on the host, against the engine in the hosted machine.
#
#   build/san/tests/guestlib/test_NAME    a test, with sanitizers; GUESTLIB has all of them

GUESTLIB_PARTS := guest/lazy.c guest/pinned.c guest/mmu_failure.c guest/p2m.c guest/errno.c
GUESTLIB := $(call programs,san,$(sort $(wildcard tests/guestlib/test_*.c)))

$(GUESTLIB): build/san/%: build/san/%.o $(call objects,san,$(call helpers,guestlib) $(GUESTLIB_PARTS) $(SUPPORT)) \
		build/san/libparavane-hosted.a
	$(call say,LD)
	$(Q)$(CC_san) $(CFLAGS_san) $^ -lcmocka -o $@
