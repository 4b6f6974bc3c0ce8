# Parts of the back end as ordinary programs.
#
#   build/san/tests/backend/test_NAME    a test, with sanitizers; BACKEND_UNIT has all of them
#
#   build/backend/tests/virtio.elf       the drivers and a test in the place of the loop, for tests/several
#   build/backend/tests/dying.elf        all of the back end with a fault, for tests/several
#
# A program says what it is linked with as those of tests/hv do, see tests/hv/build.mk.

BACKEND_UNIT_SOURCES := $(sort $(wildcard tests/backend/test_*.c))
BACKEND_UNIT := $(call programs,san,$(BACKEND_UNIT_SOURCES))

$(foreach source,$(BACKEND_UNIT_SOURCES),$(eval $(call HV_UNIT_RULE,$(source),san,-lcmocka)))

.PHONY: test-backend
test-backend: $(BACKEND_UNIT)
	$(Q)tests/run.sh backend

# The drivers as a guest, for tests/several.
BACKEND_KERNELS := build/backend/tests/virtio.elf build/backend/tests/dying.elf
$(eval $(call GUEST_KERNEL,backend,tests/virtio,$(GUEST_TEST_LIB) \
	$(filter-out backend/main.c,$(sort $(wildcard backend/*.c))),tests/backend/virtio))

# All of the back end, but for two functions that are called by way of the test's.
build/backend/tests/dying.elf: LINK_backend += --wrap=disk_submit --wrap=disk_kick
$(eval $(call GUEST_KERNEL,backend,tests/dying,$(sort $(wildcard backend/*.c)),tests/backend/dying))
