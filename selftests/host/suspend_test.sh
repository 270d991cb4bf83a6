#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The host is suspended while there are VMs: host/suspend.c.
# MACHINE: --cpus 2 --mem 768
# KERNELS: 6.1 6.12
# MODES: own borrow
exec ./host/suspend
