# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the driver, shows what it does, and tests it. "make help" says how.
# Whatever is missing on the machine is installed first, by tests/setup.sh.

PYTHON := /usr/bin/python3
# Where the programs for guests go, and how the name of their compiler begins.
GUEST := build/guest
CROSS :=
GUEST_PROGRAMS = $(patsubst tests/guest/%.c,$(GUEST)/%,$(wildcard tests/guest/*.c)) \
	$(GUEST)/balloonstat
SHELL_SCRIPTS := $(wildcard tests/*.sh .ci/run) tests/newest-qemu tests/model/run \
	$(addprefix tests/guest/,answer init) $(addprefix tests/fuzz/,run faults/run) \
	$(addprefix tests/kernels/,build debian modules place.sh) tests/packaging/kernel \
	$(addprefix tests/install/,customize system) \
	$(addprefix packaging/,dist install-driver refresh-initramfs swap-driver) \
	$(wildcard packaging/debian/*.postinst packaging/debian/*.prerm)

# The value is asked for late: setup may have to install the headers first.
KERNEL ?= $(shell dpkg-query -W -f='$${Depends}' linux-headers-amd64 2>/dev/null | \
	sed -n 's/.*linux-headers-\([0-9][^ ,]*\).*/\1/p')
KERNEL_DIRECTORY = /lib/modules/$(KERNEL)/build
DRIVER_SOURCES := $(filter-out %.mod.c,$(wildcard driver/*.[ch]))
FUZZ_SOURCES := $(wildcard tests/fuzz/*.[ch])
DEVICE_SOURCES := $(filter-out %.mod.c,$(wildcard tests/device/*.[ch]))
MISTAKES_SOURCES := $(filter-out %.mod.c,$(wildcard tests/mistakes/*.[ch]))

# Only a choice is passed on; setup and the rig find the default by themselves.
SETUP = $(if $(filter command environment,$(firstword $(origin KERNEL))),KERNEL=$(KERNEL)) tests/setup.sh

SETUPS := $(addprefix setup-,build demo bench check fuzz model sanitizers architectures install \
	style dist deb rpm)

DEMO ?=
BENCH ?=
TESTS ?= tests
CORE_TESTS ?= tests/test_core.py
# Releases of Debian: 12 is bookworm, 13 trixie.
SUITES ?= bookworm
PYTEST = $(PYTHON) -m pytest -p no:cacheprovider -n $(JOBS)
MUTANTS ?=
HOURS ?= 2
MODEL ?=
COUNT ?= 1000
SEED ?=
REPLAY ?=
# Guests that run at the same time; each keeps about one processor busy.
JOBS ?= 2
# How long to fuzz each room, and with which numbers; without a seed, others each time.
FUZZ_SECONDS ?= 60
FUZZ_SEED ?=

all: setup-build module

help:
	@echo "make          build driver/virtio_balloon.ko"
	@echo "make tools    build build/tools/balloonstat, which shows in a guest where its memory is"
	@echo "make demo     take 3 GiB from a guest and give it back, beside Linux's own driver"
	@echo "make bench    measure both drivers, five times each; BENCH=--help lists the options"
	@echo "make check    run all tests; TESTS=tests/test_rig.py runs some"
	@echo "make check-mutants  break the driver rule by rule, and see that the tests notice"
	@echo "make soak     let everything happen to a guest at random; HOURS=2 SEED=<number>"
	@echo "make fuzz     fuzz what is free of kernel types, FUZZ_SECONDS=60 for each of its four files"
	@echo "make check-fuzz-faults  put faults into these rooms, and see that the fuzzers find them"
	@echo "make check-sanitizers  run all tests in a kernel that checks memory, locks and more"
	@echo "make check-kcsan  run all tests in a kernel that looks for races over data"
	@echo "make check-cloud  run all tests in Debian's kernel for clouds; check-rt: with PREEMPT_RT;"
	@echo "                  check-backports: in the newest that Debian 12 offers"
	@echo "make check-kernels  run all tests in all of these kernels, one after the other"
	@echo "make check-newest-qemu  run all tests in the newest QEMU that Debian has"
	@echo "make check-archs  run the core of the tests in emulated arm64, i386, s390x and ppc64el"
	@echo "make matrix   write the README's table of what these have run; matrix-newest-qemu"
	@echo "                  runs and records check-newest-qemu, and so on"
	@echo "make check-install  install, upgrade around and remove the packages in a Debian system;"
	@echo "                  SUITES=\"bookworm trixie\" in Debian 13 too"
	@echo "make check-model  check a model of the life of memory, in every order of its steps"
	@echo "make check-sequences  play COUNT sequences of a hostile host, made up from SEED"
	@echo "make style    check the style of all sources"
	@echo "make dist     pack the last commit as a source tarball, into build/dist/"
	@echo "make deb      build packages for Debian and what is made from it, into build/deb/"
	@echo "make rpm      build packages for Fedora and its kin, into build/rpm/"
	@echo "sudo make install    install driver and tools; DESTDIR=<directory> only puts files there"
	@echo "sudo make uninstall  the way back"
	@echo "make clean    delete what was made; downloads stay"
	@echo "make distclean  delete downloads too"
	@echo
	@echo "KERNEL=<version> builds for, and boots, another kernel whose headers are installed."
	@echo "AEROSTAT_PATIENCE=<factor> makes all time limits of tests longer, on a busy machine."
	@echo "AEROSTAT_ACCELERATOR=kvm or tcg decides how guests run; else a trial boot finds out."

$(SETUPS): setup-%:
	@$(SETUP) $*

module: setup-build
	$(MAKE) -C driver KERNELDIR=$(KERNEL_DIRECTORY)

# The device that plays the host in tests of what no good host does.
device: setup-build
	$(MAKE) -C tests/device KERNELDIR=$(KERNEL_DIRECTORY)

# Needs no more than gcc, so that it can be copied into any guest.
tools:
	$(MAKE) -C tools

programs: $(GUEST_PROGRAMS)

$(GUEST)/balloonstat: tools/balloonstat.c
	$(MAKE) -C tools OUTPUT=../$(@D) CC=$(CROSS)gcc LDFLAGS=-static

$(GUEST)/%: tests/guest/%.c $(wildcard tests/guest/*.h)
	@mkdir -p $(@D)
	$(CROSS)gcc -static -O2 -Wall -Wextra -Werror -o $@ $<

demo: setup-demo module
	@$(MAKE) --no-print-directory --silent programs
	@$(PYTHON) bench/demo.py $(DEMO)

build/bench/%: bench/%.c
	@mkdir -p $(@D)
	gcc -static -O2 -Wall -Wextra -Werror -o $@ $<

bench: setup-bench module
	@$(MAKE) --no-print-directory --silent programs build/bench/limit
	@$(PYTHON) bench/bench.py $(BENCH)

unit: setup-check
	$(if $(wildcard tests/unit/Makefile),$(MAKE) -C tests/unit check)

# JOBS rooms at a time.
fuzz: setup-fuzz
	@$(MAKE) --no-print-directory -C tests/fuzz -j$(JOBS) long \
		FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(FUZZ_SEED)

# So many inputs that it takes some seconds, and the same ones each time.
fuzz-short: setup-fuzz
	@$(MAKE) --no-print-directory -C tests/fuzz short

check: setup-check module device unit fuzz-short
	@$(MAKE) --no-print-directory --silent programs
	$(PYTEST) --durations=15 $(TESTS)

soak: setup-check module
	@$(MAKE) --no-print-directory --silent programs
	$(PYTHON) tests/soak.py --hours $(HOURS) $(if $(SEED),--seed $(SEED))

# MUTANTS="o8-... concurrent-*" tries these alone.
check-mutants: setup-check device
	@$(MAKE) --no-print-directory --silent programs
	tests/mutants/run --kernel $(KERNEL) --jobs $(JOBS) $(foreach mutant,$(MUTANTS),"$(mutant)")

check-fuzz-faults: setup-fuzz
	@tests/fuzz/faults/run

# Kernels that check themselves, compiled once, and Debian's others; with what is compiled for each.
kernel-sanitizers kernel-kcsan: kernel-%: setup-sanitizers
	@JOBS=$(JOBS) tests/kernels/build $*
	@tests/kernels/modules $*

kernel-cloud kernel-rt kernel-backports: kernel-%: setup-check
	@tests/kernels/debian $*
	@tests/kernels/modules $*

kernel-arm64 kernel-i386 kernel-s390x kernel-ppc64el: kernel-%: setup-architectures
	@tests/kernels/debian $*
	@tests/kernels/modules $*

# First whether such a kernel notices what it must.
check-sanitizers check-kcsan: check-%: kernel-%
	@$(MAKE) --no-print-directory --silent programs
	AEROSTAT_FLAVOUR=$* $(PYTEST) -q tests/kernels/notices.py
	@rm -rf build/$*/logs build/$*/coverage
	AEROSTAT_FLAVOUR=$* $(PYTEST) --durations=15 $(TESTS); \
		status=$$?; AEROSTAT_FLAVOUR=$* $(PYTHON) tests/kernels/summary.py; exit $$status

check-cloud check-rt check-backports: check-%: kernel-%
	@$(MAKE) --no-print-directory --silent programs
	AEROSTAT_FLAVOUR=$* $(PYTEST) --durations=15 $(TESTS)

check-arm64 check-i386 check-s390x check-ppc64el: check-%: kernel-%
	AEROSTAT_FLAVOUR=$* $(PYTEST) $(CORE_TESTS)

# In the kernel of the machine, and in the newest QEMU of Debian's suites.
check-newest-qemu: setup-check module device
	@tests/newest-qemu
	@$(MAKE) --no-print-directory --silent programs
	$(PYTEST) --durations=15 $(TESTS)

check-newest-qemu matrix-newest-qemu: export AEROSTAT_QEMU = $(CURDIR)/build/qemu/qemu-system-x86_64

# All tests in each kernel, or the core of them on each architecture, one after the other. Each
# run is recorded, and a failed one does not keep the next from running.
check-debian: check
check-kernels: matrix-debian matrix-cloud matrix-rt matrix-backports matrix-sanitizers
check-archs: matrix-arm64 matrix-i386 matrix-s390x matrix-ppc64el
check-kernels check-archs:
	@$(MAKE) --no-print-directory matrix
	@! ls $(patsubst matrix-%,build/matrix/%.failed,$^) 2>/dev/null

matrix-%:
	@mkdir -p build/matrix && rm -f build/matrix/$*.*
	$(MAKE) --no-print-directory check-$* PYTEST='$(PYTEST) --junitxml=build/matrix/$*.xml' || \
		touch build/matrix/$*.failed
	@AEROSTAT_FLAVOUR=$(filter-out debian newest-qemu,$*) $(PYTHON) tests/matrix.py record build/matrix/$*.xml

# Each system goes through its tests in their order, one boot after the other.
check-install: setup-check setup-install
	@$(MAKE) --no-print-directory --silent programs
	@$(MAKE) --no-print-directory -C packaging deb
	@for suite in $(SUITES); do tests/install/system $$suite || exit 1; done
	AEROSTAT_SUITES="$(SUITES)" $(PYTHON) -m pytest -p no:cacheprovider -x -v \
		tests/install/newcomer.py tests/install/life.py

# What has been recorded, as a table in the README.
matrix:
	@$(PYTHON) tests/matrix.py show

# MODEL="silent o8-..." checks these alone.
check-model: setup-model
	tests/model/run $(MODEL)

# Without SEED the first one comes from the clock. COUNT=100000 takes hours.
check-sequences: setup-check module device
	@$(MAKE) --no-print-directory --silent programs
	$(PYTHON) tests/sequences.py --count $(COUNT) --jobs $(JOBS) $(if $(SEED),--seed $(SEED)) \
		$(if $(REPLAY),--replay $(REPLAY))

style: setup-style style-checkpatch style-sparse style-manual style-scripts

style-checkpatch: setup-style
	perl build/checkpatch/checkpatch.pl --no-tree --strict --terse --quiet --no-summary --show-types \
		--file $(DRIVER_SOURCES) $(DEVICE_SOURCES) $(MISTAKES_SOURCES) $(FUZZ_SOURCES) \
		$(wildcard tools/*.c)

# Copies are checked, so that the modules that were built stay as they are.
style-sparse: setup-style
	@rm -rf build/style && mkdir -p build/style/driver build/style/device
	@cp driver/Kbuild driver/Makefile $(DRIVER_SOURCES) build/style/driver/
	@cp tests/device/Kbuild tests/device/Makefile $(DEVICE_SOURCES) build/style/device/
	@for part in driver device; do \
		$(MAKE) -C build/style/$$part KERNELDIR=$(KERNEL_DIRECTORY) \
			C=2 W=1 CF=-D__CHECK_ENDIAN__ || exit 1; \
	done >build/style.log 2>&1 || { cat build/style.log; false; }
	@! grep -E 'warning|error' build/style.log

style-manual: setup-style
	mandoc -T lint -W warning $(wildcard tools/*.8)

style-scripts: setup-style
	shellcheck $(SHELL_SCRIPTS)
	$(PYTHON) -m flake8 --max-line-length=100 tests tests/mutants/run bench

dist deb rpm: %: setup-%
	@$(MAKE) --no-print-directory -C packaging $@

# Not by setup.sh: these are for any system.
install uninstall:
	@$(MAKE) --no-print-directory -C packaging $@

clean:
	[ ! -d $(KERNEL_DIRECTORY) ] || $(MAKE) -C driver KERNELDIR=$(KERNEL_DIRECTORY) clean
	[ ! -d $(KERNEL_DIRECTORY) ] || $(MAKE) -C tests/device KERNELDIR=$(KERNEL_DIRECTORY) clean
	$(MAKE) -C tests/unit clean
	$(MAKE) -C tests/fuzz clean
	[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name downloads -exec rm -rf {} +
	find tests bench -name __pycache__ -exec rm -rf {} +

distclean: clean
	rm -rf build

.PHONY: all help $(SETUPS) module device tools programs demo bench unit fuzz fuzz-short \
	check soak check-mutants check-fuzz-faults check-model check-sequences kernel-sanitizers \
	kernel-kcsan kernel-cloud kernel-rt kernel-backports check-sanitizers check-kcsan \
	check-cloud check-rt check-backports check-kernels check-archs check-install matrix \
	kernel-arm64 kernel-i386 kernel-s390x kernel-ppc64el check-arm64 check-i386 check-s390x \
	check-ppc64el check-debian check-newest-qemu style style-checkpatch style-sparse \
	style-manual style-scripts dist deb rpm install uninstall clean distclean
