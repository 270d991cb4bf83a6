#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# CPUs come and go under guests on borrowed VMX: KVM turns it on and off there.
# MACHINE: --cpus 2 --mem 768 --append cpu0_hotplug
# MODES: borrow
exec ./vmx/hotplug_test
