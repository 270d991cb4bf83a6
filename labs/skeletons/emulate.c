// SPDX-License-Identifier: GPL-2.0
/* Lab 4: sensitive instructions, emulated by the program. */
#include <errno.h>

#include "emulate.h"

int emulate_start(struct emulation *emulation, struct vcpu *vcpu)
{
	/* MINIVMX_SET_ROUTE, MINIVMX_SET_MSR_ROUTE, a control and a mask of the VMCS. */
	return -ENOSYS;
}

int emulate_run(struct emulation *emulation, struct vcpu *vcpu)
{
	/* A table of handlers by basic exit reason. Which of them skip the instruction? */
	return -ENOSYS;
}
