# Unit tests of the command.
#
#   build/cli-san/test_NAME    a test, with sanitizers

CLI_TESTS := $(patsubst tests/cli/%.c,build/cli-san/%,$(sort $(wildcard tests/cli/test_*.c)))
# What the tests of the command need.
CLI_TESTED := build/cli/paravane build/cli-clang/paravane build/cli-san/paravane build/hv/paravane.elf build/backend/backend.elf \
	$(RECORDER) \
	$(CLI_TESTS)

build/cli-san/test_%: build/cli-san/tests/cli/test_%.o \
		$(call objects,cli-san,$(call helpers,cli) $(filter-out cli/main.c,$(CLI_C)) $(CLI_SHARED))
	$(call say,LD)
	$(Q)$(CC_cli-san) $(CFLAGS_cli-san) $^ -lcmocka $(LINK_cli-san) -o $@
