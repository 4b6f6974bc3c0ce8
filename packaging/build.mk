# Packages.
#
#   build/paravane_VERSION_ARCHITECTURE.deb    `make deb`: what `make install` installs, for Debian

.PHONY: deb

deb: build/cli/paravane build/hv/paravane.elf build/hv/paravane-record.elf build/replay/paravane-replay \
		build/map/map.html build/backend/backend.elf grub build/guests/demo.elf build/linux/first | build/.tools
	$(Q)packaging/make-deb
