# The playground: engine, hosted machine and explanations as WebAssembly, in one page that works from a file.
#
#   build/playground/playground.wasm   the module, by clang and wasm-ld, without a C library but playground/libc
#   build/playground/playground.html   the page, with that in it
#   build/docs/playground.html         the same, beside the documentation

PLAYGROUND_C := $(sort $(wildcard playground/*.c playground/libc/*.c))
# Scripts in the order in which they need each other.
PLAYGROUND_PAGE := $(addprefix playground/page/,style.css page.html) $(patsubst %,playground/page/%.js,frames machine \
	entries operations lessons elements tiles inspector panel lesson main)
# The words of --explain, and the hosted machine but for its stacks, which are x86's.
PLAYGROUND_SHARED := $(ENGINE) $(filter-out sim/stack.c,$(sort $(wildcard sim/*.c))) \
	$(sort $(wildcard tests/support/*.c)) hv/base/print.c hv/base/call_names.c \
	$(addprefix hv/domain/,advice.c call_refuse.c explain.c explain_mistake.c report_explanation.c report_names.c \
	report_refusal.c search.c)

CC_playground := $(CLANG)
# print() takes %lx for 64 bits, whatever a long has here; and size_t is narrower than what the machine counts in.
CFLAGS_playground := --target=wasm32 -std=gnu11 -I. -isystem playground/libc -Os $(filter-out -Wconversion,$(WARNINGS)) \
	-Wno-format -ffreestanding -fno-builtin -fvisibility=hidden
LINK_playground := --no-entry -z stack-size=262144 --stack-first --strip-all --gc-sections

.PHONY: playground

playground: build/docs/playground.html

$(eval $(call FLAVOUR,playground))
$(eval $(call OBJECTS,playground,,))

build/playground/playground.wasm: $(call objects,playground,$(PLAYGROUND_SHARED) $(PLAYGROUND_C))
	$(call say,LD)
	$(Q)wasm-ld $(LINK_playground) $^ -o $@

build/playground/playground.html: build/playground/playground.wasm $(PLAYGROUND_PAGE) tools/bundle-page playground/build.mk
	$(call say,PAGE)
	$(Q)tools/bundle-page playground/page/page.html $@ $< $(filter %.css %.js,$(PLAYGROUND_PAGE))

build/docs/playground.html: build/playground/playground.html
	$(call say,COPY)
	$(Q)cp $< $@
