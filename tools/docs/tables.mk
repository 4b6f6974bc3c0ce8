# What the engine's and the hypervisor's own tables say, for the documentation.
#
#   build/tables/tables        the program that prints it
#   build/tables/tables.json   what it prints

CC_tables := $(GCC)
CFLAGS_tables := $(HOSTED) -O1 -DENGINE_DEBUG

# Of the engine what calls nobody, and of the command what asks it.
TABLES_C := $(sort $(wildcard tools/docs/*.c)) engine/entry.c engine/level.c engine/refuse.c engine/type.c \
	cli/entry_bits.c cli/entry_judge.c

.PHONY: tables

tables: build/tables/tables.json

$(eval $(call FLAVOUR,tables))
$(eval $(call OBJECTS,tables,,))

build/tables/tables: $(call objects,tables,$(TABLES_C))
	$(call say,LD)
	$(Q)$(CC_tables) $(CFLAGS_tables) $^ -o $@

build/tables/tables.json: build/tables/tables
	$(call say,TABLES)
	$(Q)$< >$@
