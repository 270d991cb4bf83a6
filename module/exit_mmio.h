/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of memory-mapped I/O: see exit_mmio.c. */
#ifndef MINIVMX_EXIT_MMIO_H
#define MINIVMX_EXIT_MMIO_H

struct vcpu;

int mmio_alloc(struct vcpu *vcpu);
void mmio_free(struct vcpu *vcpu);

#endif /* MINIVMX_EXIT_MMIO_H */
