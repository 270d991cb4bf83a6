# SPDX-License-Identifier: GPL-2.0
# Build, test and try minivmx. "make help" lists the targets.
#
# Everything that is built goes into build/; the module is built in
# build/module/<kernel release>/, from links to the sources, so that several
# kernels can be built for side by side.

TOP := $(CURDIR)
BUILD := $(TOP)/build

# The kernel to build for: KDIR=, or KERNEL= a release; by default the running
# one if its headers are there, else the newest headers installed.
ifdef KDIR
KERNEL ?= $(shell $(TOP)/scripts/kernel-release $(KDIR))
else
KERNEL ?= $(shell $(TOP)/scripts/kernel-release)
KDIR = /lib/modules/$(KERNEL)/build
endif
# CHROOT= a folder in which that is, with a compiler, when it is of a newer
# Debian release than this machine: testbed/newest-kernel makes one.
IN_CHROOT = $(if $(CHROOT),$(TOP)/testbed/in-chroot $(CHROOT))

KBUILD_DIR = $(BUILD)/module/$(KERNEL)
PAYLOAD = $(BUILD)/payload/$(KERNEL)

.PHONY: all module probe user selftests payload setup check check-quick check-kernels check-debug \
	check-style fuzz oracle cpuid compare demo debian shell clean help man uapi-doc demo-picture grade

all: module user

module:
	@$(IN_CHROOT) test -e $(KDIR)/Makefile || { echo "no kernel headers in $(KDIR):" \
		"install them, e.g. by 'make setup' as root, or give KDIR=" >&2; exit 1; }
	@mkdir -p $(KBUILD_DIR)
	@cp -rsf $(TOP)/Kbuild $(TOP)/module $(TOP)/uapi $(KBUILD_DIR)/
	@find $(KBUILD_DIR) -xtype l -delete
	$(IN_CHROOT) $(MAKE) -C $(KDIR) M=$(KBUILD_DIR) modules

# The module of the tests.
probe:
	@mkdir -p $(BUILD)/probe/$(KERNEL)
	@cp -rsf $(TOP)/selftests/kmod/* $(TOP)/module/host_state.* $(BUILD)/probe/$(KERNEL)/
	$(IN_CHROOT) $(MAKE) -C $(KDIR) M=$(BUILD)/probe/$(KERNEL) modules

user:
	$(MAKE) -C userspace BUILD=$(BUILD)

selftests: user
	$(MAKE) -C selftests BUILD=$(BUILD)

# What the testbed puts into its machine: a root tree.
payload: module probe user
	$(MAKE) -C selftests BUILD=$(BUILD) target
	@mkdir -p $(PAYLOAD)/usr/bin $(PAYLOAD)/lib/minivmx $(PAYLOAD)/usr/lib/minivmx
	@cp -u $(KBUILD_DIR)/minivmx.ko $(PAYLOAD)/lib/minivmx/
	@strip --strip-debug $(PAYLOAD)/lib/minivmx/minivmx.ko
	@cp -u $(BUILD)/bin/minivmx $(PAYLOAD)/usr/bin/
	@rm -rf $(PAYLOAD)/usr/lib/minivmx/selftests
	@cp -r $(BUILD)/selftests/target $(PAYLOAD)/usr/lib/minivmx/selftests
	@strip --strip-debug -o $(PAYLOAD)/usr/lib/minivmx/selftests/probe.ko \
		$(BUILD)/probe/$(KERNEL)/probe.ko

# Debian packages, kernels and headers that the testbed and the tests need.
setup:
	./scripts/setup

check: setup
	./selftests/run

check-quick: setup
	./selftests/run --quick

check-kernels: setup
	./selftests/run --kernels

check-debug: setup
	./selftests/run --debug

N ?= 10000
SEED ?= 1
oracle: setup
	./selftests/oracle/run --cases $(N) --seed $(SEED) --rules $(if $(OPEN),--open)

# N: calls, entries and inputs; SEED: one by chance if none is given.
fuzz: setup
	./selftests/fuzz/run --cases $(if $(filter file,$(origin N)),100000,$(N)) \
		$(if $(filter file,$(origin SEED)),,--seed $(SEED))

cpuid: setup
	./docs/cpuid/run

# The manual pages, and docs/uapi.md, which is committed, from the header's comments.
man: setup user
	./docs/man/build $(BUILD)/man

uapi-doc: setup
	./docs/uapi-doc >$(BUILD)/uapi.md
	cp $(BUILD)/uapi.md docs/uapi.md

demo-picture: setup
	./docs/demo-picture

compare: setup
	./testbed/compare

# A lab of the course: LAB= its number or all, LAB_DIR= a folder or SOLUTION=1, JSON= a file.
grade:
	./labs/grade $(if $(SOLUTION),--dir $(TOP)/labs/solutions,$(if $(LAB_DIR),--dir '$(LAB_DIR)')) \
		$(if $(JSON),--json '$(JSON)') -- '$(LAB)'

check-style: setup
	./selftests/style

demo: setup
	./testbed/demo

debian: setup
	./testbed/debian-boot

shell: setup
	./testbed/shell

clean:
	rm -rf $(BUILD)/module $(BUILD)/probe $(BUILD)/payload $(BUILD)/bin $(BUILD)/lib \
		$(BUILD)/obj $(BUILD)/selftests $(BUILD)/fuzz $(BUILD)/fuzzed $(BUILD)/man

include $(TOP)/packaging/install.mk

help:
	@echo 'make              build the module and the userspace programs'
	@echo 'make module       the module alone, for the running kernel (KDIR= or KERNEL= another)'
	@echo 'make user         libminivmx and the minivmx command'
	@echo 'make install      both, as root (DESTDIR=, PREFIX=); make uninstall removes them: docs/install.md'
	@echo 'make install-dkms the module by DKMS, which builds it for each new kernel (uninstall-dkms)'
	@echo 'make deb          Debian packages, into build/deb'
	@echo 'make setup        install the Debian packages that the rest needs (as root)'
	@echo 'make demo         boot a Linux guest on an emulated VT-x machine'
	@echo 'make debian       boot Debian from a disk as a guest there (without a terminal: check it)'
	@echo 'make shell        a root shell on that machine'
	@echo 'make check        all tests; closes with "N passed, N failed, N skipped"'
	@echo 'make check-quick  unit tests and one boot of the testbed'
	@echo 'make check-kernels on each kernel, the newest Debian one too: builds, symbols, tests'
	@echo 'make check-debug  on a kernel with KASAN, lockdep, kmemleak and more; takes hours'
	@echo 'make oracle       does the entry verdict say what the CPU says? (N= cases, SEED=, OPEN=1)'
	@echo 'make fuzz         calls, guests, rings and files by chance (N= cases, SEED=)'
	@echo 'make compare      measure minivmx and KVM side by side: build/compare/compare.html'
	@echo 'make grade LAB=n  grade a lab of the course (labs/README.md)'
	@echo 'make cpuid        watch a guest execute CPUID, and draw it (docs/cpuid)'
	@echo 'make man          the manual pages: build/man/minivmx.1, minivmx.4, libminivmx.3'
	@echo 'make uapi-doc     docs/uapi.md, from the comments of uapi/minivmx.h'
	@echo 'make demo-picture docs/demo.svg, from a recording of make demo'
	@echo 'make check-style  checkpatch, sparse, W=1, -Werror, shellcheck'
	@echo 'make clean        remove what was built (not what was downloaded)'
