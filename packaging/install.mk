# SPDX-License-Identifier: GPL-2.0
# make install, make uninstall, make deb: see docs/install.md.
#
#   DESTDIR=	a root to install below, for packages; then nothing is run, such as depmod
#   PREFIX=	where the programs go; the command finds its engines from its own folder
#   LIBDIR=	where the library goes
#   KERNEL=	the kernel that gets the module

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' $(TOP)/dkms.conf)

ENGINES := $(basename $(notdir $(wildcard $(TOP)/userspace/engines/*.c)))
MAN_PAGES = $(notdir $(wildcard $(BUILD)/man/*.[1-8]))
MODULE_DIR = $(DESTDIR)/lib/modules/$(KERNEL)/updates
DKMS_FILES := Kbuild LICENSE dkms.conf module uapi
DKMS_SOURCE = $(DESTDIR)/usr/src/minivmx-$(VERSION)
KERNEL_HOOKS := $(patsubst %,$(DESTDIR)/etc/kernel/%/minivmx-dkms,postinst.d header_postinst.d)

# What make install-user installs: mode:file:place.
USER_FILES = \
	755:$(BUILD)/bin/minivmx:$(PREFIX)/bin/minivmx \
	$(foreach engine,$(ENGINES),\
		644:$(BUILD)/lib/minivmx/$(engine).so:$(PREFIX)/lib/minivmx/$(engine).so) \
	644:$(BUILD)/lib/libminivmx.a:$(LIBDIR)/libminivmx.a \
	644:$(BUILD)/lib/libminivmx.pc:$(LIBDIR)/pkgconfig/libminivmx.pc \
	644:$(TOP)/userspace/lib/libminivmx.h:$(PREFIX)/include/libminivmx.h \
	644:$(TOP)/uapi/minivmx.h:$(PREFIX)/include/minivmx.h \
	644:$(TOP)/packaging/60-minivmx.rules:$(PREFIX)/lib/udev/rules.d/60-minivmx.rules \
	644:$(TOP)/packaging/minivmx.bash:$(PREFIX)/share/bash-completion/completions/minivmx \
	$(foreach page,$(MAN_PAGES),\
		644:$(BUILD)/man/$(page):$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $(page)))/$(page))

part = $(word $(1),$(subst :, ,$(2)))
remove_empty = { [ ! -d $(1) ] || rmdir --ignore-fail-on-non-empty $(1); }

.PHONY: install install-module install-user install-dkms uninstall uninstall-dkms deb

install: install-module install-user

# Two modules of one name in a kernel's folder, and it is depmod that chooses.
install-module: module
	@! ls $(MODULE_DIR)/dkms/minivmx.ko* >/dev/null 2>&1 || { echo "DKMS has put a minivmx" \
		"into $(KERNEL): 'make uninstall-dkms' first, or only 'make install-user'" >&2; exit 1; }
	install -d $(MODULE_DIR)
	strip --strip-debug -o $(MODULE_DIR)/minivmx.ko $(KBUILD_DIR)/minivmx.ko
	chmod 644 $(MODULE_DIR)/minivmx.ko
	$(if $(DESTDIR),,depmod $(KERNEL))

install-user: user $(if $(wildcard $(TOP)/docs/man),man)
	@sed 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),; s,@VERSION@,$(VERSION),' \
		$(TOP)/packaging/libminivmx.pc.in >$(BUILD)/lib/libminivmx.pc
	@set -e; $(foreach file,$(USER_FILES),echo "install $(DESTDIR)$(call part,3,$(file))"; \
		install -D -m $(call part,1,$(file)) $(call part,2,$(file)) $(DESTDIR)$(call part,3,$(file));)

# Manual pages by their names: here they may not be built any more. The module of all
# kernels: each may have got one.
uninstall:
	rm -f $(foreach file,$(USER_FILES),$(DESTDIR)$(call part,3,$(file)))
	rm -f $(foreach section,1 3 4,$(addprefix $(DESTDIR)$(PREFIX)/share/man/man$(section)/,\
		minivmx*.$(section) libminivmx*.$(section)))
	$(call remove_empty,$(DESTDIR)$(PREFIX)/lib/minivmx)
	@for module in $(DESTDIR)/lib/modules/*/updates/minivmx.ko; do \
		[ -e "$$module" ] || continue; \
		updates=$${module%/*} kernel=$${module%/updates/*}; \
		echo "rm $$module"; \
		rm "$$module" && $(call remove_empty,"$$updates") && \
			{ [ -n "$(DESTDIR)" ] || depmod "$${kernel##*/}"; } || exit 1; \
	done

# What DKMS needs of this tree, where it looks for it, and the hooks.
install-dkms: uninstall-dkms
	install -d $(DKMS_SOURCE)
	cp -r $(addprefix $(TOP)/,$(DKMS_FILES)) $(DKMS_SOURCE)/
	@set -e; for hook in $(KERNEL_HOOKS); do \
		echo "install $$hook"; \
		install -D -m 755 $(TOP)/packaging/kernel-hook $$hook; \
	done
	$(if $(DESTDIR),,dkms install -m minivmx -v $(VERSION) -k $(KERNEL))

uninstall-dkms:
	$(if $(DESTDIR),,! dkms status minivmx/$(VERSION) | grep -q . || \
		dkms remove -m minivmx -v $(VERSION) --all)
	rm -rf $(DKMS_SOURCE)
	rm -f $(KERNEL_HOOKS)

deb:
	$(TOP)/scripts/make-deb
