#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The host is suspended while there are VMs: host/suspend.c. By kernels with PM_DEBUG,
# which the cloud ones lack.
# MACHINE: --cpus 2 --mem 768
# KERNELS: full full-6.12
# MODES: own borrow
exec ./host/suspend
