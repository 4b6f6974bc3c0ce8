# The page of `paravane map`, without data: sim/replay/map_page.c puts them in.
#
#   build/map/map.html   the page, with the library that it draws with
#   make map-library     bundles that anew, by npm, from the packages that map/library/package-lock.json pins

MAP_PAGE := $(addprefix map/page/,style.css page.html) map/library/d3.js \
	$(patsubst %,playground/page/%.js,frames entries elements) \
	$(patsubst %,map/page/%.js,data colours picture timeline tree details main)

.PHONY: map map-library

map: build/map/map.html

build/map/map.html: $(MAP_PAGE) tools/bundle-page map/build.mk
	$(call say,PAGE)
	$(Q)tools/bundle-page map/page/page.html $@ $(filter %.css %.js,$(MAP_PAGE))

map-library:
	$(Q)rm -rf build/map/library && mkdir -p build/map && cp -r map/library build/map && cd build/map/library && \
	    npm ci --no-audit --no-fund && { echo '/*'; cat LICENSE; echo '*/'; } >bundle.js && \
	    npx esbuild entry.mjs --bundle --minify --format=iife --global-name=d3 --legal-comments=none --charset=utf8 \
	    >>bundle.js && cp bundle.js $(CURDIR)/map/library/d3.js
