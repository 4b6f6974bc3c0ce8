# Unit tests of the command.
#
#   build/cli-san/test_NAME    a test, with sanitizers

CLI_TESTS := $(patsubst tests/cli/%.c,build/cli-san/%,$(sort $(wildcard tests/cli/test_*.c)))
# What the tests of the command need.
CLI_TESTED := build/cli/paravane build/cli-clang/paravane build/cli-san/paravane build/hv/paravane.elf $(CLI_TESTS)

# The hypervisor's judgement of kernels, for the test that the command's is the same.
CLI_HV := $(patsubst %.c,build/cli-san/%.o,$(filter-out hv/kernel/bundle.c,$(sort $(wildcard hv/kernel/*.c))))

build/cli-san/test_%: build/cli-san/tests/cli/test_%.o $(CLI_HV) \
		$(call objects,cli-san,$(call helpers,cli) $(filter-out cli/main.c,$(CLI_C)))
	$(call say,LD)
	$(Q)$(CC_cli-san) $(CFLAGS_cli-san) $^ -lcmocka $(LINK_cli-san) -o $@
