# Parts of the hypervisor on threads that stand for processors, under clang's ThreadSanitizer.
#
#   build/hv-tsan/tests/threads/test_NAME    HV_THREADS has all of them
#
# A program says what it is linked with as those of tests/hv do; tests/threads/lib is linked into each.

HV_THREADS_SOURCES := $(sort $(wildcard tests/threads/test_*.c))
HV_THREADS := $(HV_THREADS_SOURCES:%.c=build/hv-tsan/%)

CC_hv-tsan := $(CC_tsan)
CFLAGS_hv-tsan := -Itests/hv/host $(CFLAGS_tsan)
$(eval $(call FLAVOUR,hv-tsan))
$(eval $(call OBJECTS,hv-tsan,,))

$(foreach source,$(HV_THREADS_SOURCES),$(eval $(call HV_UNIT_RULE,$(source),hv-tsan,-lcmocka)))
$(HV_THREADS): $(call objects,hv-tsan,$(call helpers,threads))
