# Makefile: for those who type make; everything is in CMakeLists.txt.
#
#   make                          build the program, the libraries and the manual pages
#   make test                     and the tests, and run them (./test.sh also installs what they need, and runs the sanitizers)
#   make install PREFIX=/usr/local DESTDIR=
#   make uninstall                removes what the last install put there
#   make clean
#
# CMAKE_FLAGS="-DFV_MEDIA=OFF ..." is passed on; BUILD=folder builds elsewhere.
PREFIX ?= /usr/local
BUILD ?= build/make
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
GENERATOR := $(shell command -v ninja >/dev/null 2>&1 && echo -G Ninja)

all: configure
	cmake --build $(BUILD) -j $(JOBS)

configure:
	@[ -f $(BUILD)/CMakeCache.txt ] || cmake -S . -B $(BUILD) $(GENERATOR) -DCMAKE_BUILD_TYPE=Release -DFV_TESTS=OFF
	@cmake -DCMAKE_INSTALL_PREFIX=$(PREFIX) $(CMAKE_FLAGS) $(BUILD) >/dev/null

test:
	@[ -f $(BUILD)-test/CMakeCache.txt ] || cmake -S . -B $(BUILD)-test $(GENERATOR) -DCMAKE_BUILD_TYPE=Release
	cmake --build $(BUILD)-test -j $(JOBS)
	ctest --test-dir $(BUILD)-test -j $(JOBS) --output-on-failure

install: all
	DESTDIR="$(DESTDIR)" cmake --install $(BUILD)

uninstall:
	@[ -f $(BUILD)/install_manifest.txt ] || { echo "nothing was installed from $(BUILD)"; exit 1; }
	sed 's|^|$(DESTDIR)|' $(BUILD)/install_manifest.txt | tr '\n' '\0' | xargs -0 rm -f

clean:
	rm -rf $(BUILD) $(BUILD)-test

.PHONY: all configure test install uninstall clean
