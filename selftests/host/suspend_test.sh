#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The host is suspended while there are VMs: host/suspend.c. By kernels with PM_DEBUG,
# which the cloud ones lack.
#
# pci=noacpi: 6.1 warns of itself in its first two minutes, without minivmx too, if
# AML that it runs in irqrouter_resume() needs a new slab. The slab's order is random,
# crng_make_state() asks for the uptime, and the clock stands still by then. With this
# there is no such AML.
# MACHINE: --cpus 2 --mem 768 --append pci=noacpi
# KERNELS: full full-6.12
# MODES: own borrow
exec ./host/suspend
